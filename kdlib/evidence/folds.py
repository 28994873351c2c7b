"""How much an adapted network depends on which target scans it was adapted to.

Each half of a target clinic is tested with the network that was adapted to the other half. If it
did not matter which scans a network sees, the gains over L-bound would differ between the halves no
more than subjects do. The variance of the gains between the two sets of scans, with the share of
the subjects taken off, says how much it matters. Another training of the student counts as well.
The interval is that of the very sets that were used. In simulated studies it covered their variance
in 97 of 100; the variance over other sets, of which there are few here, in 80.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from kdlib.evidence.bench import LOWER
from kdlib.evidence.comparisons import PAIR, complete, differences
from kdlib.evidence.crossed import Interval, jackknifed
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
    people = gains.index.to_frame(index=False)[["target", "fold", "subject"]]
    clinics = [
        np.array([_variance(gains[rows.to_numpy()]) for rows in _leaving_out_one(people, clinic)])
        for clinic in people["target"].unique()
    ]
    seeds = np.array([_variance(gains.drop(columns=seed)) for seed in gains])
    return jackknifed(_variance(gains), clinics, seeds).interval()


def _leaving_out_one(people: pd.DataFrame, clinic: str) -> Iterator[pd.Series]:
    """The rows without each subject of a clinic in turn, over all of its sources."""
    for _, one in people[people["target"].eq(clinic)].drop_duplicates().iterrows():
        yield people.ne(one).any(axis=1)


def _variance(gains: pd.DataFrame) -> float:
    """The mean over pairs of the variance between the folds' means, less the subjects' share."""
    folds = gains.mean(axis=1).groupby([*PAIR, "fold"])
    between = folds.mean().groupby(PAIR).var()
    chance = (folds.var() / folds.size()).groupby(PAIR).mean()
    return float((between - chance).mean())


def _as_sd(found: Interval) -> str:
    value, low, high = (np.sign(one) * abs(one) ** 0.5 for one in found)
    return f"SD between sets of scans {value:.3f} [{low:.3f}, {high:.3f}]"
