"""Tent: at test time, be sure. Only scales and shifts learn, by entropy (Wang et al. 2021)."""

from torch import nn

from kdlib.errors import InputError
from kdlib.losses import entropy
from kdlib.methods.base import Losses, Method, TargetScans
from kdlib.methods.task import SourceFreeTask
from kdlib.recipe import Recipe

NORMS = (nn.BatchNorm2d, nn.InstanceNorm2d)


class Tent(Method[SourceFreeTask, TargetScans], name="tent"):
    """Make the teacher's network surer on the target, by the scale and shift of each channel.

    Its loss is the entropy of its own answers. No other weight changes. Each step normalises by the
    statistics of its batch (Wang et al. 2021, Section 3). The authors do so at the test, too. Here
    the batch norms remember a running mean, since a network has one answer to a scan.

    The authors take Adam with 1e-3 for batches of 128 images, one step for each batch, and a lower
    rate in proportion for smaller batches (Section 4; their code, cfgs/tent.yaml). For 16 slices
    that is about 1e-4. They pass over the target once, or take ten steps on one image (Section
    4.2). An arm's ``steps`` can do so: by default a training is as long as all others.
    """

    starts_at_teacher = True

    @classmethod
    def check(cls, recipe: Recipe) -> None:
        if recipe.norm == "none":
            why = "with norm='none' a network has no scales and shifts"
            raise InputError(f"method='tent': {why}; give norm='batch' or 'instance'")

    def set_up(self) -> None:
        self.network.requires_grad_(False)
        for layer in self.network.modules():
            if isinstance(layer, NORMS):
                layer.requires_grad_(True)

    def update(self, step: int) -> Losses:
        target = self.task.target
        picked = self.batch(len(target), self.recipe.batch_size, step, "target")
        change = self.augmentation(len(picked), step)
        loss = entropy(self.answer(change.images(target.images[picked])))
        self.descend(loss)
        return {"entropy": loss.detach()}
