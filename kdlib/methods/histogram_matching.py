"""Histogram matching: the target's intensities are brought to the source's, and nothing else.

Nyúl and Udupa, Magnetic Resonance in Medicine 42 (1999); Nyúl et al., IEEE TMI 19 (2000).
"""

import torch
from torch import Tensor

from kdlib.methods.base import Method, NoSettings
from kdlib.methods.task import AdaptationTask
from kdlib.networks import IntensityCurve

# Lesions are the brightest hundredth of a head, so there are many landmarks above 0.95.
LANDMARKS = (0.001, 0.01, *(n / 10 for n in range(1, 10)), 0.95, 0.98, 0.99, 0.995, 0.998)


class HistogramMatching(Method[AdaptationTask, NoSettings], name="histogram_matching"):
    """Put a monotone curve in front of the teacher's network, whose weights stay as they are.

    The curve is piecewise linear. It brings the landmarks of the target to those of the source:
    quantiles of the intensities inside the head, of all slices together. Nyúl et al. match each
    scan by itself.
    """

    trains = False

    def set_up(self) -> None:
        knots = landmarks(self.task.target.images)
        self.network.intensity = IntensityCurve(knots, landmarks(self.task.labelled.slices.images))


def landmarks(images: Tensor) -> Tensor:
    """The intensities (C, K) at the ``LANDMARKS`` of slices (N, C, H, W), rising along K.

    Outside the head a prepared slice has one value, which is its lowest.
    """
    found = []
    for channel in images.unbind(1):
        outside = channel <= channel.amin((-2, -1), keepdim=True)
        ordered = channel.masked_fill(outside, -torch.inf).flatten().sort().values
        inside = (~outside).sum()
        places = torch.tensor(LANDMARKS, device=images.device) * (inside - 1)
        found.append(ordered[len(ordered) - inside + places.round().long()])
    return _rising(torch.stack(found))


def _rising(values: Tensor, least: float = 1e-4) -> Tensor:
    """The same values, where two are equal moved up by a little, so that each slope is finite."""
    steps = values.diff().clamp(min=least).cumsum(1)
    return torch.cat([values[:, :1], values[:, :1] + steps], 1)
