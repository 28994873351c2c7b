"""Laws of refining a lesion network."""

import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate

from kdlib.networks import answer_all, new_unet
from kdlib.starter.lesion_training import recipe
from kdlib.starter.refining import finer_recipe, refined


@pytest.mark.parametrize("inputs", ["flair", "flair+t1"])
def test_a_refined_network_first_answers_as_the_coarse_one_does_on_means(inputs: str) -> None:
    changes = {"inputs": inputs, "size": (16, 24), "precision": "float32"}
    own = recipe(1).model_copy(update=changes)
    network = new_unet(own, seed=0).eval()
    finer = refined(network, finer_recipe(own, 5))
    images = torch.randn(2, len(inputs.split("+")), 32, 48)
    coarse = answer_all(network, avg_pool2d(images, 2), "float32")
    assert torch.allclose(
        answer_all(finer, images, "float32"), interpolate(coarse, scale_factor=2), atol=1e-5
    )


def test_the_finer_recipe_halves_voxels_of_the_same_view() -> None:
    own, finer = recipe(1), finer_recipe(recipe(1), 5)
    assert finer.voxel_mm == (1, 1, 3)
    for edge, voxels, fine_edge, fine_voxels in zip(
        own.voxel_mm or (), own.size, finer.voxel_mm, finer.size, strict=False
    ):
        assert edge * voxels == fine_edge * fine_voxels
    with pytest.raises(ValueError, match="whole stem"):
        finer_recipe(finer, 5)
