"""Is adapting worth it at one's own place? What each arm gains over no adaptation, and how sure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from kdlib.evidence.contrast import MINIMUM_SEEDS, Contrast, corrected
from kdlib.evidence.direction import Direction, direction
from kdlib.evidence.evidence import Evidence
from kdlib.evidence.statistics import MARGIN
from kdlib.evidence.verdicts import count_of

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
        worth: the verdict, by tests that are corrected over all arms (Holm).
        contrast: the difference in Dice with its interval, over all pairs of the study.
        worse: the share of subjects, in [0, 1], who come off worse with it.
    """

    arm: str
    worth: Worth
    contrast: Contrast
    worse: float


def gains(scores: pd.DataFrame, arms: Sequence[str], lower: str) -> list[Gain]:
    """The gain of each of ``arms`` over ``lower``, of those that were run in every pair.

    An arm helps if its Dice is higher by the test, and harms if it is lower. It changes almost
    nothing if it is within the margin. With fewer than three seeds nothing is clear.
    """
    evidence = Evidence(scores)
    pairs = evidence.pairs
    run = {arm: evidence.differences(arm, lower, pairs) for arm in arms if _run(evidence, arm)}
    run = {arm: table for arm, table in run.items() if len(table.dropna())}
    plain = [evidence.contrast(arm, lower, pairs) for arm in run]
    strict = corrected(plain) if plain else []
    return [
        Gain(arm, WORTH[direction(one, after)], one, float(np.mean(table.mean(axis=1) < 0)))
        for (arm, table), one, after in zip(run.items(), plain, strict, strict=True)
    ]


def in_words(
    found: Sequence[Gain], labels: Mapping[str, str], gap: Contrast | None = None
) -> list[str]:
    """The answer in sentences: whether something helps, what harms, and how much more there is.

    ``labels`` are what readers call the arms. ``gap`` is the upper bound minus the lower one.
    """
    found = [replace(one, arm=labels.get(one.arm, one.arm)) for one in found]
    if not found:
        return ["No arm can be compared with one that does not adapt."]
    if max(len(one.contrast.seed_means) for one in found) < MINIMUM_SEEDS:
        few = count_of(max(len(one.contrast.seed_means) for one in found), "seed")
        return [f"With {few} nothing is clear; it takes {MINIMUM_SEEDS}."]
    said = [_best(found)]
    for worth in ("harms", "changes almost nothing"):
        names = [one.arm for one in found if one.worth == worth]
        said += [f"What {worth}: {', '.join(names)}."] if names else []
    return [*said, *_more(gap)]


def gap_of(scores: pd.DataFrame, upper: str, lower: str) -> Contrast | None:
    """How much ``upper`` is above ``lower``; None if one of them was not run."""
    evidence = Evidence(scores)
    if not {upper, lower} <= set(evidence.main["arm"]):
        return None
    return evidence.contrast(upper, lower, evidence.pairs)


def _run(evidence: Evidence, arm: str) -> bool:
    there = evidence.main[evidence.main["arm"].eq(arm)]
    return {*zip(there["source"], there["target"], strict=True)} == set(evidence.pairs)


def _best(found: Sequence[Gain]) -> str:
    helpful = [one for one in found if one.worth == "helps"]
    best = max(helpful or found, key=lambda one: one.contrast.difference)
    it = best.contrast
    size = f"{best.arm} changes the mean Dice by {it.difference:+.3f}"
    if not np.isnan(it.low):
        size += f" (95 % interval {it.low:+.3f} to {it.high:+.3f})"
    if helpful:
        return f"Adapting helps: {size}. {best.worse:.0%} of the subjects come off worse."
    if best.worth == "not clear":
        needed = f" A difference of {it.detectable:.3f} would be found."
        return f"It is not clear whether adapting helps: {size}.{needed}"
    return f"Adapting does not help: the best is that {size}, less than {MARGIN:g}."


def _more(gap: Contrast | None) -> list[str]:
    if gap is None or np.isnan(gap.low):
        return []
    span = f"{gap.difference:+.3f} (95 % interval {gap.low:+.3f} to {gap.high:+.3f})"
    return [f"Labels of the target change it by {span}."]
