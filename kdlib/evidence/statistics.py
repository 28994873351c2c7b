"""Paired statistics: tests, intervals and effect sizes of differences between subjects.

``values`` holds a difference per subject (n,), of two arms on the same subjects. All randomness is
seeded, so that a report says the same twice.
"""

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

Values = NDArray[np.float64]

MARGIN = 0.02  # Dice; two results nearer than this are nearly the same
LEVEL = 0.95
RESAMPLES = 9_999


class Interval(NamedTuple):
    """An estimate and the ends of its interval."""

    value: float
    low: float
    high: float


def paired_t(values: Values) -> float:
    """The paired t-test (the paper's): p, two-sided; NaN if the differences have no spread."""
    return float(stats.ttest_1samp(values, 0).pvalue) if _spreads(values) else float("nan")


def above(values: Values, bound: float) -> float:
    """The one-sided t-test that the mean is above ``bound``: p; 0 or 1 if there is no spread."""
    if not _spreads(values):
        return float(not (len(values) > 1 and values[0] > bound))
    return float(stats.ttest_1samp(values, bound, alternative="greater").pvalue)


def wilcoxon(values: Values) -> float:
    """Wilcoxon's signed-rank test of the differences: p, two-sided; 1 if all are 0."""
    return float(stats.wilcoxon(values).pvalue) if np.any(values) else 1.0


def sign_flip(values: Values, flips: int = RESAMPLES, seed: int = 0) -> Values:
    """The sign-flip permutation test of the mean: p, two-sided, of ``values`` (n,) or (n, tests).

    Every flip of signs where there are no more than ``flips`` of them, else that many at random,
    with the data as they are counted among them (Phipson and Smyth, 2010).
    """
    n = len(values)
    exact = n < 63 and 2**n <= flips
    signs = (
        np.array(list(product([-1.0, 1.0], repeat=n)))
        if exact
        else np.random.default_rng(seed).choice([-1.0, 1.0], size=(flips, n))
    )
    as_extreme = np.abs(signs @ values) >= np.abs(values.sum(axis=0)) * (1 - 1e-9) - 1e-15
    return as_extreme.mean(axis=0) if exact else (as_extreme.sum(axis=0) + 1) / (flips + 1)


def holm(p_values: Values) -> Values:
    """Holm's correction over one family; NaN (a test that was not made) stays NaN, uncounted."""
    made = ~np.isnan(p_values)
    adjusted = np.full(len(p_values), np.nan)
    adjusted[made] = multipletests(p_values[made], method="holm")[1]
    return adjusted


def effect_size_dz(values: Values) -> float:
    """Cohen's d_z: mean difference over the SD of differences; NaN if there is no spread."""
    return float(np.mean(values) / np.std(values, ddof=1)) if _spreads(values) else float("nan")


def share_made_worse(values: Values) -> float:
    """The share of subjects, in [0, 1], whose difference is below 0."""
    return float(np.mean(values < 0))


def equivalence(values: Values, margin: float = MARGIN) -> float:
    """Two one-sided t-tests (Schuirmann, 1987): p against |mean difference| >= ``margin``.

    NaN if the differences have no spread.
    """
    if not _spreads(values):
        return float("nan")
    return max(above(values, -margin), above(-values, -margin))


def detectable_difference(sd: float, n: int, power: float = 0.8, alpha: float = 0.05) -> float:
    """The smallest mean difference that a paired t-test of ``n`` subjects finds with ``power``.

    ``sd`` is that of the differences. NaN for fewer than three subjects.
    """
    if n < 3 or not np.isfinite(sd):
        return float("nan")
    return sd * float(TTestPower().solve_power(nobs=n, alpha=alpha, power=power))


def resampled_means(
    values: Values, strata: NDArray | None = None, resamples: int = RESAMPLES, seed: int = 0
) -> Values:
    """Means (resamples, columns) of ``values`` (n, columns), rows drawn again within ``strata``."""
    members = _members(len(values), strata)
    counts = resample_counts(tuple(len(rows) for rows in members), resamples, seed)
    return counts @ values[np.concatenate(members)] / len(values)


def interval_of(
    draws: Values, n: int, groups: int = 1, level: float = LEVEL
) -> tuple[Values, Values]:
    """The expanded percentile interval of bootstrap ``draws`` (resamples, ...) over ``n`` subjects.

    The plain percentile interval is too narrow for few subjects; widened to what a t interval would
    take it covers as it should (Hesterberg, The American Statistician 69(4), 2015). ``groups`` is
    the number of strata. NaN with less than three subjects.
    """
    freedom = n - groups
    if n < 3 or freedom < 1:
        nothing = np.full(draws.shape[1:], np.nan)
        return nothing, nothing
    quantile = stats.t.ppf((1 + level) / 2, freedom) * np.sqrt(n / freedom)
    tail = stats.norm.cdf(-quantile)
    low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
    return low, high


def bootstrap_interval(values: Values, strata: NDArray | None = None) -> Interval:
    """The mean of ``values`` (n,) and its 95 % interval, resampled within ``strata`` (n,)."""
    draws = resampled_means(values[:, None], strata)[:, 0]
    low, high = interval_of(draws, len(values), len(_members(len(values), strata)))
    return Interval(float(np.mean(values)), float(low), float(high))


def gap_closed(gain: Values, gap: Values, strata: NDArray | None = None) -> Interval:
    """Mean ``gain`` (method - L) over mean ``gap`` (U - L), both (n,), with its 95 % interval.

    Three times NaN, so withheld, where the gap's own interval is not above 0: a share of nothing.
    """
    if not bootstrap_interval(gap, strata).low > 0:
        return Interval(np.nan, np.nan, np.nan)
    draws = resampled_means(np.column_stack([gain, gap]), strata)
    low, high = interval_of(draws[:, 0] / draws[:, 1], len(gain), len(_members(len(gain), strata)))
    return Interval(float(np.mean(gain) / np.mean(gap)), float(low), float(high))


def _spreads(values: Values) -> bool:
    """Whether the values differ by more than rounding, so that their SD means something."""
    return len(values) > 1 and bool(np.ptp(values) > 1e-12 * max(1.0, np.abs(values).max()))


@lru_cache(maxsize=8)
def resample_counts(sizes: tuple[int, ...], resamples: int = RESAMPLES, seed: int = 0) -> Values:
    """How often each row, sorted by stratum, is drawn in each resample: (resamples, rows)."""
    rng = np.random.default_rng(seed)
    draws = [rng.multinomial(size, np.full(size, 1 / size), size=resamples) for size in sizes]
    return np.concatenate(draws, axis=1).astype(np.float64)


def _members(n: int, strata: NDArray | None) -> list[NDArray[np.intp]]:
    """The row numbers of each stratum; all rows are one where none is given."""
    if strata is None:
        return [np.arange(n)]
    return [np.flatnonzero(strata == name) for name in np.unique(strata)]
