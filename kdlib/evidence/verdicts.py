"""How a claim is decided from a study's scores: the rules that the claim ledger names.

Every rule answers "undecided" unless what it needs was run with at least three seeds. Intervals and
tests count subjects and trainings: subjects alone cannot tell a method from a lucky training, for
they all met the same trained network.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from kdlib.evidence.comparisons import (
    PAIR,
    POOLED,
    comparisons,
    complete,
    crossed_of,
    differences,
    main_scores,
    pair_name,
    pooled,
)
from kdlib.evidence.paper import DECLARED, PAIRS
from kdlib.evidence.statistics import MARGIN, holm

ALPHA = 0.05
MINIMUM_SEEDS = 3

Pairs = tuple[tuple[str, str], ...]
Verdict = Literal["reproduced", "contradicted", "undecided", "undecidable here"]


class Judgement(NamedTuple):
    """A verdict and the numbers, or the lack of them, that it rests on."""

    verdict: Verdict
    why: str


@dataclass(frozen=True)
class Contrast:
    """One comparison: its interval and tests over subjects and seeds; NaN where there are none."""

    name: str
    difference: float
    low: float
    high: float
    p: float
    n: int
    detectable: float
    margin: float
    p_same: float
    p_apart: float
    seed_means: tuple[float, ...]

    @property
    def better(self) -> bool:
        """Above 0."""
        return self._decides and self.p < ALPHA and self.difference > 0

    @property
    def worse(self) -> bool:
        """Below 0."""
        return self._decides and self.p < ALPHA and self.difference < 0

    @property
    def same(self) -> bool:
        """Within the margin by the equivalence test."""
        return self._decides and self.p_same < ALPHA

    @property
    def apart(self) -> bool:
        """Beyond the margin on one side with the whole interval."""
        return self._decides and self.p_apart < ALPHA

    @property
    def small(self) -> bool:
        """Below the margin with the whole interval."""
        return self._decides and self.high < self.margin

    @property
    def _decides(self) -> bool:
        return len(self.seed_means) >= MINIMUM_SEEDS

    def __str__(self) -> str:
        """The numbers on one line."""
        seeds = ", ".join(f"{value:+.3f}" for value in self.seed_means)
        found = f"{self.name} {self.difference:+.3f}"
        if np.isnan(self.low):
            return f"{found}, by seed {seeds}: too few subjects, or no spread, for a test"
        return (
            f"{found} [{self.low:+.3f}, {self.high:+.3f}],"
            f" p = {self.p:.2g}, n = {self.n}, by seed {seeds};"
            f" detectable with 80 % power: {self.detectable:.3f}"
        )


class Evidence:
    """A study's scores and the tests that several claims share."""

    def __init__(self, scores: pd.DataFrame) -> None:
        """Take the frame of a study's ``scores.csv``, sweeps included."""
        self.scores = scores
        self.main = main_scores(scores)

    @cached_property
    def family(self) -> pd.Series:
        """P after Holm of the declared family, by (arm, baseline, source, target)."""
        return comparisons(self.scores, DECLARED).set_index(["arm", "baseline", *PAIR])["p_holm"]

    def shortfall(self, arms: Sequence[str], pairs: Pairs = PAIRS, metric: str = "dice") -> str:
        """What is missing to compare ``arms`` in all of ``pairs``; empty if nothing is."""
        if metric not in self.main:
            return f"not run: the scores have no column {metric}"
        return _shortfall(self.main.dropna(subset=[metric]), arms, pairs)

    def contrast(
        self, arm: str, baseline: str, pairs: Pairs, margin: float = MARGIN, metric: str = "dice"
    ) -> Contrast:
        """``arm`` minus ``baseline`` over ``pairs``, uncorrected; sources averaged if several."""
        name = f"{arm} - {baseline}"
        if metric != "dice":
            name += f" in {metric}"
        if len(pairs) == 1:
            name += f" ({pair_name(*pairs[0])})"
        return contrast_of(name, self.differences(arm, baseline, pairs, metric), margin)

    def differences(
        self, arm: str, baseline: str, pairs: Pairs, metric: str = "dice"
    ) -> pd.DataFrame:
        """``arm`` minus ``baseline``: a row per subject, sources averaged, a column per seed."""
        values = _within(differences(self.main, arm, baseline, metric), pairs)
        return values if len(pairs) == 1 else pooled(values)

    def declared(self, arm: str, baseline: str, pairs: Pairs, margin: float = MARGIN) -> Contrast:
        """A Dice contrast of the declared family, one pair or all, with its p after Holm."""
        where = pairs[0] if len(pairs) == 1 else (POOLED, POOLED)
        p = float(self.family[(arm, baseline, *where)])
        return replace(self.contrast(arm, baseline, pairs, margin), p=p)


def contrast_of(name: str, table: pd.DataFrame, margin: float = MARGIN) -> Contrast:
    """The contrast of differences (indexed at least by target, fold, subject; a column a seed)."""
    table = complete(table)
    found = crossed_of(table)
    return Contrast(
        name=name,
        difference=float(found.mean),
        low=found.interval().low,
        high=found.interval().high,
        p=float(found.p()),
        n=len(table),
        detectable=found.detectable(),
        margin=margin,
        p_same=float(found.equivalence(margin)),
        p_apart=float(found.beyond(margin)),
        seed_means=tuple(map(float, found.seed_means)),
    )


def corrected(contrasts: list[Contrast]) -> list[Contrast]:
    """The same contrasts with Holm's correction over just them."""
    p_values = holm(np.array([contrast.p for contrast in contrasts]))
    return [replace(one, p=float(p)) for one, p in zip(contrasts, p_values, strict=True)]


def _shortfall(rows: pd.DataFrame, arms: Sequence[str], pairs: Pairs) -> str:
    """What ``rows`` lack of ``arms`` in ``pairs`` with three seeds; empty if nothing."""
    seeds = rows.groupby(["arm", *PAIR])["seed"].nunique().to_dict()
    absent = [arm for arm in arms if arm not in set(rows["arm"])]
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


def all_better(contrasts: list[Contrast]) -> Judgement:
    """Reproduced if all are better; contradicted if one is worse, or the same and not better."""
    against = [one for one in contrasts if one.worse or (one.same and not one.better)]
    if against:
        return Judgement("contradicted", _lines(against))
    unclear = [one for one in contrasts if not one.better]
    if unclear:
        return Judgement("undecided", f"not enough power: {_lines(unclear)}")
    return Judgement("reproduced", _lines(contrasts))


def most_better(contrasts: list[Contrast]) -> Judgement:
    """Reproduced if more than half are better; contradicted if half are worse or the same."""
    better = [one for one in contrasts if one.better]
    against = [one for one in contrasts if one.worse or (one.same and not one.better)]
    why = f"{len(better)} of {len(contrasts)} better, {len(against)} worse or the same"
    if 2 * len(better) > len(contrasts):
        return Judgement("reproduced", f"{why}: {_lines(better)}")
    if 2 * len(against) >= len(contrasts):
        return Judgement("contradicted", f"{why}: {_lines(against)}")
    return Judgement("undecided", f"not enough power: {why}: {_lines(contrasts)}")


def all_the_same(contrasts: list[Contrast]) -> Judgement:
    """Reproduced if all are the same; contradicted if one lies wholly beyond the margin."""
    apart = [one for one in contrasts if one.apart]
    if apart:
        return Judgement("contradicted", _lines(apart))
    unclear = [one for one in contrasts if not one.same]
    if unclear:
        return Judgement("undecided", f"not enough power: {_lines(unclear)}")
    return Judgement("reproduced", _lines(contrasts))


def margin_of(printed: float) -> float:
    """Half the printed difference, at most 0.02: less than that is no sign of the effect."""
    return min(MARGIN, abs(printed) / 2)


def count_of(number: int, noun: str) -> str:
    """As "1 seed", "2 seeds"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _within(values: pd.DataFrame, pairs: Pairs) -> pd.DataFrame:
    """The differences of the given pairs of clinics."""
    sources, targets = (values.index.get_level_values(name) for name in PAIR)
    inside = [pair in pairs for pair in zip(sources, targets, strict=True)]
    return values.loc[inside]


def _lines(contrasts: list[Contrast]) -> str:
    return " | ".join(map(str, contrasts))
