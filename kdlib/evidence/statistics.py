"""Statistics over subjects alone: the paper's test, effect sizes and Holm's correction.

``values`` holds a difference per subject (n,), of two arms on the same subjects. What counts
trainings as well is in ``crossed.py``.
"""

import numpy as np
from scipy import stats

from kdlib.evidence.crossed import Values

MARGIN = 0.02  # Dice; two results nearer than this are nearly the same


def paired_t(values: Values) -> float:
    """The paired t-test (the paper's): p, two-sided; NaN if the differences have no spread."""
    return float(stats.ttest_1samp(values, 0).pvalue) if _spreads(values) else float("nan")


def holm(p_values: Values) -> Values:
    """Holm's correction of p (..., tests) over each family, the last axis.

    NaN (a test that was not made) stays NaN and is not counted.
    """
    order = np.argsort(p_values, axis=-1)  # NaN come last
    made = np.sum(~np.isnan(p_values), axis=-1, keepdims=True)
    steps = np.take_along_axis(p_values, order, -1) * (made - np.arange(p_values.shape[-1]))
    adjusted = np.empty_like(p_values)
    np.put_along_axis(adjusted, order, np.minimum(np.maximum.accumulate(steps, axis=-1), 1), -1)
    return adjusted


def effect_size_dz(values: Values) -> float:
    """Cohen's d_z: mean difference over the SD of differences; NaN if there is no spread."""
    return float(np.mean(values) / np.std(values, ddof=1)) if _spreads(values) else float("nan")


def share_made_worse(values: Values) -> float:
    """The share of subjects, in [0, 1], whose difference is below 0."""
    return float(np.mean(values < 0))


def _spreads(values: Values) -> bool:
    """Whether the values differ by more than rounding, so that their SD means something."""
    return len(values) > 1 and bool(np.ptp(values) > 1e-12 * max(1.0, np.abs(values).max()))
