"""Are the probabilities right? Brier score, expected calibration error, reliability curve.

A student that learns soft labels answers sigmoid(z / s) where its teacher answers sigmoid(z). So
the student is less sure because of its training. ``undo_softening`` removes this effect.
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
    """Turn sigmoid(z / s) back into sigmoid(z), by sigmoid(s logit(p)), where s is the softening.

    0, 1/2 and 1 do not change, so no decision at 1/2 changes.

    Args:
        probability: probabilities p in [0, 1], of any shape.
        softening: s, above 0.

    Returns:
        Probabilities in [0, 1], of the same shape.

    Raises:
        InputError: ``softening`` is not above 0.
    """
    if not softening > 0:
        raise InputError(f"softening {softening}: give a number above 0")
    return expit(logit(np.asarray(probability, dtype=np.float64)) * softening)


def brier_score(probability: NDArray[np.floating], lesion: Mask, region: Mask) -> float:
    """The mean of (p - y)^2 over the voxels of ``region``, in [0, 1]. NaN if ``region`` is empty.

    All three arrays are (x, y, z). This is the form for two classes of the score by Brier, Monthly
    Weather Review 78(1), 1950.
    """
    predicted, true = _values_within(probability, lesion, region)
    return float(np.mean((predicted - true) ** 2)) if len(true) else float("nan")


def reliability_curve(
    probability: NDArray[np.floating], lesion: Mask, region: Mask, bins: int = BINS
) -> pd.DataFrame:
    """Compare the probabilities with the truth, in ``bins`` equal bins of probability.

    Each row is one bin that has voxels. The columns are ``predicted`` (the mean probability) and
    ``observed`` (the share of lesion voxels), both in [0, 1], and ``voxels`` (their number). For a
    calibrated network ``predicted`` equals ``observed``.
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
    """The mean of |predicted - observed| over the bins, weighted by their voxels, in [0, 1].

    It is NaN if ``region`` is empty. The bins are ``bins`` equal parts of the probability of lesion
    (Naeini et al., AAAI 2015).
    """
    curve = reliability_curve(probability, lesion, region, bins)
    if curve.empty:
        return float("nan")
    return float(np.average((curve.predicted - curve.observed).abs(), weights=curve.voxels))


def lesion_band(
    truth: NDArray, spacing_mm: tuple[float, float, float], width_mm: float = BAND_MM
) -> Mask:
    """The voxels (x, y, z) of lesions and those within ``width_mm`` of one.

    It is hard to be calibrated there.
    """
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
    """Brier score and calibration error inside the head, and in the 5 mm band around lesions.

    The keys are ``brier_head``, ``ece_head``, ``brier_band`` and ``ece_band``. There is also each
    key with ``_undone``, for the probabilities after ``undo_softening``. Voxels of other pathology
    (truth 2) do not count. A score of an empty region is NaN.
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
    """The probabilities and the truth (0 or 1) of the region's voxels, as checked flat arrays."""
    if not probability.shape == lesion.shape == region.shape:
        shapes = f"{probability.shape}, {lesion.shape}, {region.shape}"
        raise InputError(f"probability, lesion, region: {shapes}; give one shape")
    predicted = probability[region].astype(np.float64)
    if len(predicted) and not (predicted.min() >= 0 and predicted.max() <= 1):
        raise InputError("probabilities outside 0 to 1; give sigmoid or softmax outputs")
    return predicted, lesion[region].astype(np.float64)
