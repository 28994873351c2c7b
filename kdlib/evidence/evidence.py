"""A study's scores, and the comparisons that claims are decided by."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kdlib.evidence.comparisons import (
    PAIR,
    POOLED,
    comparisons,
    differences,
    main_scores,
    pair_name,
    pooled,
    weighted,
    within,
)
from kdlib.evidence.contrast import MINIMUM_SEEDS, Contrast, contrast_of
from kdlib.evidence.paper import DECLARED, PAIRS
from kdlib.evidence.statistics import MARGIN
from kdlib.evidence.verdicts import count_of
from kdlib.scores.strata import column_words

Pairs = tuple[tuple[str, str], ...]


class Evidence:
    """A study's scores and the tests that several claims share."""

    def __init__(
        self,
        scores: pd.DataFrame,
        *,
        closed: Collection[tuple[str, str]] = (),
        teachers: pd.DataFrame | None = None,
        mechanism: "Evidence | None" = None,
    ) -> None:
        """Take the frame of a study's ``scores.csv``, sweeps included.

        Args:
            scores: the frame.
            closed: pairs of clinics that are not judged. Their rows are left out.
            teachers: the frame of the study's ``teachers.csv``.
            mechanism: the evidence of the study ``mechanism``, for the claims that need its arms.
        """
        self.everything = scores
        self.closed = frozenset(closed)
        self.teachers, self.mechanism = teachers, mechanism
        pairs = zip(scores["source"], scores["target"], strict=True)
        judged = np.array([pair not in self.closed for pair in pairs], dtype=bool)
        self.scores = scores[judged]
        self.main = main_scores(self.scores)
        self._differences: dict[tuple[str, str, str], pd.DataFrame] = {}  # asked for often
        self._seeds: dict[str, dict[Any, int]] = {}  # of each (arm, source, target), by metric

    @property
    def pairs(self) -> Pairs:
        """The pairs of clinics that were run and are judged, in alphabetical order."""
        return tuple(sorted(set(self.main[PAIR].itertuples(index=False, name=None))))

    def judged(self, pairs: Pairs = PAIRS) -> Pairs:
        """Those of ``pairs`` that are not closed."""
        return tuple(pair for pair in pairs if pair not in self.closed)

    @cached_property
    def family(self) -> pd.Series:
        """P after Holm of the declared family, by (arm, baseline, source, target)."""
        return comparisons(self.scores, DECLARED).set_index(["arm", "baseline", *PAIR])["p_holm"]

    def shortfall(self, arms: Sequence[str], pairs: Pairs = PAIRS, metric: str = "dice") -> str:
        """What is missing to compare ``arms`` in all of ``pairs``; empty if nothing is."""
        if metric not in self.main:
            return f"not run: the scores have no column {metric}"
        if metric not in self._seeds:
            rows = self.main.dropna(subset=[metric])
            self._seeds[metric] = rows.groupby(["arm", *PAIR])["seed"].nunique().to_dict()
        return _shortfall(self._seeds[metric], arms, self.judged(pairs))

    def contrast(
        self, arm: str, baseline: str, pairs: Pairs, margin: float = MARGIN, metric: str = "dice"
    ) -> Contrast:
        """``arm`` minus ``baseline`` over ``pairs``, uncorrected; sources averaged if several."""
        pairs, name = self.judged(pairs), f"{arm} - {baseline}"
        if metric != "dice":
            name += f" in {' less '.join(map(column_words, metric.split(' - ')))}"
        if len(pairs) == 1:
            name += f" ({pair_name(*pairs[0])})"
        return contrast_of(name, self.differences(arm, baseline, pairs, metric), margin)

    def differences(
        self, arm: str, baseline: str, pairs: Pairs, metric: str = "dice"
    ) -> pd.DataFrame:
        """``arm`` minus ``baseline``: a row per subject, sources averaged, a column per seed."""
        key = (arm, baseline, metric)
        if key not in self._differences:
            self._differences[key] = differences(self.main, arm, baseline, metric)
        return self._over(self._differences[key], pairs)

    def weighted(self, name: str, weights: Mapping[str, float], pairs: Pairs) -> Contrast:
        """The sum of the arms' Dice times their weights, over ``pairs``, as a contrast with 0."""
        return contrast_of(name, self._over(weighted(self.main, weights), pairs))

    def _over(self, values: pd.DataFrame, pairs: Pairs) -> pd.DataFrame:
        pairs = self.judged(pairs)
        inside = within(values, pairs)
        return inside if len(pairs) == 1 else pooled(inside)

    def declared(self, arm: str, baseline: str, pairs: Pairs, margin: float = MARGIN) -> Contrast:
        """A Dice contrast of the declared family, one pair or all, with its p after Holm."""
        where = pairs[0] if len(pairs) == 1 else (POOLED, POOLED)
        p = float(self.family[(arm, baseline, *where)])
        return replace(self.contrast(arm, baseline, pairs, margin), p=p)


def _shortfall(seeds: Mapping[Any, int], arms: Sequence[str], pairs: Pairs) -> str:
    """What ``seeds``, the number of each arm and pair, lack of ``arms`` in ``pairs``."""
    run = {arm for arm, *_ in seeds}
    absent = [arm for arm in arms if arm not in run]
    if absent:
        return f"not run: {', '.join(absent)}"
    done = [pair for pair in pairs if all((arm, *pair) in seeds for arm in arms)]
    if not done:
        return f"not run: {' and '.join(arms)} in the same one of the pairs it takes"
    fewest = min(seeds[(arm, *pair)] for arm in arms for pair in done)
    if len(done) == len(pairs) and fewest >= MINIMUM_SEEDS:
        return ""
    return (
        f"run with {count_of(len(done), 'pair')} of clinics and {count_of(fewest, 'seed')};"
        f" it takes {count_of(len(pairs), 'pair')} and {MINIMUM_SEEDS} seeds"
    )
