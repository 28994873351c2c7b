"""Refine a lesion network: the same answers on voxels of half the edge, from where it learns on.

A network of 2 mm cannot see lesions of a few voxels of 1 mm. One of 1 mm takes four times as long
for a step. So the finer network folds each 2 x 2 voxels into channels (Shi et al. 2016). Its levels
then work at the resolution of the coarse one, whose weights they take over.
"""

import torch

from kdlib.networks import FOLDS, UNet, new_unet
from kdlib.recipe import Recipe

_FOLD = FOLDS["half"]


def finer_recipe(own: Recipe, steps: int) -> Recipe:
    """The recipe ``own`` of a whole stem, with voxels of half the edge in the plane."""
    if own.voxel_mm is None or own.stem != "full":
        raise ValueError("only a network of a whole stem, with voxels of its own, can be refined")
    across, along, through = own.voxel_mm
    height, width = own.size
    finer = {
        "voxel_mm": (across / _FOLD, along / _FOLD, through),
        "size": (height * _FOLD, width * _FOLD),
        "stem": "half",
        "steps": steps,
    }
    return Recipe(**own.model_dump() | finer)


@torch.no_grad()
def refined(network: UNet, finer: Recipe) -> UNet:
    """A network of the recipe ``finer`` that first answers as ``network`` does.

    Each 2 x 2 of its voxels get the logits that ``network`` has for their mean.
    """
    weights = network.state_dict()
    first, many = "down.0.0.weight", _FOLD**2
    weights[first] = weights[first].repeat_interleave(many, dim=1) / many
    for name in ("weight", "bias"):
        weights[f"head.0.{name}"] = weights.pop(f"head.{name}").repeat_interleave(many, dim=0)
    result = new_unet(finer, seed=0)
    result.load_state_dict(weights)
    return result.eval().requires_grad_(False)
