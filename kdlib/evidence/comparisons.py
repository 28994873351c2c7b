"""From a study's scores to comparisons of its arms.

The unit is the subject, averaged over seeds first: the seeds of one subject are no independent
evidence. Two arms are compared on the same subjects of one pair of clinics (source, target). Over
all pairs a target subject is again one unit, averaged over the sources it was adapted from.

``scores`` is always a frame of a study's ``scores.csv``: a row per arm, source, target, fold, seed
and subject, with the metrics as columns. Rows of a sweep (a ``setting`` is named) and rows scored
on the source are left to the claims that need them.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kdlib.evidence.paper import DECLARED
from kdlib.evidence.statistics import (
    bootstrap_interval,
    detectable_difference,
    effect_size_dz,
    equivalence,
    gap_closed,
    holm,
    paired_t,
    share_made_worse,
    sign_flip,
    wilcoxon,
)

PAIR = ["source", "target"]
POOLED = "all"  # stands for source and target where all pairs are taken together
Family = Sequence[tuple[str, str]]  # (arm, baseline) of each comparison


def pair_name(source: str, target: str) -> str:
    """A pair of clinics as people read it, for example "Utrecht to Singapore"."""
    return f"{source.capitalize()} to {target.capitalize()}"


def main_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of the study itself: no sweep over a setting, scored on the target."""
    keep = pd.Series(True, index=scores.index)
    if "setting" in scores:
        keep &= scores["setting"].fillna("").eq("")
    if "evaluated_on" in scores:
        keep &= scores["evaluated_on"].fillna("target").eq("target")
    return scores[keep]


def subject_scores(scores: pd.DataFrame, metric: str = "dice") -> pd.DataFrame:
    """A row per (source, target, subject), a column per arm: ``metric`` averaged over seeds."""
    rows = main_scores(scores)
    return rows.groupby([*PAIR, "subject", "arm"])[metric].mean().unstack("arm")


def differences(
    scores: pd.DataFrame, arm: str, baseline: str, metric: str = "dice"
) -> pd.Series:  # of float, by (source, target, subject)
    """``arm`` minus ``baseline`` of every subject that has both."""
    table = subject_scores(scores, metric).reindex(columns=[arm, baseline])
    return (table[arm] - table[baseline]).dropna()


def pooled(values: pd.Series) -> pd.Series:
    """One value per (target, subject): the mean over the sources."""
    return values.groupby(["target", "subject"]).mean()


def summary(scores: pd.DataFrame, metric: str = "dice") -> pd.DataFrame:
    """Mean and SD over subjects, and their number ``n``, for each arm, by pair and pooled."""
    table = subject_scores(scores, metric).melt(value_name=metric, ignore_index=False).dropna()
    by_pair = table.groupby(["arm", *PAIR])[metric]
    over_all = table.groupby(["arm", "target", "subject"])[metric].mean().groupby("arm")
    parts = [by_pair.agg(["mean", "std", "size"]), over_all.agg(["mean", "std", "size"])]
    rows = pd.concat([part.reset_index() for part in parts], ignore_index=True)
    rows[PAIR] = rows[PAIR].fillna(POOLED)
    return rows.rename(columns={"std": "sd", "size": "n"})


def seed_variation(scores: pd.DataFrame, metric: str = "dice") -> pd.DataFrame:
    """How far retraining moves an arm's result, apart from how far subjects differ.

    ``seed_sd`` is the SD over seeds of the mean over subjects (NaN with one seed), ``subject_sd``
    the SD over subjects of the mean over seeds. By arm and pair, with the number of ``seeds``.
    """
    rows = main_scores(scores)
    keys = ["arm", *PAIR]
    over_seeds = rows.groupby([*keys, "seed"])[metric].mean().groupby(keys)
    over_subjects = rows.groupby([*keys, "subject"])[metric].mean().groupby(keys)
    columns = {
        "seeds": over_seeds.size(),
        "seed_sd": over_seeds.std(),
        "subject_sd": over_subjects.std(),
    }
    return pd.DataFrame(columns).reset_index()


def compare(values: pd.Series) -> dict[str, float]:
    """Everything about one comparison from its differences, indexed at least by target.

    Keys: ``n``, ``difference``, ``low``, ``high`` (95 % bootstrap, resampled within clinic),
    ``sd``, ``d_z``, ``p_t``, ``p_wilcoxon``, ``p_permutation``, ``p_equivalence``, ``detectable``,
    ``made_worse``.
    """
    array = values.to_numpy(dtype=np.float64)
    mean, low, high = bootstrap_interval(array, values.index.get_level_values("target").to_numpy())
    sd = float(np.std(array, ddof=1)) if len(array) > 1 else float("nan")
    return {
        "n": len(array),
        "difference": mean,
        "low": low,
        "high": high,
        "sd": sd,
        "d_z": effect_size_dz(array),
        "p_t": paired_t(array),
        "p_wilcoxon": wilcoxon(array),
        "p_permutation": float(sign_flip(array)),
        "p_equivalence": equivalence(array),
        "detectable": detectable_difference(sd, len(array)),
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

    ``p_holm`` corrects the permutation test's p over the family: all comparisons of all pairs
    together, and the pooled ones among themselves.
    """
    rows = []
    for arm, baseline in family:
        all_pairs = differences(scores, arm, baseline, metric)
        for (source, target), values in all_pairs.groupby(PAIR):
            rows.append(_row_names(arm, baseline, source, target) | compare(values))
        if len(all_pairs):
            rows.append(_row_names(arm, baseline, POOLED, POOLED) | compare(pooled(all_pairs)))
    if not rows:
        return pd.DataFrame(columns=["arm", "baseline", *PAIR, "p_holm"])
    table = pd.DataFrame(rows)
    families = table.groupby(table["source"] == POOLED)["p_permutation"]
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
    for arm in arms if lower is not None and upper is not None else ():
        table = subject_scores(scores, metric).reindex(columns=[arm, lower, upper]).dropna()
        parts = [(pair, part) for pair, part in table.groupby(PAIR)]
        if len(table):
            parts.append(((POOLED, POOLED), table.groupby(["target", "subject"]).mean()))
        for (source, target), part in parts:
            row = {"arm": arm, "source": source, "target": target}
            rows.append(row | _gap_numbers(part[arm] - part[lower], part[upper] - part[lower]))
    return pd.DataFrame(rows, columns=["arm", *PAIR, "gap_closed", "low", "high", "gap"])


def _gap_numbers(gains: pd.Series, gaps: pd.Series) -> dict[str, float]:
    """The gap closed by gains out of gaps, one for each subject, indexed at least by target."""
    clinics = gains.index.get_level_values("target").to_numpy()
    value, low, high = gap_closed(gains.to_numpy(), gaps.to_numpy(), clinics)
    return {"gap_closed": value, "low": low, "high": high, "gap": float(gaps.mean())}


def _row_names(arm: str, baseline: str, source: Hashable, target: Hashable) -> dict[str, Hashable]:
    return {"arm": arm, "baseline": baseline, "source": source, "target": target}
