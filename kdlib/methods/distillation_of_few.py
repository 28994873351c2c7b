"""KD on a few of the target's scans, which the seed draws: how many does it need?"""

from kdlib.methods.base import TargetScans
from kdlib.methods.distillation import Distillation, DistillationSettings


class DistillationOfFewSettings(TargetScans, DistillationSettings):
    """The settings of KD, and how many scans of the target it is given."""


class DistillationOfFew(Distillation, name="distillation_of_few"):
    """KD as it is, but for the number of scans. The paper's KD has no such setting.

    With few scans the target is a smaller part of the union that a batch is drawn from.
    """

    Settings = DistillationOfFewSettings
