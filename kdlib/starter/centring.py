"""Move a lesion network's answers so that the threshold of 0.5 is a good one.

A network that has learnt the mean of unsure answers marks too little at 0.5. Simulated people from
whom it has not learnt tell which threshold is good. The bias of its head then moves by as much.
"""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from kdlib.data.labels import THRESHOLD, Label
from kdlib.networks import UNet
from kdlib.prediction import predict
from kdlib.recipe import Recipe
from kdlib.scores.metrics import dice
from kdlib.starter.people import Person
from kdlib.starter.population import OnPerson

THRESHOLDS = np.arange(20, 81, 5) / 100
NEARLY = 0.005  # Dice: as good as the best, where few people make the curve rough


def centred(
    network: UNet,
    own: Recipe,
    people: Sequence[Person],
    on_person: OnPerson,
    nearly: float = NEARLY,
) -> tuple[UNet, float]:
    """A copy of ``network`` for which 0.5 is what its good threshold was, and that threshold.

    See ``good_threshold`` for ``nearly``.
    """
    curves = []
    for number, person in enumerate(people):
        curves.append(_dice_by_threshold(network, own, person))
        on_person(number + 1, len(people))
    good = good_threshold(curves, nearly)
    return moved(network, float(np.log((1 - good) / good))), good


def good_threshold(curves: Sequence[NDArray[np.float64]], nearly: float = NEARLY) -> float:
    """Of ``THRESHOLDS``, the one next to 0.5 whose mean Dice is at most ``nearly`` below the best.

    ``curves`` has the Dice by threshold of each person, NaN where there is no lesion.
    """
    means = np.nanmean(curves, axis=0)
    good = THRESHOLDS[means >= np.nanmax(means) - nearly]
    return float(good[np.abs(good - THRESHOLD).argmin()])


@torch.no_grad()
def moved(network: UNet, log_odds: float) -> UNet:
    """A copy of ``network`` whose lesion log-odds are higher by a number in every voxel."""
    changed = copy.deepcopy(network)
    for bias in (one for one in changed.head.parameters() if one.ndim == 1):
        background, lesion = bias.chunk(2)
        background -= log_odds / 2
        lesion += log_odds / 2
    return changed


def _dice_by_threshold(network: UNet, own: Recipe, person: Person) -> NDArray[np.float64]:
    labels, answer = person.labels.array, predict(network, [person.flair], own).array
    truth, counted = labels == Label.LESION, labels != Label.OTHER_PATHOLOGY
    if not truth.any():
        return np.full(len(THRESHOLDS), np.nan)
    return np.array([dice((answer >= level) & counted, truth) for level in THRESHOLDS])
