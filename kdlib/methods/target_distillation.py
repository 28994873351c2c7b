"""KD without a source: the student learns its teacher's answers on the target's scans alone.

The paper's Eq. 3 with the sum over the target. With several views it is data distillation
(Radosavovic et al. 2018) with soft answers.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from kdlib.losses import distillation, soften
from kdlib.methods.base import Losses, Method, MethodSettings
from kdlib.methods.data_distillation import mean_of_views
from kdlib.methods.task import SourceFreeTask
from kdlib.networks import answer_all, soften_head
from kdlib.recipe import Change, Positive

TINY = 1e-6  # no probability is nearer to 0, so that its logarithm is finite


class TargetDistillationSettings(MethodSettings):
    """What only KD without a source has."""

    temperature: Positive = Field(2.0, description="T of Eq. 3; answers get softer as it grows")
    views: Annotated[int, Field(ge=0)] = Field(
        0, description="how many random views of a slice the teacher answers; 0: the slice itself"
    )
    transforms: tuple[Change, ...] = Field(
        ("flip", "affine"), description="how these views differ, as in augmentation"
    )

    @property
    def softening(self) -> float:
        return self.temperature


class TargetDistillation(
    Method[SourceFreeTask, TargetDistillationSettings], name="target_distillation"
):
    """Minimise Eq. 3 over the target's slices. No scan and no label of the source is handed to it.

    As in KD, a student that starts at its teacher's weights starts with its head divided by T.
    """

    @torch.no_grad()
    def set_up(self) -> None:
        self.soft_labels = soften(self.teacher_logits(), self.settings.temperature)
        if self.task.start is not None:
            soften_head(self.network, self.settings.softening)

    def teacher_logits(self) -> Tensor:
        """The teacher's logits (N, 2, H, W), or those of its mean probability over all views."""
        images, teacher = self.task.target.images, self.task.teacher
        if not self.settings.views:
            return answer_all(teacher, images, self.recipe.precision)
        mean = mean_of_views(
            teacher, images, self.settings.views, self.settings.transforms, self.recipe, self.seed
        )
        return mean.clamp(min=TINY).log()

    def update(self, step: int) -> Losses:
        images = self.task.target.images
        picked = self.batch(len(images), self.recipe.batch_size, step, "target")
        change = self.augmentation(len(picked), step)
        logits = self.answer(change.images(images[picked]))
        loss = distillation(logits, change.maps(self.soft_labels[picked]))
        self.descend(loss)
        return {"distillation": loss.detach()}
