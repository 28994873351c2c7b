"""Laws of Deep CORAL."""

import pytest
import torch

from kdlib.data.slices import LabelledSlices, Slices
from kdlib.methods import AdaptationTask
from kdlib.methods.deep_coral import DeepCoral, DeepCoralSettings
from kdlib.training import train
from tests.methods.made import make, recipe

TWO_IMAGES = recipe(inputs="flair+t1", batch_size=16, learning_rate=0.01, schedule="constant")


def clinic(seed: int, gain: float) -> LabelledSlices:
    """Slices of two images that both tell the label; the first one has the clinic's ``gain``."""
    rng = torch.Generator().manual_seed(seed)
    truth, *noise = torch.randn(3, 32, 16, 16, generator=rng)
    images = [gain * (truth + 0.3 * noise[0]), truth + 0.5 * noise[1]]
    return LabelledSlices(Slices(torch.stack(images, dim=1)), (truth > 0).to(torch.uint8))


def trained_on(source: LabelledSlices, target: Slices, weight: float) -> tuple[DeepCoral, float]:
    """The method after its training, and its last CORAL loss."""
    task = AdaptationTask(labelled=source, target=target)
    settings = DeepCoralSettings(coral_weight=weight)
    method = DeepCoral(TWO_IMAGES, settings, task, seed=0, updates=200)
    return method, train(method)[-1]["coral"]


def accuracy(method: DeepCoral, on: LabelledSlices) -> float:
    with torch.no_grad():
        decisions = method.result(on.slices.images).argmax(dim=1)
    return (decisions == on.labels).float().mean().item()


def test_aligning_mends_a_scaled_image_that_mixed_batches_alone_do_not() -> None:
    source, target = clinic(0, gain=1.0), clinic(1, gain=4.0)
    (mixed, apart), (aligned, together) = (
        trained_on(source, target.slices, weight) for weight in (0.0, 100.0)
    )
    assert together < 0.01 * apart
    assert accuracy(aligned, target) > accuracy(mixed, target) + 0.15
    assert accuracy(aligned, source) > 0.9


def test_the_weight_scales_the_loss_that_reaches_the_network() -> None:
    grads = []
    for weight in (0.0, 1.0, 2.0):
        method = make("deep_coral", coral_weight=weight)
        method.descend = lambda loss: loss.backward()
        method.update(0)
        grads.append(method.network.up[0].weight.grad)
    torch.testing.assert_close(grads[2] - grads[0], 2 * (grads[1] - grads[0]))
    assert grads[1].ne(grads[0]).any()


@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_a_weight_without_meaning_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="coral_weight"):
        DeepCoralSettings(coral_weight=weight)
