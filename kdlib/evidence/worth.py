"""Is adapting worth it at one's own place? What each arm gains over no adaptation, and how sure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from kdlib.evidence.comparisons import complete
from kdlib.evidence.contrast import Contrast, corrected
from kdlib.evidence.direction import Direction, direction
from kdlib.evidence.evidence import Evidence
from kdlib.evidence.statistics import share_made_worse

Worth = Literal["helps", "harms", "changes almost nothing", "not clear"]
WORTH: dict[Direction, Worth] = {
    "better": "helps",
    "worse": "harms",
    "the same": "changes almost nothing",
    "open": "not clear",
}


@dataclass(frozen=True)
class Gain:
    """What one arm changes against the arm that does not adapt.

    Attributes:
        arm: the name of the arm.
        worth: the verdict, by tests that are corrected over the arms judged together (Holm).
        contrast: the difference in Dice with its interval, over all pairs of the study.
        worse: the share of subjects, in [0, 1], who come off worse with it, in the mean of all
            trainings.
        worse_once: the same share in a single training, in the mean over trainings.
    """

    arm: str
    worth: Worth
    contrast: Contrast
    worse: float
    worse_once: float


def gains(scores: pd.DataFrame, arms: Sequence[str], lower: str) -> list[Gain]:
    """The gain of each of ``arms`` over ``lower``, of those that were run in every pair.

    An arm helps if its Dice is higher by the test, and harms if it is lower. It changes almost
    nothing if it is within the margin. With fewer than three seeds nothing is clear.
    """
    evidence = Evidence(scores)
    pairs = evidence.pairs
    run = {arm: evidence.differences(arm, lower, pairs) for arm in arms if _run(evidence, arm)}
    run = {arm: complete(table) for arm, table in run.items() if len(table.dropna())}
    plain = [evidence.contrast(arm, lower, pairs) for arm in run]
    strict = corrected(plain) if plain else []
    return [
        Gain(arm, WORTH[direction(one, after)], one, *_made_worse(table))
        for (arm, table), one, after in zip(run.items(), plain, strict, strict=True)
    ]


def gap_of(scores: pd.DataFrame, upper: str, lower: str) -> Contrast | None:
    """How much ``upper`` is above ``lower``; None if one of them was not run."""
    evidence = Evidence(scores)
    if not {upper, lower} <= set(evidence.main["arm"]):
        return None
    return evidence.contrast(upper, lower, evidence.pairs)


def _made_worse(table: pd.DataFrame) -> tuple[float, float]:
    """The share of subjects who come off worse: in the mean of all seeds, and with one of them."""
    return share_made_worse(table.mean(axis=1).to_numpy()), share_made_worse(table.to_numpy())


def _run(evidence: Evidence, arm: str) -> bool:
    there = evidence.main[evidence.main["arm"].eq(arm)]
    return {*zip(there["source"], there["target"], strict=True)} == set(evidence.pairs)
