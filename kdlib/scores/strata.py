"""Scores by lesion volume and by region. They are more columns of a study's scores."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

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


def column_names(strata: Iterable[str]) -> list[str]:
    """The columns of the named strata, such as ``lesion_recall_10_100``."""
    return [f"lesion_{rate}_{stratum}" for rate in ("recall", "precision") for stratum in strata]


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
        _rates_by_class(own, other, _lesion_volumes(own, voxel_mm3), VOLUMES_MM3)
        for own, other in ((lesions, found), (found, lesions))
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
    classes = {"periventricular": (0, PERIVENTRICULAR_MM), "deep": (PERIVENTRICULAR_MM, np.inf)}
    recall, precision = (
        _rates_by_class(own, other, _nearest(own, ventricle_distance_mm), classes)
        for own, other in ((lesions, found), (found, lesions))
    )
    return dict(zip(column_names(REGIONS), recall + precision, strict=True))


def log_volume_ratio(truth: NDArray, result: NDArray) -> float:
    """ln(V_result / V_truth). 0 is right, and above 0 is too much. NaN if a mask is empty."""
    volume, found = (int(mask.sum()) for mask in masks(truth, result))
    return float(np.log(found / volume)) if volume and found else float("nan")


def _lesion_volumes(mask: Mask, voxel_mm3: float) -> NDArray[np.float64]:
    """The volume of each lesion in mm3, in the order of their numbers."""
    numbered, count = components(mask)
    voxels = np.bincount(numbered[mask], minlength=count + 1)[1:]
    return voxels.astype(np.float64) * voxel_mm3


def _nearest(mask: Mask, distance_mm: NDArray[np.floating]) -> NDArray[np.float64]:
    """The smallest distance of each lesion in mm, in the order of their numbers."""
    numbered, count = components(mask)
    nearest = np.full(count, np.inf)
    np.minimum.at(nearest, numbered[mask] - 1, distance_mm[mask])
    return nearest


def _rates_by_class(
    mask: Mask, other: Mask, values: NDArray[np.float64], classes: dict[str, tuple[float, float]]
) -> list[float]:
    """For each class of ``values``, the share of its lesions that ``other`` touches."""
    numbered, count = components(mask)
    touched = np.zeros(count, dtype=bool)
    touched[numbered[mask & other] - 1] = True
    members = [(values >= low) & (values < high) for low, high in classes.values()]
    return [float(touched[inside].mean()) if inside.any() else np.nan for inside in members]
