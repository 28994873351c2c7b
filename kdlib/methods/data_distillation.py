"""Data distillation: learn hard labels that many views of each target scan voted for.

Radosavovic et al. 2018 (omni-supervised learning); for medical images Huang et al. 2018, the
paper's reference 11.
"""

from collections.abc import Collection
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from kdlib.augmentation import draw
from kdlib.methods.base import Losses, Method, TargetScans
from kdlib.methods.task import TaughtTask
from kdlib.networks import UNet, answer_all
from kdlib.randomness import seeded
from kdlib.recipe import Change, Recipe


class DataDistillationSettings(TargetScans):
    """What only data distillation has."""

    views: Annotated[int, Field(ge=1)] = Field(
        8, description="how many random views of a slice the teacher answers"
    )
    transforms: tuple[Change, ...] = Field(
        ("flip", "affine"), description="how these views differ, as in augmentation"
    )


class DataDistillation(Method[TaughtTask, DataDistillationSettings], name="data_distillation"):
    """Segment the source by its labels and the target by its teacher's, in equal halves.

    The teacher answers random views of each target slice. Its answers are moved back and averaged.
    The class of the larger mean is the label, as hard as a reader's.

    In Radosavovic et al. 2018 the views are scales and mirror images, the student is trained anew
    from the start, and batches hold both kinds of labels, the readers' somewhat more often
    (Sections 3 and 4). Here they are halves, as in ADA. Their detectors take answers above a score
    that leaves as many objects in an image as readers mark; a segmenter has one answer for a voxel.
    """

    def set_up(self) -> None:
        self.labels = self.voted().argmax(dim=1).to(torch.uint8)

    def voted(self) -> Tensor:
        """The mean probabilities (N, 2, H, W) of the target's slices over all views."""
        return mean_of_views(
            self.task.teacher, self.task.target.images, self.settings.views,
            self.settings.transforms, self.recipe, self.seed,
        )  # fmt: skip

    def update(self, step: int) -> Losses:
        source, target, half = self.task.labelled, self.task.target, self.recipe.batch_size // 2
        here = self.batch(len(source), half, step, "source")
        there = self.batch(len(target), half, step, "target")
        images = torch.cat([source.slices.images[here], target.images[there]])
        labels = torch.cat([source.labels[here], self.labels[there]])
        change = self.augmentation(len(images), step)
        loss = self.segmentation_loss(self.answer(change.images(images)), change.labels(labels))
        self.descend(loss)
        return {"segmentation": loss.detach()}


def mean_of_views(
    network: UNet,
    images: Tensor,
    views: int,
    transforms: Collection[Change],
    recipe: Recipe,
    seed: int,
) -> Tensor:
    """The mean probabilities (N, 2, H, W) of a network over random views of ``images``.

    The answers to the views are moved back before they are averaged.
    """
    total = torch.zeros((), device=images.device)
    for view in range(views):
        change = draw(transforms, len(images), recipe.size, seeded(seed, "view", view))
        answers = answer_all(network, change.images(images), recipe.precision)
        total = total + change.back(answers.softmax(dim=1)) / views
    return total
