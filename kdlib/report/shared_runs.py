"""Runs that two studies share: the same scenarios on the same scans, made once for each of them."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from kdlib.evidence.comparisons import PAIR, main_scores
from kdlib.record.results import Results

KEYS = ["arm", *PAIR, "fold", "seed"]
MEANS = ["arm", *PAIR]


def shared_runs(studies: Sequence[Results]) -> pd.DataFrame:
    """Each row is one seed of two studies, and how far the Dice of their common runs differs.

    Two runs are common if recipe, arm with its teachers, clinics, fold and seed are the same, and
    the scans are those of one simulation. The columns are ``Study``, ``Other_study``, ``Seed``,
    ``Runs``, ``Largest_difference`` of the Dice of one subject, and ``Of_a_mean``: that of the mean
    Dice of an arm in a pair of clinics.
    """
    rows = [row for one, other in combinations(studies, 2) for row in _of_two(one, other)]
    names = ["Study", "Other_study", "Seed", "Runs", "Largest_difference", "Of_a_mean"]
    return pd.DataFrame(rows, columns=names)


def _of_two(one: Results, other: Results) -> Iterator[tuple[Any, ...]]:
    if one.study["recipe"] != other.study["recipe"]:
        return
    arms = [name for name in one.arms if _lineage(one, name) == _lineage(other, name)]
    first, second = (_dice(results, arms) for results in (one, other))
    both = first.merge(second, on=[*KEYS, "subject"])
    for seed in sorted({int(seed) for seed in both["seed"]}):
        part = both[both["seed"].eq(seed)]
        scans = [_scans(results, seed) for results in (one, other)]
        if scans[0] and scans[0] == scans[1]:
            apart = (part["dice_x"] - part["dice_y"]).abs().max()
            means = part.groupby(MEANS)[["dice_x", "dice_y"]].mean()
            of_mean = (means["dice_x"] - means["dice_y"]).abs().max()
            yield one.name, other.name, seed, len(part[KEYS].drop_duplicates()), apart, of_mean


def _dice(results: Results, arms: list[str]) -> pd.DataFrame:
    rows = main_scores(results.scores)
    rows = rows[rows["arm"].isin(arms)].astype({"subject": str})
    return rows[[*KEYS, "subject", "dice"]]


def _lineage(results: Results, name: str | None) -> object:
    """What decides the numbers of an arm, with its teachers; None if the study lacks it."""
    arm = results.arms.get(name or "")
    if arm is None:
        return None
    return arm.method, dict(arm.settings), arm.on_the_fly, _lineage(results, arm.teacher)


def _scans(results: Results, seed: int) -> object:
    return results.seeds.get(seed, {}).get("simulation")
