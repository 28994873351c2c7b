"""How a claim is decided from a study's scores: the rules that the claim ledger names.

Every rule answers "undecided" unless what it needs was run with at least three seeds. Intervals and
tests count subjects and trainings: subjects alone cannot tell a method from a lucky training, for
they all met the same trained network.
"""

from collections.abc import Collection, Mapping, Sequence
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
    weighted,
)
from kdlib.evidence.crossed import Crossed
from kdlib.evidence.paper import DECLARED, PAIRS
from kdlib.evidence.statistics import MARGIN, holm

ALPHA = 0.05
MINIMUM_SEEDS = 3

Pairs = tuple[tuple[str, str], ...]
Verdict = Literal[
    "reproduced",
    "contradicted",
    "undecided",
    "undecidable here",
    "the bench shows no gap here",
    "holds",
    "fails",
]
NO_GAP: Verdict = "the bench shows no gap here"
# Of a claim of the paper, in the order in which they are counted.
VERDICTS: tuple[Verdict, ...] = (
    "reproduced", "contradicted", "undecided", "undecidable here", NO_GAP,
)  # fmt: skip
# Of a prediction of the hypothesis.
OUTCOMES: tuple[Verdict, ...] = ("holds", "fails", "undecided", NO_GAP)


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
    def above(self) -> bool:
        """Above 0 by the one-sided test."""
        return self._decides and self.p < 2 * ALPHA and self.difference > 0

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
        p = f"p = {self.p:.2g}" if self.p >= 0.001 else "p < 0.001"
        return (
            f"{found} [{self.low:+.3f}, {self.high:+.3f}],"
            f" {p}, n = {self.n}, by seed {seeds};"
            f" detectable with 80 % power: {self.detectable:.3f}"
        )


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
        self._differences: dict[tuple[str, str, Pairs, str], pd.DataFrame] = {}

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
        return _shortfall(self.main.dropna(subset=[metric]), arms, self.judged(pairs))

    def contrast(
        self, arm: str, baseline: str, pairs: Pairs, margin: float = MARGIN, metric: str = "dice"
    ) -> Contrast:
        """``arm`` minus ``baseline`` over ``pairs``, uncorrected; sources averaged if several."""
        pairs, name = self.judged(pairs), f"{arm} - {baseline}"
        if metric != "dice":
            name += f" in {metric}"
        if len(pairs) == 1:
            name += f" ({pair_name(*pairs[0])})"
        return contrast_of(name, self.differences(arm, baseline, pairs, metric), margin)

    def differences(
        self, arm: str, baseline: str, pairs: Pairs, metric: str = "dice"
    ) -> pd.DataFrame:
        """``arm`` minus ``baseline``: a row per subject, sources averaged, a column per seed."""
        key = (arm, baseline, pairs, metric)
        if key not in self._differences:  # drawn studies ask often
            found = differences(self.main, arm, baseline, metric)
            self._differences[key] = self._over(found, pairs)
        return self._differences[key]

    def weighted(self, name: str, weights: Mapping[str, float], pairs: Pairs) -> Contrast:
        """The sum of the arms' Dice times their weights, over ``pairs``, as a contrast with 0."""
        return contrast_of(name, self._over(weighted(self.main, weights), pairs))

    def _over(self, values: pd.DataFrame, pairs: Pairs) -> pd.DataFrame:
        pairs = self.judged(pairs)
        inside = _within(values, pairs)
        return inside if len(pairs) == 1 else pooled(inside)

    def declared(self, arm: str, baseline: str, pairs: Pairs, margin: float = MARGIN) -> Contrast:
        """A Dice contrast of the declared family, one pair or all, with its p after Holm."""
        where = pairs[0] if len(pairs) == 1 else (POOLED, POOLED)
        p = float(self.family[(arm, baseline, *where)])
        return replace(self.contrast(arm, baseline, pairs, margin), p=p)


def contrast_of(name: str, table: pd.DataFrame, margin: float = MARGIN) -> Contrast:
    """The contrast of differences (indexed at least by target, fold, subject; a column a seed)."""
    table = complete(table)
    return contrast_from(name, crossed_of(table), len(table), margin)


def contrast_from(name: str, found: Crossed, n: int, margin: float = MARGIN) -> Contrast:
    """The contrast of one table's statistics over ``n`` subjects."""
    return Contrast(
        name=name,
        difference=float(found.mean),
        low=found.interval().low,
        high=found.interval().high,
        p=float(found.p()),
        n=n,
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
    run = set(rows["arm"].unique())
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


def all_better(contrasts: list[Contrast], family: Sequence[Contrast] | None = None) -> Judgement:
    """Reproduced if all are better; contradicted if one is worse, or the same and not better.

    All can only be better by chance if all tests err at once, so "better" takes each test as it is.
    One of them can more easily be worse by chance, so "worse" takes p after Holm: over these tests,
    or as ``family`` has it, which holds the same contrasts with p corrected in a larger family.
    """
    if all(one.better for one in contrasts):
        return Judgement("reproduced", lines(contrasts))
    strict = corrected(contrasts) if family is None else family
    against = [
        after
        for one, after in zip(contrasts, strict, strict=True)
        if after.worse or (one.same and not one.better)
    ]
    if against:
        return Judgement("contradicted", lines(against))
    unclear = [one for one in contrasts if not one.better]
    return Judgement("undecided", f"not enough power: {lines(unclear)}")


def most_better(contrasts: list[Contrast]) -> Judgement:
    """Reproduced if more than half are better; contradicted if half are worse or the same."""
    better = [one for one in contrasts if one.better]
    against = [one for one in contrasts if one.worse or (one.same and not one.better)]
    why = f"{len(better)} of {len(contrasts)} better, {len(against)} worse or the same"
    if 2 * len(better) > len(contrasts):
        return Judgement("reproduced", f"{why}: {lines(better)}")
    if 2 * len(against) >= len(contrasts):
        return Judgement("contradicted", f"{why}: {lines(against)}")
    return Judgement("undecided", f"not enough power: {why}: {lines(contrasts)}")


def all_the_same(contrasts: list[Contrast]) -> Judgement:
    """Reproduced if all are the same; contradicted if one lies wholly beyond the margin."""
    apart = [one for one in contrasts if one.apart]
    if apart:
        return Judgement("contradicted", lines(apart))
    unclear = [one for one in contrasts if not one.same]
    if unclear:
        return Judgement("undecided", f"not enough power: {lines(unclear)}")
    return Judgement("reproduced", lines(contrasts))


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


def lines(contrasts: Sequence[Contrast]) -> str:
    """The contrasts on one line."""
    return " | ".join(map(str, contrasts))
