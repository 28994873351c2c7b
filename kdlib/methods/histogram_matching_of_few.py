"""Histogram matching on a few of the target's scans, which the seed draws: how many suffice?"""

from kdlib.methods.base import TargetScans
from kdlib.methods.histogram_matching import HistogramMatching


class HistogramMatchingOfFew(HistogramMatching, name="histogram_matching_of_few"):
    """Histogram matching as it is, but for the number of scans."""

    Settings = TargetScans
