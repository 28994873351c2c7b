"""A method of a user, outside the package: mean teacher (Tarvainen and Valpola, 2017)."""

import copy

import torch
from torch.nn import functional as F

from kdlib.methods import AdaptationTask, Losses, Method, MethodSettings
from kdlib.networks import UNet


class MeanTeacherSettings(MethodSettings):
    """What only mean teacher has."""

    memory: float = 0.9


class MeanTeacher(Method[AdaptationTask, MeanTeacherSettings], name="mean-teacher"):
    """Two views of a target batch are answered alike by a network and its running mean."""

    def set_up(self) -> None:
        self.mean = copy.deepcopy(self.network)
        self.keep("mean", self.mean)

    @property
    def result(self) -> UNet:
        return self.mean

    def update(self, step: int) -> Losses:
        images, labels, _ = self.mixed_batch(step)
        segmentation = self.segmentation_loss(self.answer(images)[: len(labels)], labels)
        consistency = self.consistency(step)
        self.descend(segmentation + consistency)
        self.follow()
        return {"segmentation": segmentation.detach(), "consistency": consistency.detach()}

    def consistency(self, step: int) -> torch.Tensor:
        target = self.task.target
        images = target.images[self.batch(len(target), self.recipe.batch_size, step, "views")]
        first, second = self.two_views(len(images), step)
        with torch.no_grad():
            theirs = self.answer(second.images(images), self.mean).softmax(dim=1)
        own = self.answer(first.images(images)).softmax(dim=1)
        return F.mse_loss(own, first.maps(second.back(theirs)))

    @torch.no_grad()
    def follow(self) -> None:
        for mean, new in zip(self.mean.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(new, 1 - self.settings.memory)
