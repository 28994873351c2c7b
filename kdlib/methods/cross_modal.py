"""Cross-modal distillation: a network of T1 learns the features of a teacher of FLAIR.

Gupta et al. 2016, the paper's reference 10.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from kdlib.data.slices import pool
from kdlib.methods.base import Losses, Method, TargetScans
from kdlib.methods.task import TaughtTask
from kdlib.networks import IntensityCurve, mixed_precision


class CrossModal(Method[TaughtTask, TargetScans], name="cross_modal"):
    """Answer on T1 alone as a teacher answers on FLAIR. It learns from both images, without labels.

    The teacher is an ordinary network of FLAIR. The student has its head, which stays. It learns to
    put the teacher's features in front of this head: the loss is the mean squared difference
    (Gupta et al. 2016, Section 3), on the scans of source and target. The authors take a layer in
    the middle and then fine-tune with some labels of the new image. Here the new image has no
    labels, so the layer is the last one before the head.

    The recipe has ``inputs="flair+t1"``. In front of the student stands a curve that makes its
    FLAIR zero. It is saved with the network. If the recipe has FLAIR alone, both see the same.
    """

    teacher_inputs = "flair"

    def set_up(self) -> None:
        self.slices = pool([self.task.labelled.slices, self.task.target])
        self.network.head.load_state_dict(self.task.teacher.head.state_dict())
        self.network.head.requires_grad_(False)
        if self.slices.images.shape[1] > 1:
            self.network.intensity = without_the_first(self.slices.images)

    def update(self, step: int) -> Losses:
        picked = self.batch(len(self.slices), self.recipe.batch_size, step, "union")
        change = self.augmentation(len(picked), step)
        images = change.images(self.slices.images[picked])
        with torch.no_grad(), mixed_precision(self.device, self.recipe.precision):
            theirs = self.task.teacher.features(images[:, :1]).float()
        own, _ = self.features_and_logits(images)
        loss = F.mse_loss(own, theirs)
        self.descend(loss)
        return {"features": loss.detach()}


def without_the_first(images: Tensor) -> IntensityCurve:
    """A stage that makes the first of a slice's images zero and leaves the others as they are."""
    knots = torch.tensor([0.0, 1.0], device=images.device).repeat(images.shape[1], 1)
    seen = torch.arange(images.shape[1], device=images.device)[:, None] > 0
    return IntensityCurve(knots, knots * seen)
