"""Statistics over subjects alone: the paper's test, effect sizes and Holm's correction.

``values`` holds a difference per subject (n,), of two arms on the same subjects. What counts
trainings as well is in ``crossed.py``.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

from kdlib.evidence.crossed import Values

MARGIN = 0.02  # Dice; two results nearer than this are nearly the same


def paired_t(values: Values) -> float:
    """The paired t-test (the paper's): p, two-sided; NaN if the differences have no spread."""
    return float(stats.ttest_1samp(values, 0).pvalue) if _spreads(values) else float("nan")


def holm(p_values: Values) -> Values:
    """Holm's correction of p (..., tests) over each family, the last axis.

    NaN (a test that was not made) stays NaN and is not counted.
    """
    with _quick_collections():
        return np.apply_along_axis(_holm_of_one_family, -1, p_values)


def _holm_of_one_family(p_values: Values) -> Values:
    made, adjusted = ~np.isnan(p_values), np.full(len(p_values), np.nan)
    if made.any():
        adjusted[made] = multipletests(p_values[made], method="holm")[1]
    return adjusted


@contextmanager
def _quick_collections() -> Iterator[None]:
    """``multipletests`` collects garbage in every call: the objects of before are left out."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def effect_size_dz(values: Values) -> float:
    """Cohen's d_z: mean difference over the SD of differences; NaN if there is no spread."""
    return float(np.mean(values) / np.std(values, ddof=1)) if _spreads(values) else float("nan")


def share_made_worse(values: Values) -> float:
    """The share of subjects, in [0, 1], whose difference is below 0."""
    return float(np.mean(values < 0))


def _spreads(values: Values) -> bool:
    """Whether the values differ by more than rounding, so that their SD means something."""
    return len(values) > 1 and bool(np.ptp(values) > 1e-12 * max(1.0, np.abs(values).max()))
