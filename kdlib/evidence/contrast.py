"""One comparison of two arms: its interval and its tests over subjects and trainings.

Intervals and tests count subjects and trainings: subjects alone cannot tell a method from a lucky
training, for they all met the same trained network.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kdlib.evidence.comparisons import complete, crossed_of
from kdlib.evidence.crossed import Crossed
from kdlib.evidence.statistics import MARGIN, holm

ALPHA = 0.05
MINIMUM_SEEDS = 3


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
        p = f"p = {self.p:.3g}" if self.p >= 0.001 else "p < 0.001"
        return (
            f"{found} [{self.low:+.3f}, {self.high:+.3f}],"
            f" {p}, n = {self.n}, by seed {seeds};"
            f" detectable with 80 % power: {self.detectable:.3f}"
        )


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


def margin_of(printed: float) -> float:
    """Half the printed difference, at most 0.02: less than that is no sign of the effect."""
    return min(MARGIN, abs(printed) / 2)


def lines(contrasts: Sequence[Contrast]) -> str:
    """The contrasts on one line."""
    return " | ".join(map(str, contrasts))
