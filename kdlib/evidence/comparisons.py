"""From a study's scores to comparisons of its arms.

Two arms are compared on the same subjects of one pair of clinics (source, target), with the same
seed: the unit is a table of differences, one row for each subject and one column for each seed.
Over all pairs a target subject is again one row, averaged over the sources it was adapted from.

``scores`` is always a frame of a study's ``scores.csv``: a row per arm, source, target, fold, seed
and subject, with the metrics as columns. Rows of a sweep (a ``setting`` is named) and rows scored
on the source are left to the claims that need them.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdlib.evidence.crossed import Crossed, crossed, ratio
from kdlib.evidence.paper import DECLARED, in_order
from kdlib.evidence.statistics import (
    MARGIN,
    effect_size_dz,
    holm,
    paired_t,
    share_made_worse,
)

PAIR = ["source", "target"]
POOLED = "all"  # stands for source and target where all pairs are taken together
Family = Sequence[tuple[str, str]]  # (arm, baseline) of each comparison
Patients = Mapping[tuple[str, str], str]  # the patient of a (target, subject) with several scans


def pair_name(source: str, target: str) -> str:
    """A pair of clinics as people read it, as "Utrecht to Singapore", "Utrecht + Own to Real"."""
    names = [" + ".join(map(str.capitalize, name.split("+"))) for name in (source, target)]
    return " to ".join(names)


def main_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of the study itself: no sweep over a setting, scored on the target."""
    return scores[~of_sweeps(scores) & on_target(scores)]


# A column without a value is one of numbers when it is read, so texts are not filled in.
def of_sweeps(scores: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows belong to a sweep over a setting."""
    if "setting" not in scores:
        return pd.Series(False, index=scores.index)
    return scores["setting"].notna() & scores["setting"].ne("")


def on_target(scores: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows were scored on the target; those that do not say so were."""
    if "evaluated_on" not in scores:
        return pd.Series(True, index=scores.index)
    return scores["evaluated_on"].isna() | scores["evaluated_on"].eq("target")


def by_patient(scores: pd.DataFrame, patients: Patients) -> pd.DataFrame:
    """The rows of the study itself, with the mean over all scans of a patient as one subject."""
    rows = main_scores(scores)
    if not patients:
        return rows
    owners = zip(rows["target"], rows["subject"], strict=True)
    rows = rows.assign(subject=[patients.get(owner, owner[1]) for owner in owners])
    keys = ["arm", *PAIR, "fold", "seed", "subject"]
    numbers = rows.select_dtypes("number").columns.difference(keys)
    return rows.groupby(keys, sort=False)[list(numbers)].mean().reset_index()


def subject_scores(scores: pd.DataFrame, metric: str = "dice") -> pd.DataFrame:
    """A row per (source, target, subject), a column per arm: ``metric`` averaged over seeds."""
    rows = main_scores(scores)
    return rows.groupby([*PAIR, "subject", "arm"])[metric].mean().unstack("arm")


def levels(scores: pd.DataFrame, metric: str = "dice") -> pd.DataFrame:
    """``metric`` of each (arm, source, target, fold, subject), with one column for each seed."""
    rows = main_scores(scores)
    keys = ["arm", *PAIR, "fold", "subject", "seed"]
    return rows.groupby(keys)[metric].mean().unstack("seed").dropna(how="all")


def differences(
    scores: pd.DataFrame, arm: str, baseline: str, metric: str = "dice"
) -> pd.DataFrame:
    """``arm`` minus ``baseline`` of each (source, target, fold, subject), a column per seed.

    A subject and seed that lack one of the two are NaN; subjects without any number are left out.
    """
    return weighted(scores, {arm: 1, baseline: -1}, metric)


def weighted(
    scores: pd.DataFrame, weights: Mapping[str, float], metric: str = "dice"
) -> pd.DataFrame:
    """The sum of the arms' ``metric``, each times its weight, in the layout of ``differences``."""
    table = levels(scores[scores["arm"].isin(weights)], metric)
    names = table.index.get_level_values("arm")
    parts = [weight * table[names == arm].droplevel("arm") for arm, weight in weights.items()]
    return reduce(pd.DataFrame.add, parts).dropna(how="all")


def within(table: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """The rows of some pairs of clinics, of a table whose index names source and target."""
    sources, targets = (table.index.get_level_values(name) for name in PAIR)
    return table.loc[[pair in pairs for pair in zip(sources, targets, strict=True)]]


def pooled(table: pd.DataFrame) -> pd.DataFrame:
    """The mean over the sources of each (target, fold, subject), a column per seed.

    It is NaN where a seed lacks one of the subject's sources: means over unlike sources would pass
    for differences between seeds.
    """
    sources = table.groupby(["target", "fold", "subject"])
    return sources.mean().where(sources.count().eq(sources.size(), axis=0))


def complete(table: pd.DataFrame) -> pd.DataFrame:
    """The subjects that have all of the seeds that are kept, without any gap.

    While a study grows, its last seed may lack subjects. The seeds with the most subjects are kept,
    as many as leave the largest number of cells, so that no number has to be made up.
    """
    if table.size and not table.isna().to_numpy().any():
        return table.sort_index(axis=1)
    seeds = table.notna().sum().sort_values(ascending=False, kind="stable").index
    kept = [table[sorted(seeds[: n + 1])].dropna() for n in range(len(seeds))]
    return max(kept, key=lambda part: part.size, default=table)


def crossed_of(table: pd.DataFrame) -> Crossed:
    """The statistics of a complete table of one pair, or pooled, its subjects within clinic."""
    return crossed(table.to_numpy(dtype=np.float64), blocks(table))


def blocks(table: pd.DataFrame) -> NDArray[np.intp]:
    """A number for the clinic and fold of each row: its subjects were tested with one training."""
    return np.asarray(table.groupby(["target", "fold"]).ngroup(), dtype=np.intp)


def summary(scores: pd.DataFrame, metric: str = "dice") -> pd.DataFrame:
    """Every arm's mean with its 95 % interval ``low, high``, by pair and pooled.

    ``sd`` is that over subjects, each averaged over seeds; ``n`` is their number.
    """
    rows = []
    for arm, of_arm in levels(scores, metric).groupby("arm"):
        for pair, part in by_pair_and_pooled(of_arm.droplevel("arm")):
            table = complete(part)
            mean, low, high = crossed_of(table).interval()
            size = {"sd": table.mean(axis=1).std(), "n": len(table)}
            rows.append({"arm": arm, **pair, "mean": mean, "low": low, "high": high} | size)
    return pd.DataFrame(rows, columns=["arm", *PAIR, "mean", "low", "high", "sd", "n"])


def seed_variation(scores: pd.DataFrame, metric: str = "dice") -> pd.DataFrame:
    """How far retraining moves an arm's result, apart from how far subjects differ.

    ``seed_sd`` is the SD over seeds of the mean over subjects (NaN with one seed), ``subject_sd``
    the SD over subjects of the mean over seeds. By arm and pair, with the number of ``seeds``.
    """
    rows = []
    for keys, part in levels(scores, metric).groupby(["arm", *PAIR]):
        table = complete(part)
        spread = {"seed_sd": table.mean().std(), "subject_sd": table.mean(axis=1).std()}
        rows.append(
            dict(zip(["arm", *PAIR], keys, strict=True)) | {"seeds": table.shape[1]} | spread
        )
    return pd.DataFrame(rows, columns=["arm", *PAIR, "seeds", "seed_sd", "subject_sd"])


def compare(table: pd.DataFrame) -> dict[str, Any]:
    """Everything about one comparison from its differences, a row per subject, a column per seed.

    Keys: ``n`` subjects and ``seeds``; ``difference`` with its 95 % interval ``low, high``, ``p``,
    ``p_equivalence`` and ``detectable`` count subjects and trainings (with one seed subjects
    alone). ``by_seed`` holds the mean of each seed. ``sd``, ``d_z``, ``made_worse`` and ``p_t``,
    the paper's paired t-test, are of subjects averaged over seeds.
    """
    table = complete(table)
    found = crossed_of(table)
    array = table.mean(axis=1).to_numpy(dtype=np.float64)
    mean, low, high = found.interval()
    return {
        "n": len(array),
        "seeds": table.shape[1],
        "difference": mean,
        "low": low,
        "high": high,
        "by_seed": tuple(found.seed_means.tolist()),
        "sd": float(np.std(array, ddof=1)) if len(array) > 1 else float("nan"),
        "d_z": effect_size_dz(array),
        "p_t": paired_t(array),
        "p": float(found.p()),
        "p_equivalence": float(found.equivalence(MARGIN)),
        "detectable": found.detectable(),
        "made_worse": share_made_worse(array),
    }


def study_comparisons(
    scores: pd.DataFrame, baseline: str | None, arms: Sequence[str], metric: str = "dice"
) -> pd.DataFrame:
    """``comparisons`` of a whole study: each of ``arms`` with ``baseline``, and the declared ones.

    The comparisons that the claim ledger declared stand first and are corrected among themselves,
    as in the ledger; the others are a family of their own. ``baseline``: none has only the first.
    """
    others = [(arm, baseline) for arm in arms if baseline is not None]
    families = [DECLARED, [pair for pair in others if pair not in DECLARED]]
    tables = [comparisons(scores, family, metric) for family in families]
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def comparisons(scores: pd.DataFrame, family: Family, metric: str = "dice") -> pd.DataFrame:
    """``compare`` for each (arm, baseline) of ``family`` in each pair of clinics, and pooled.

    ``p_holm`` corrects ``p`` over the family: all comparisons of all pairs together, and the pooled
    ones among themselves.
    """
    rows = []
    for arm, baseline in family:
        names = {"arm": arm, "baseline": baseline}
        for pair, values in by_pair_and_pooled(differences(scores, arm, baseline, metric)):
            rows.append(names | pair | compare(values))
    if not rows:
        return pd.DataFrame(columns=["arm", "baseline", *PAIR, "p_holm"])
    table = pd.DataFrame(rows)
    families = table.groupby(table["source"] == POOLED)["p"]
    return table.assign(p_holm=families.transform(lambda p: holm(p.to_numpy())))


def gaps_closed(
    scores: pd.DataFrame,
    arms: Sequence[str],
    lower: str | None,
    upper: str | None,
    metric: str = "dice",
) -> pd.DataFrame:
    """The gap closed by each of ``arms``, by pair and pooled: ``gap_closed, low, high, gap``.

    ``gap`` is the mean of ``upper`` minus ``lower``, the two bounds; the other three are NaN where
    that is not clearly above 0. A study that lacks a bound has no rows.
    """
    rows: list[dict[str, Any]] = []
    for arm in arms:
        if lower is not None and upper is not None:
            gains, gaps = (differences(scores, one, lower, metric) for one in (arm, upper))
            both = pd.concat({"gain": gains, "gap": gaps}, axis=1, join="inner")
            for pair, part in by_pair_and_pooled(both):
                rows.append({"arm": arm, **pair} | _gap(part))
    return pd.DataFrame(rows, columns=["arm", *PAIR, "gap_closed", "low", "high", "gap"])


def _gap(table: pd.DataFrame) -> dict[str, float]:
    """The gap closed by "gain" out of "gap", of the subjects and seeds that have both."""
    gains, gaps = (table.loc[:, (of, slice(None))].droplevel(0, axis=1) for of in ("gain", "gap"))
    gains = complete(gains.where(gaps.notna()))
    gaps = gaps.loc[gains.index, gains.columns]
    gain, gap = gains.to_numpy(dtype=np.float64), gaps.to_numpy(dtype=np.float64)
    value, low, high = ratio(gain, gap, blocks(gains))
    return {"gap_closed": value, "low": low, "high": high, "gap": float(gap.mean())}


def by_pair_and_pooled(table: pd.DataFrame) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """All rows pooled, then those of each pair of clinics in the paper's order, named by it."""
    over_all = pooled(table).dropna(how="all")
    if len(over_all):
        yield dict.fromkeys(PAIR, POOLED), over_all
    parts = {(str(one), str(two)): part for (one, two), part in table.groupby(PAIR)}
    for pair in in_order(parts):
        yield dict(zip(PAIR, pair, strict=True)), parts[pair]
