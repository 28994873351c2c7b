"""Learning from labels: the teacher (source alone) and the U-bound (source and target).

Paper, Section 3.1, Eq. 1, and Section 4.2.
"""

from typing import ClassVar

from kdlib.methods.base import Losses, Method, NoSettings
from kdlib.methods.task import LabelledTask


class Supervised(Method[LabelledTask, NoSettings], name="supervised"):
    """Minimise the segmentation loss over every labelled slice it is handed.

    Without a target this is the teacher. With a target it is the U-bound: the labelled subjects of
    one half of the target are pooled with the source.
    """

    reads_target_labels = True
    batches: ClassVar[str] = "labelled"  # the purpose for which batches are drawn

    def update(self, step: int) -> Losses:
        labelled = self.task.labelled
        picked = self.batch(len(labelled), self.recipe.batch_size, step, self.batches)
        change = self.augmentation(len(picked), step)
        logits = self.answer(change.images(labelled.slices.images[picked]))
        loss = self.segmentation_loss(logits, change.labels(labelled.labels[picked]))
        self.descend(loss)
        return {"segmentation": loss.detach()}
