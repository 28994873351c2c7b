"""Fine-tuning: the teacher goes on learning, from a few labelled subjects of the target.

The paper's reference 5 (Karani et al. 2018), for MRI of other scanners and protocols.
"""

from pydantic import Field

from kdlib.methods.base import MethodSettings
from kdlib.methods.supervised import Supervised
from kdlib.recipe import Count


class FineTuningSettings(MethodSettings):
    """What only fine-tuning has."""

    subjects: Count = Field(
        2,
        description="how many labelled subjects of the target it learns from; the seed draws them",
    )

    @property
    def target_labels(self) -> int:
        return self.subjects


class FineTuning(Supervised, name="fine_tuning"):
    """Minimise the segmentation loss over a few labelled subjects of the target, from the teacher.

    It is not a method without labels. It shows how many labels the others are worth.
    """

    Settings = FineTuningSettings
    starts_at_teacher = True
    batches = "fine-tuning"
