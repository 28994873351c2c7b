"""Are the probabilities right? Brier score, expected calibration error, reliability curve.

A student that learns soft labels answers sigmoid(z / s) where its teacher would answer sigmoid(z):
it is less sure by construction. ``undo_softening`` takes that out again.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import expit, logit

from kdlib.data.box import bounding_box
from kdlib.data.labels import Label
from kdlib.errors import InputError
from kdlib.scores.metrics import Mask, checked_spacing

BINS = 15  # as Guo et al., ICML 2017
BAND_MM = 5.0


def undo_softening(probability: NDArray[np.floating], softening: float) -> NDArray[np.floating]:
    """sigmoid(logit(p) s) of softening s, element by element: sigmoid(z / s) becomes sigmoid(z).

    0, 1/2 and 1 stay where they are, so no decision changes. Raises ``InputError`` for s <= 0.
    """
    if not softening > 0:
        raise InputError(f"softening {softening}: give a number above 0")
    return expit(logit(np.asarray(probability, dtype=np.float64)) * softening)


def brier_score(probability: NDArray[np.floating], lesion: Mask, region: Mask) -> float:
    """Mean (p - y)^2 over the voxels of ``region``, in [0, 1]; NaN if it is empty.

    All three (x, y, z); Brier, Monthly Weather Review 78(1), 1950, in its form for two classes.
    """
    predicted, true = _values_within(probability, lesion, region)
    return float(np.mean((predicted - true) ** 2)) if len(true) else float("nan")


def reliability_curve(
    probability: NDArray[np.floating], lesion: Mask, region: Mask, bins: int = BINS
) -> pd.DataFrame:
    """For each of ``bins`` equal bins of p that has voxels: what was said and what came true.

    Columns: ``predicted`` (mean p) and ``observed`` (share of lesion voxels), both in [0, 1], and
    ``voxels``. A calibrated network has them equal.
    """
    predicted, true = _values_within(probability, lesion, region)
    number = np.minimum((predicted * bins).astype(int), bins - 1)
    voxels = np.bincount(number, minlength=bins)
    sums = [np.bincount(number, weights=values, minlength=bins) for values in (predicted, true)]
    used = voxels > 0
    means = [total[used] / voxels[used] for total in sums]
    return pd.DataFrame({"predicted": means[0], "observed": means[1], "voxels": voxels[used]})


def expected_calibration_error(
    probability: NDArray[np.floating], lesion: Mask, region: Mask, bins: int = BINS
) -> float:
    """Mean |predicted - observed| over the bins, weighted by voxels, in [0, 1]; NaN if empty.

    Of the probability of lesion, in ``bins`` equal bins (Naeini et al., AAAI 2015).
    """
    curve = reliability_curve(probability, lesion, region, bins)
    if curve.empty:
        return float("nan")
    return float(np.average((curve.predicted - curve.observed).abs(), weights=curve.voxels))


def lesion_band(
    truth: NDArray, spacing_mm: tuple[float, float, float], width_mm: float = BAND_MM
) -> Mask:
    """The voxels (x, y, z) of lesions and within ``width_mm`` of one; where calibration is hard."""
    lesion = np.asarray(truth) == Label.LESION
    if not lesion.any():
        return lesion
    spacing = checked_spacing(spacing_mm)
    box = bounding_box(lesion, np.ceil(width_mm / spacing).astype(int).tolist())
    band = np.zeros_like(lesion)
    distance = ndimage.distance_transform_edt(~lesion[box], sampling=spacing)
    band[box] = distance <= width_mm * (1 + 1e-6)
    return band


def calibration_scores(
    probability: NDArray[np.floating],
    truth: NDArray,
    head: Mask,
    spacing_mm: tuple[float, float, float],
    softening: float = 1.0,
) -> dict[str, float]:
    """Brier score and calibration error inside the head and in the 5 mm band around lesions.

    Keys: ``brier_head``, ``ece_head``, ``brier_band``, ``ece_band``, and each with ``_undone`` for
    the probabilities with ``softening`` taken out. Other pathology (truth 2) is
    left out; NaN where a region is empty.
    """
    counted = np.asarray(truth) != Label.OTHER_PATHOLOGY
    regions = {"head": head & counted, "band": lesion_band(truth, spacing_mm) & counted}
    versions = {"": probability, "_undone": undo_softening(probability, softening)}
    measures = {"brier": brier_score, "ece": expected_calibration_error}
    return {
        f"{measure}_{region}{version}": function(values, np.asarray(truth) == Label.LESION, inside)
        for version, values in versions.items()
        for region, inside in regions.items()
        for measure, function in measures.items()
    }


def _values_within(
    probability: NDArray[np.floating], lesion: Mask, region: Mask
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The probabilities and the truth (0 or 1) of the region's voxels, flat; checked."""
    if not probability.shape == lesion.shape == region.shape:
        shapes = f"{probability.shape}, {lesion.shape}, {region.shape}"
        raise InputError(f"probability, lesion, region: {shapes}; give one shape")
    predicted = probability[region].astype(np.float64)
    if len(predicted) and not (predicted.min() >= 0 and predicted.max() <= 1):
        raise InputError("probabilities outside 0 to 1; give sigmoid or softmax outputs")
    return predicted, lesion[region].astype(np.float64)
