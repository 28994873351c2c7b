"""Deep CORAL: features of both clinics get the same covariance (Sun and Saenko 2016)."""

from typing import Annotated

from pydantic import Field

from kdlib.losses import coral_loss
from kdlib.methods.base import Losses, Method, TargetScans
from kdlib.methods.task import AdaptationTask


class DeepCoralSettings(TargetScans):
    """What only Deep CORAL has."""

    coral_weight: Annotated[float, Field(ge=0)] = Field(
        1.0,
        description="weight of the CORAL loss; with 0, target slices only change the batch norm",
    )


class DeepCoral(Method[AdaptationTask, DeepCoralSettings], name="deep_coral"):
    """Segment the source while source and target features are correlated alike.

    A batch is half source, half target. The paper aligns the last fully connected layer. A UNet
    has none; what its last layer decides from are the channels of the last decoder level, at
    each voxel, and those are aligned. Its two logits would be too few: the softmax sees only
    their difference, so only a variance would be left, and that grows with the lesion load.

    The authors choose a weight with which both losses are about equal at the end (Section 4.1).
    That needs no label of the target; the losses stand in a run's history. The study settings
    chooses by the Dice at home instead, as for all methods.
    """

    def update(self, step: int) -> Losses:
        images, labels, _ = self.mixed_batch(step)
        features, logits = self.features_and_logits(images)
        segmentation = self.segmentation_loss(logits[: len(labels)], labels)
        coral = coral_loss(*features.chunk(2))
        self.descend(segmentation + self.settings.coral_weight * coral)
        return {"segmentation": segmentation.detach(), "coral": coral.detach()}
