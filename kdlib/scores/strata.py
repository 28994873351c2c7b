"""Scores by lesion volume and by region. They are more columns of a study's scores."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdlib.data.box import bounding_box
from kdlib.data.labels import Label
from kdlib.errors import InputError
from kdlib.scores.metrics import Mask, checked_spacing, components, cropped, masks

# Classes of lesion volume in mm3. The first limit belongs to the class, the second does not.
VOLUMES_MM3 = {
    "under_10": (0.0, 10.0),
    "10_100": (10.0, 100.0),
    "100_1000": (100.0, 1000.0),
    "above_1000": (1000.0, np.inf),
}
REGIONS = ("periventricular", "deep")
PERIVENTRICULAR_MM = 10.0  # a lesion is periventricular if a voxel of it is nearer
MATCHED = "_matched"  # ends the names of scores at the true lesion volume
LARGE_VOXELS = "voxel_recall_above_1000"  # of the largest class: the share of its voxels found


class _Lesions(NamedTuple):
    """The lesions of a mask (x, y, z): each of its voxels has the number of its lesion, from 1."""

    mask: Mask
    numbered: NDArray[np.int32]
    total: int

    @classmethod
    def of(cls, mask: Mask) -> "_Lesions":
        return cls(mask, *components(mask))

    def volumes(self, voxel_mm3: float) -> NDArray[np.float64]:
        """The volume of each lesion in mm3."""
        voxels = np.bincount(self.numbered[self.mask], minlength=self.total + 1)[1:]
        return voxels.astype(np.float64) * voxel_mm3

    def nearest(self, distance_mm: NDArray[np.floating]) -> NDArray[np.float64]:
        """The smallest distance of each lesion in mm."""
        nearest = np.full(self.total, np.inf)
        np.minimum.at(nearest, self.numbered[self.mask] - 1, distance_mm[self.mask])
        return nearest


def column_names(strata: Iterable[str]) -> list[str]:
    """The columns of the named strata, such as ``lesion_recall_10_100``."""
    return [f"lesion_{rate}_{stratum}" for rate in ("recall", "precision") for stratum in strata]


def column_words(column: str) -> str:
    """What a column of this module holds, in words; other names stay as they are.

    >>> column_words("lesion_recall_10_100_matched")
    'the recall of lesions of 10 to 100 mm³'
    """
    named = re.fullmatch(rf"(lesion|voxel)_(recall|precision)_(\w+?)({MATCHED})?", column)
    if named is None:
        return column
    measure, rate, stratum, _ = named.groups()
    of = "" if measure == "lesion" else "voxels of "
    if stratum not in VOLUMES_MM3:
        return f"the {rate} of {of}{stratum} lesions"
    low, high = VOLUMES_MM3[stratum]
    size = f"above {low:g}" if high == np.inf else f"of {low:g} to {high:g}"
    return f"the {rate} of {of}lesions {size} mm³"


def by_lesion_volume(
    truth: NDArray, result: NDArray, spacing_mm: tuple[float, float, float]
) -> dict[str, float]:
    """Lesion recall and precision, in [0, 1], for each class of lesion volume.

    The arguments, and when a lesion counts as found, are as in ``kdlib.scores.metrics.evaluate``.
    For recall the true lesions are sorted by volume, for precision the found ones. A class without
    lesions gives NaN.
    """
    voxel_mm3 = float(np.prod(checked_spacing(spacing_mm)))
    lesions, found = cropped(*masks(truth, result))
    recall, precision = (
        _rates_by_class(own, other, own.volumes(voxel_mm3), VOLUMES_MM3)
        for own, other in _both_ways(lesions, found)
    )
    return dict(zip(column_names(VOLUMES_MM3), recall + precision, strict=True))


def by_region(
    truth: NDArray, result: NDArray, ventricle_distance_mm: NDArray[np.floating]
) -> dict[str, float]:
    """Lesion recall and precision, in [0, 1], of periventricular and of deep lesions.

    ``ventricle_distance_mm`` (x, y, z) is the distance of each voxel to the nearest ventricle in
    mm. A lesion is deep if all its voxels are 10 mm or more away. Else it is periventricular. This
    is the "10 mm distance rule" (see Kim et al., Biological Psychiatry 64(4), 2008). A region
    without lesions gives NaN.
    """
    if ventricle_distance_mm.shape != truth.shape:
        raise InputError(
            f"distance map {ventricle_distance_mm.shape} and truth {truth.shape}: give one shape"
        )
    lesions, found = masks(truth, result)
    box = bounding_box(lesions | found)
    lesions, found, distance_mm = lesions[box], found[box], ventricle_distance_mm[box]
    classes = {"periventricular": (0, PERIVENTRICULAR_MM), "deep": (PERIVENTRICULAR_MM, np.inf)}
    recall, precision = (
        _rates_by_class(own, other, own.nearest(distance_mm), classes)
        for own, other in _both_ways(lesions, found)
    )
    return dict(zip(column_names(REGIONS), recall + precision, strict=True))


def at_true_volume(truth: NDArray, probability: NDArray[np.floating]) -> Mask:
    """The most probable voxels (x, y, z), as many as the truth has lesion voxels.

    So a cautious network and a bold one are compared at the same volume. Voxels of other pathology
    and voxels of probability 0 are never taken. Voxels of equal probability are taken together.
    """
    voxels = int(masks(truth, probability)[0].sum())
    counted = np.where(truth == Label.OTHER_PATHOLOGY, 0, probability)
    candidates = counted[counted > 0]
    if not voxels or not len(candidates):
        return np.zeros(truth.shape, dtype=bool)
    rank = max(len(candidates) - voxels, 0)
    return counted >= np.partition(candidates, rank)[rank]


def at_matched_volume(
    truth: NDArray,
    probability: NDArray[np.floating],
    spacing_mm: tuple[float, float, float],
    ventricle_distance_mm: NDArray[np.floating] | None = None,
) -> dict[str, float]:
    """The scores by lesion volume and by region once more, at the true lesion volume.

    The found voxels are those of ``at_true_volume``. The names of the columns end in ``_matched``.
    One more column, ``voxel_recall_above_1000_matched``, is the share in [0, 1] of the voxels of
    the largest lesions that were found. Without ``ventricle_distance_mm`` there are no regions.
    """
    found = at_true_volume(truth, probability)
    scores = by_lesion_volume(truth, found, spacing_mm)
    if ventricle_distance_mm is not None:
        scores |= by_region(truth, found, ventricle_distance_mm)
    scores[LARGE_VOXELS] = _large_voxels_found(truth, found, spacing_mm)
    return {name + MATCHED: value for name, value in scores.items()}


def _large_voxels_found(
    truth: NDArray, found: Mask, spacing_mm: tuple[float, float, float]
) -> float:
    """The share of the voxels of lesions of the largest class that were found."""
    mask, found = cropped(*masks(truth, found))
    lesions = _Lesions.of(mask)
    volumes = lesions.volumes(float(np.prod(checked_spacing(spacing_mm))))
    large = np.append(False, volumes >= VOLUMES_MM3["above_1000"][0])[lesions.numbered]
    return float(found[large].mean()) if large.any() else float("nan")


def log_volume_ratio(truth: NDArray, result: NDArray) -> float:
    """ln(V_result / V_truth). 0 is right, and above 0 is too much. NaN if a mask is empty."""
    volume, found = (int(mask.sum()) for mask in masks(truth, result))
    return float(np.log(found / volume)) if volume and found else float("nan")


def _both_ways(lesions: Mask, found: Mask) -> tuple[tuple[_Lesions, Mask], tuple[_Lesions, Mask]]:
    """The true lesions beside what was found, and the found lesions beside the truth."""
    return (_Lesions.of(lesions), found), (_Lesions.of(found), lesions)


def _rates_by_class(
    own: _Lesions, other: Mask, values: NDArray[np.float64], classes: dict[str, tuple[float, float]]
) -> list[float]:
    """For each class of ``values``, the share of its lesions that ``other`` touches."""
    touched = np.zeros(own.total, dtype=bool)
    touched[own.numbered[own.mask & other] - 1] = True
    members = [(values >= low) & (values < high) for low, high in classes.values()]
    return [float(touched[inside].mean()) if inside.any() else np.nan for inside in members]
