"""ADA on a few of the target's scans, which the seed draws: how many does it need?"""

from kdlib.methods.adversarial import Adversarial, AdversarialSettings
from kdlib.methods.base import TargetScans


class AdversarialOfFewSettings(TargetScans, AdversarialSettings):
    """The settings of ADA, and how many scans of the target it is given."""


class AdversarialOfFew(Adversarial, name="adversarial_of_few"):
    """ADA as it is, but for the number of scans. The paper's ADA has no such setting."""

    Settings = AdversarialOfFewSettings
