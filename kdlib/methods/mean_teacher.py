"""Mean teacher, or self-ensembling: a network and its running mean agree on the target.

Tarvainen and Valpola 2017; French et al. 2018 for a new domain; Perone et al. 2019 for MRI.
"""

import copy
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from kdlib.augmentation import sent
from kdlib.methods.base import Losses, Method, MethodSettings
from kdlib.methods.task import AdaptationTask
from kdlib.networks import UNet
from kdlib.randomness import seeded


class MeanTeacherSettings(MethodSettings):
    """What only mean teacher has (defaults: French et al. 2018)."""

    memory: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.99, description="how much of the running mean stays in each step"
    )
    consistency_weight: Annotated[float, Field(ge=0)] = Field(
        3.0, description="weight of the consistency loss"
    )
    noise: Annotated[float, Field(ge=0)] = Field(
        0.1, description="standard deviation of the noise that is added to each view"
    )


class MeanTeacher(Method[AdaptationTask, MeanTeacherSettings], name="mean_teacher"):
    """Segment the source while two views of a target batch get the same answer.

    The trained network answers the first view, and the running mean of its weights the second. The
    mean is the result. It sees only the target, so its batch norms have the target's statistics.
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
        self.descend(segmentation + self.settings.consistency_weight * consistency)
        self.follow(step)
        return {"segmentation": segmentation.detach(), "consistency": consistency.detach()}

    def consistency(self, step: int) -> Tensor:
        """The mean squared difference of both answers to this step's target batch."""
        half = self.recipe.batch_size // 2
        images = self.task.target.images[self.batch(len(self.task.target), half, step, "target")]
        first, second = self.two_views(half, step)
        with torch.no_grad():
            theirs = self.answer(self.noisy(second.images(images), step, "mean"), self.mean)
        own = self.answer(self.noisy(first.images(images), step, "network"))
        return F.mse_loss(own.softmax(dim=1), first.maps(second.back(theirs.softmax(dim=1))))

    def noisy(self, images: Tensor, step: int, purpose: str) -> Tensor:
        """The images with white noise. All devices draw the same."""
        noise = seeded(self.seed, f"noise, {purpose}", step).normal(size=tuple(images.shape))
        return images + self.settings.noise * sent(torch.from_numpy(noise).float(), self.device)

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Move the running mean. At first it forgets faster (Tarvainen and Valpola 2017)."""
        share = max(1 - self.settings.memory, 1 / (step + 1))
        for mean, new in zip(self.mean.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(new, share)
