"""Mean teacher, or self-ensembling: a network and its running mean agree on the target.

Tarvainen and Valpola 2017; French et al. 2018 for a new domain; Perone et al. 2019 for MRI.
"""

import copy
import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from kdlib.augmentation import sent
from kdlib.methods.base import Losses, Method, TargetScans
from kdlib.methods.task import AdaptationTask
from kdlib.networks import UNet
from kdlib.randomness import seeded


class MeanTeacherSettings(TargetScans):
    """What only mean teacher has (defaults: French et al. 2018; the ramp: Perone et al. 2019)."""

    memory: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.99, description="how much of the running mean stays in each step"
    )
    consistency_weight: Annotated[float, Field(ge=0)] = Field(
        3.0, description="weight of the consistency loss, after the ramp"
    )
    ramp: Annotated[float, Field(ge=0, le=1)] = Field(
        0.3, description="share of the training in which this weight grows"
    )
    noise: Annotated[float, Field(ge=0)] = Field(
        0.1, description="standard deviation of the noise that is added to each view"
    )


class MeanTeacher(Method[AdaptationTask, MeanTeacherSettings], name="mean_teacher"):
    """Segment the source while two views of a target batch get the same answer.

    The trained network answers the first view, and the running mean of its weights the second. The
    mean is the result. It sees only the target, so its batch norms have the target's statistics.

    At first the answers are poor, so the weight grows along ``exp(-5 (1 - t)^2)`` (Tarvainen and
    Valpola 2017, Section 3.1). In the code of Perone et al. it does so in 100 of 350 epochs. French
    et al. leave out unsure answers instead, but in a segmentation those are the borders of lesions.
    They also balance the classes; here the loss is a mean over all voxels. Perone et al. take a
    weight of 20, and later a memory of 0.999, too long for a short training.
    """

    def set_up(self) -> None:
        self.mean = copy.deepcopy(self.network)
        self.keep("mean", self.mean)

    @property
    def result(self) -> UNet:
        return self.mean

    def update(self, step: int) -> Losses:
        images, labels, _ = self.mixed_batch(step)
        segmentation = self.segmentation_loss(self.answer(images[: len(labels)]), labels)
        consistency = self.consistency(step)
        self.descend(segmentation + self.weight(step) * consistency)
        self.follow(step)
        return {"segmentation": segmentation.detach(), "consistency": consistency.detach()}

    def weight(self, step: int) -> float:
        """The weight of the consistency loss."""
        grown = min(1.0, step / max(self.settings.ramp * self.updates, 1e-9))
        return self.settings.consistency_weight * math.exp(-5 * (1 - grown) ** 2)

    def consistency(self, step: int) -> Tensor:
        """The mean squared difference of both answers to this step's target batch."""
        half = self.recipe.batch_size // 2
        images = self.task.target.images[self.batch(len(self.task.target), half, step, "target")]
        first, second = self.two_views(half, step)
        noise = seeded(self.seed, "noise", step).normal(0, self.settings.noise, (2, *images.shape))
        own_noise, noise_of_mean = sent(torch.from_numpy(noise).float(), self.device)
        with torch.no_grad():
            theirs = self.answer(second.images(images) + noise_of_mean, self.mean).softmax(dim=1)
        own = self.answer(first.images(images) + own_noise).softmax(dim=1)
        return F.mse_loss(own, first.maps(second.back(theirs)))

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Move the running mean. At first it forgets faster (Tarvainen and Valpola 2017)."""
        share = max(1 - self.settings.memory, 1 / (step + 1))
        for mean, new in zip(self.mean.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(new, share)
