"""The WMH Segmentation Challenge's five scores (Kuijf et al., IEEE TMI 38(11), 2019).

The numbers are those of the challenge's own evaluation script, edge cases included.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from kdlib.data.box import bounding_box
from kdlib.data.labels import THRESHOLD, Label
from kdlib.errors import InputError

Mask = NDArray[np.bool_]

LARGEST_COUNTED = 1000  # the challenge counts values from 1 (or 0.5) up to this one
# The names of the scores in texts and figures.
METRIC_NAMES = {
    "dice": "Dice",
    "hd95_mm": "H95 (mm)",
    "avd_percent": "volume difference (%)",
    "lesion_recall": "lesion recall",
    "lesion_f1": "lesion F1",
}
METRIC_DIGITS = {"hd95_mm": 1, "avd_percent": 0}  # for a reader; the other scores are shares


@dataclass(frozen=True)
class Scores:
    """The challenge's five scores of one result, in its order. NaN means: not defined.

    Attributes:
        dice: overlap of truth and result, in [0, 1].
        hd95_mm: the 95th percentile of the Hausdorff distance, in mm.
        avd_percent: the absolute difference of the volumes, in percent of the truth's.
        lesion_recall: the share of true lesions that were found, in [0, 1].
        lesion_f1: the F1 score of lesions, each counted once, in [0, 1].
    """

    dice: float
    hd95_mm: float
    avd_percent: float
    lesion_recall: float
    lesion_f1: float


def evaluate(truth: NDArray, result: NDArray, spacing_mm: tuple[float, float, float]) -> Scores:
    """Score a result by the challenge's five metrics (Kuijf et al. 2019).

    Edge cases follow the challenge's script. It leaves some scores undefined, which is NaN here:
    ``dice`` if both masks are empty; ``hd95_mm`` if a mask has no boundary, because it is empty or
    fills whole slices; ``avd_percent`` if the truth is empty. The recall is 1 if the truth has no
    lesion, and the precision is 1 if the result has none. A mask that fills the whole image counts
    as having none.

    Args:
        truth: the labels (x, y, z): 0 background, 1 lesion, 2 other pathology. The result is taken
            as 0 where the truth is 2.
        result: on the same grid (x, y, z). Integers and booleans are a mask: 1 to 1000 is lesion.
            Floats are probabilities: 0.5 to 1000 is lesion.
        spacing_mm: the edges of a voxel (x, y, z) in mm.

    Returns:
        The five scores.

    Raises:
        InputError: an array is not 3-D, the shapes differ, the values are no real numbers, or the
            spacing is not three positive numbers.

    >>> truth, result = np.zeros((2, 9, 9, 3), int)
    >>> truth[2:6, 2:6, 1] = 1
    >>> result[4:8, 2:6, 1] = 1
    >>> scores = evaluate(truth, result, (1.0, 1.0, 3.0))
    >>> scores.dice, scores.hd95_mm, scores.lesion_f1
    (0.5, 2.0, 1.0)
    """
    spacing = checked_spacing(spacing_mm)
    lesions, found = cropped(*masks(truth, result))
    recall = component_rate(lesions, found)
    precision = component_rate(found, lesions)
    return Scores(
        dice=dice(lesions, found),
        hd95_mm=hausdorff_95(lesions, found, spacing),
        avd_percent=absolute_volume_difference(lesions, found),
        lesion_recall=recall,
        lesion_f1=2 * precision * recall / (precision + recall) if precision + recall else 0.0,
    )


def masks(truth: NDArray, result: NDArray) -> tuple[Mask, Mask]:
    """The lesions of the truth and of the result, (x, y, z) each, by the challenge's rules."""
    truth, result = np.asarray(truth), np.asarray(result)
    if truth.shape != result.shape or truth.ndim != 3:
        raise InputError(
            f"truth {truth.shape} and result {result.shape}: both must be (x, y, z) of one shape"
        )
    for name, array in (("truth", truth), ("result", result)):
        if array.dtype.kind not in "buif":
            raise InputError(f"{name} of type {array.dtype}: give integers, booleans or floats")
    threshold = THRESHOLD if result.dtype.kind == "f" else 1
    found = (result >= threshold) & (result <= LARGEST_COUNTED)
    return _labelled(truth, Label.LESION), found & ~_labelled(truth, Label.OTHER_PATHOLOGY)


def _labelled(truth: NDArray, label: Label) -> Mask:
    """Where the truth is within a half of ``label``. An exact half counts for two labels.

    The challenge's script does the same.
    """
    return (truth >= label - 0.5) & (truth <= label + 0.5)


def checked_spacing(spacing_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    """Check the spacing and round it to float32, as NIfTI headers do.

    Distances then agree with those of the challenge's script to 1e-6 mm.
    """
    spacing = np.asarray(spacing_mm, dtype=np.float32).astype(np.float64)
    if spacing.shape != (3,) or not np.isfinite(spacing).all() or (spacing <= 0).any():
        raise InputError(f"spacing {spacing_mm}: give three positive numbers, in mm")
    return spacing


def cropped(lesions: Mask, found: Mask) -> tuple[Mask, Mask]:
    """Cut both masks to the box around all marked voxels, with one voxel more on each side."""
    marked = lesions | found
    box = bounding_box(marked, margin=1) if marked.any() else (slice(1),) * 3
    return lesions[box], found[box]


def dice(lesions: Mask, found: Mask) -> float:
    """Twice the common voxels over the sum of both masks, in [0, 1]. NaN if both are empty."""
    total = int(lesions.sum()) + int(found.sum())
    return 2 * int((lesions & found).sum()) / total if total else float("nan")


def absolute_volume_difference(lesions: Mask, found: Mask) -> float:
    """100 |V_truth - V_result| / V_truth, in percent. NaN if the truth is empty."""
    volume = int(lesions.sum())
    return 100 * abs(volume - int(found.sum())) / volume if volume else float("nan")


def hausdorff_95(lesions: Mask, found: Mask, spacing_mm: NDArray[np.float64]) -> float:
    """The larger of the two directed 95th percentiles of boundary distance, in mm."""
    ours, theirs = (positions(boundary(mask)) * spacing_mm for mask in (lesions, found))
    if not len(ours) or not len(theirs):
        return float("nan")
    to_theirs, to_ours = KDTree(theirs).query(ours)[0], KDTree(ours).query(theirs)[0]
    return float(max(np.percentile(to_theirs, 95), np.percentile(to_ours, 95)))


def boundary(mask: Mask) -> Mask:
    """The voxels (x, y, z) that a 3x3 erosion in the plane removes; the image's border is kept."""
    padded = np.pad(mask, ((1, 1), (1, 1), (0, 0)), constant_values=True)
    columns = padded[:-2] & padded[1:-1] & padded[2:]
    core = columns[:, :-2] & columns[:, 1:-1] & columns[:, 2:]
    return mask & ~core


def positions(mask: Mask) -> NDArray[np.int64]:
    """The indices (voxels, 3) of the marked voxels, ten times faster than ``argwhere``."""
    return np.stack(np.unravel_index(np.flatnonzero(mask), mask.shape), axis=-1)


def components(mask: Mask) -> tuple[NDArray[np.int32], int]:
    """Number the lesions (26-connected parts) from 1, and count them."""
    numbered, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    return numbered, int(count)


def component_rate(mask: Mask, other: Mask) -> float:
    """The share of the lesions in ``mask`` that hold a voxel of ``other``; 1 without lesions."""
    numbered, count = components(mask)
    if not count or mask.all():
        return 1.0
    return len(np.unique(numbered[mask & other])) / count
