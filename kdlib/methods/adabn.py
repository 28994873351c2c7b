"""AdaBN: batch norm takes its statistics from the target; no weight is trained (Li et al. 2016)."""

import torch
from torch import Tensor, nn

from kdlib.batch_norms import batch_norms, check_norm
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


def estimate(network: nn.Module, images: Tensor) -> None:
    """Give the batch norms of ``network``, in training mode, the statistics of all ``images``."""
    for layer in batch_norms(network):
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean over all batches
    batches = -(-len(images) // AT_ONCE)  # rounded up
    with torch.no_grad():
        for first in range(batches):
            network(images[first::batches])
