"""AdaBN: batch norm takes its statistics from the target; no weight is trained (Li et al. 2016)."""

import math

import torch
from torch import Tensor, nn

from kdlib.errors import InputError
from kdlib.methods.base import Method, NoSettings
from kdlib.methods.task import SourceFreeTask
from kdlib.recipe import Recipe

AT_ONCE = 32  # slices


class AdaBN(Method[SourceFreeTask, NoSettings], name="adabn"):
    """Estimate all means and variances of the teacher's batch norms anew, on the target's slices.

    One pass over all slices, in float32 whatever the recipe's precision; on a GPU cuDNN may compute
    it in TF32. Each batch has slices of every scan and height, so that one batch is like another;
    all batches count alike.
    """

    trains = False

    @classmethod
    def check(cls, recipe: Recipe) -> None:
        check_norm(recipe, cls.name)

    def set_up(self) -> None:
        estimate(self.network, self.task.target.images)


def check_norm(recipe: Recipe, method: str) -> None:
    """Raise ``InputError`` if the networks of a recipe have no batch norm, which a method needs."""
    if recipe.norm != "batch":
        why = f"with norm={recipe.norm!r} a network has no statistics to estimate anew"
        raise InputError(f"method={method!r}: {why}; give norm='batch'")


def batch_norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    """The batch norms of a network, from its first layer to its last."""
    return [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]


def estimate(network: nn.Module, images: Tensor) -> None:
    """Give the batch norms of ``network``, in training mode, the statistics of all ``images``."""
    for layer in batch_norms(network):
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean over all batches
    batches = math.ceil(len(images) / AT_ONCE)
    with torch.no_grad():
        for first in range(batches):
            network(images[first::batches])
