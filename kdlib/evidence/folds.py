"""How much an adapted network depends on which target scans it was adapted to.

Each half of a target clinic is tested with the network that was adapted to the other half. If it
did not matter which scans a network sees, the gains over L-bound would differ between the halves no
more than subjects do. The variance of the gains between the two sets of scans, with the share of
the subjects taken off, says how much it matters. Another training of the student counts as well.
The interval is that of the very sets that were used. In simulated studies it covered their variance
in 97 of 100; the variance over other sets, of which there are few here, in 80.
"""

import numpy as np
import pandas as pd
from numpy import nan
from numpy.typing import NDArray

from kdlib.evidence.bench import LOWER
from kdlib.evidence.comparisons import PAIR, complete, differences
from kdlib.evidence.crossed import Interval, Values, jackknifed
from kdlib.evidence.evidence import Evidence
from kdlib.evidence.statistics import MARGIN
from kdlib.evidence.verdicts import Judgement

FOLDS = 2


def judge_dependence(evidence: Evidence) -> Judgement:
    """Reproduced if the spread of both methods is below the margin, contradicted if one's above."""
    if short := evidence.shortfall(["KD", "ADA", LOWER]):
        return Judgement("undecided", short)
    if evidence.main["fold"].nunique() < FOLDS:
        return Judgement("undecided", f"run with one fold; it takes {FOLDS}")
    found = {arm: fold_variance(differences(evidence.main, arm, LOWER)) for arm in ("KD", "ADA")}
    why = "; ".join(f"{arm}'s {_as_sd(one)}" for arm, one in found.items())
    if any(one.low > MARGIN**2 for one in found.values()):
        return Judgement("contradicted", why)
    if all(one.low < one.high < MARGIN**2 for one in found.values()):
        return Judgement("reproduced", why)
    return Judgement("undecided", f"not enough power, or no spread: {why}")


def fold_variance(gains: pd.DataFrame) -> Interval:
    """The variance of the mean gain between sets of target scans, with its 95 % interval.

    ``gains`` has a row per (source, target, fold, subject) and a column per seed. The variance is
    averaged over pairs. It can come out below 0, as the share of the subjects is taken off.
    Subjects and seeds are both random: each is left out once.
    """
    gains = complete(gains)
    cells = _Cells(_numbers(gains, *PAIR, "fold"), _numbers(gains, *PAIR))
    array = gains.to_numpy(dtype=np.float64)
    all_rows, all_seeds = np.ones(len(gains), bool), array.mean(axis=1)
    people = _numbers(gains, "target", "fold", "subject")
    targets = gains.index.get_level_values("target")
    clinics = [
        cells.variance(all_seeds, people != np.unique(people[targets == clinic])[:, None])
        for clinic in targets.unique()
    ]
    one_less = [np.delete(array, seed, axis=1).mean(axis=1) for seed in range(array.shape[1])]
    seeds = cells.variance(np.array(one_less), all_rows) if array.shape[1] > 1 else np.full(1, nan)
    return jackknifed(float(cells.variance(all_seeds, all_rows)), clinics, seeds).interval()


def _numbers(gains: pd.DataFrame, *keys: str) -> NDArray[np.intp]:
    """A number for each row, the same where the keys are."""
    return np.asarray(gains.groupby([*keys]).ngroup(), dtype=np.intp)


class _Cells:
    """The folds of each pair of clinics, in which subjects are."""

    def __init__(self, folds: NDArray[np.intp], pairs: NDArray[np.intp]) -> None:
        """Take the numbers of each row's fold and pair. A fold belongs to one pair."""
        self.members = np.eye(folds.max(initial=-1) + 1)[folds]
        _, first = np.unique(folds, return_index=True)
        self.pairs = [np.flatnonzero(pairs[first] == pair) for pair in np.unique(pairs)]

    def variance(self, gains: Values, kept: NDArray[np.bool_]) -> Values:
        """The mean over pairs of the variance between folds' means, less the subjects' share.

        ``gains`` and ``kept`` are (..., rows); rows that are not kept do not count.
        """
        weights = kept.astype(np.float64)
        count = weights @ self.members
        with np.errstate(invalid="ignore", divide="ignore"):  # a fold may lose all its subjects
            means = (gains * weights) @ self.members / count
            left = (gains - np.nan_to_num(means) @ self.members.T) ** 2 * weights
            chance = left @ self.members / (count - 1) / count
            each = [_spread(means[..., of]) - _mean(chance[..., of]) for of in self.pairs]
            return _mean(np.stack(each, axis=-1))


def _mean(values: Values) -> Values:
    """The mean over the last axis, of what is a number."""
    return np.nansum(values, axis=-1) / np.isfinite(values).sum(axis=-1)


def _spread(values: Values) -> Values:
    """The variance over the last axis, of what is a number."""
    squares = (values - _mean(values)[..., None]) ** 2
    return np.nansum(squares, axis=-1) / (np.isfinite(values).sum(axis=-1) - 1)


def _as_sd(found: Interval) -> str:
    # The variance is below 0 if the sets differ less than subjects alone would explain.
    value, low, high = (max(one, 0.0) ** 0.5 for one in found)
    return f"SD between sets of scans {value:.3f} [{low:.3f}, {high:.3f}]"
