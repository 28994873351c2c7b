"""What a gap in Dice is made of: each kind of error is forgiven by itself, and Dice is taken anew.

The labels are used for this analysis alone. What the parts bring does not add up to the whole gap:
one voxel can be wrong in more than one way.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from kdlib.scores.metrics import Mask, components, dice, masks

THRESHOLDS = tuple(np.round(np.linspace(0.05, 0.95, 19), 2))
SMALL_ML = 0.05
SQUARE = np.ones((3, 3, 1), bool)  # a voxel and its neighbours in plane
Repair = Callable[[Mask, Mask], Mask]  # truth and result to a better result


def gap_parts(
    truth: NDArray,
    probability: NDArray[np.floating],
    spacing_mm: tuple[float, float, float],
    *,
    brain: Mask | None = None,
    other_labels: NDArray | None = None,
) -> dict[str, float]:
    """The Dice of an answer, and how much Dice each kind of error costs.

    Args:
        truth: the labels (x, y, z): 0 background, 1 lesion, 2 other pathology.
        probability: the answer in [0, 1], on the same grid.
        spacing_mm: the edges of a voxel in mm. The third axis is the one across slices.
        brain: where the brain is. Without it ``outside_brain`` is left out.
        other_labels: labels that hold more than ``truth``, such as the normal rims of the
            ventricles. Without them ``other_labels`` is left out.

    Returns:
        ``dice`` at a threshold of one half, and what is gained in Dice if one kind of error is
        forgiven. ``threshold``: the best threshold is taken. ``border``: voxels beside the border
        of a found lesion are right. ``missed``: lesions that were not touched are found.
        ``small``: of these, those below ``SMALL_ML``. ``false``: what touches no lesion is taken
        away. ``outside_brain``: what lies outside the brain is taken away. ``other_labels``: what
        lies in the other labels is taken away.
    """
    lesions, found = masks(truth, probability)
    millilitres = float(np.prod(spacing_mm)) / 1000
    repairs: dict[str, Repair] = {
        "border": without_border_errors,
        "missed": with_missed_lesions,
        "small": lambda t, r: with_missed_lesions(t, r, largest=SMALL_ML / millilitres),
        "false": without_false_lesions,
    }
    if brain is not None:
        repairs["outside_brain"] = lambda _, result: result & brain
    if other_labels is not None:
        spared = masks(other_labels, other_labels)[0] & ~lesions
        repairs["other_labels"] = lambda _, result: result & ~spared
    now = dice(lesions, found)
    best = best_threshold(truth, probability)[1]
    gained = {name: dice(lesions, mend(lesions, found)) - now for name, mend in repairs.items()}
    return {"dice": now, "threshold": best - now, **gained}


def best_threshold(truth: NDArray, probability: NDArray[np.floating]) -> tuple[float, float]:
    """The threshold of ``THRESHOLDS`` with the highest Dice, and this Dice.

    A best threshold far below one half says that lesions were seen, but too faintly.
    """
    found = dice_at_thresholds(truth, probability)
    at = max(found, key=lambda threshold: found[threshold])
    return at, found[at]


def dice_at_thresholds(truth: NDArray, probability: NDArray[np.floating]) -> dict[float, float]:
    """The Dice at each of ``THRESHOLDS``."""
    lesions, _ = masks(truth, probability)
    allowed = ~masks(np.asarray(truth) == 2, probability)[0]
    return {float(at): dice(lesions, (probability >= at) & allowed) for at in THRESHOLDS}


def at_shared_threshold(dices: pd.DataFrame) -> pd.Series:
    """The Dice of each scan at the one threshold that is best in the mean over all of them.

    ``dices`` has one row for each scan and one column for each threshold. A scan's own best
    threshold needs its mask; a shared one could be set for a clinic with few masks.
    """
    return dices[dices.mean().idxmax()]


def without_border_errors(truth: Mask, result: Mask) -> Mask:
    """The result, right in all voxels within one voxel, in plane, of the border of a found lesion.

    A lesion is found if the result touches it.
    """
    known = truth & ~_untouched(truth, result)
    near = ndimage.binary_dilation(known, SQUARE) & ~ndimage.binary_erosion(known, SQUARE)
    return np.where(near, truth, result)


def with_missed_lesions(truth: Mask, result: Mask, largest: float = np.inf) -> Mask:
    """The result with all true lesions that it does not touch, of at most ``largest`` voxels."""
    return result | _untouched(truth, result, largest)


def _untouched(mask: Mask, other: Mask, largest: float = np.inf) -> Mask:
    """The parts of ``mask``, of at most ``largest`` voxels, that ``other`` does not touch."""
    parts, count = components(mask)
    numbers = np.arange(1, count + 1)
    touched = np.asarray(ndimage.maximum(other, parts, numbers) if count else [], bool)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    return np.isin(parts, numbers[~touched & (sizes <= largest)])


def without_false_lesions(truth: Mask, result: Mask) -> Mask:
    """The result without its parts that touch no true lesion."""
    return result & ~_untouched(result, truth)
