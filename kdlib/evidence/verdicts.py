"""The verdicts on claims, and how several comparisons decide one.

Every rule answers "undecided" unless what it needs was run with at least three seeds.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from kdlib.evidence.contrast import Contrast, corrected, lines

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
NOT_RUN = "not run"  # begins the reason of a verdict for which there are no results
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
        return Judgement("contradicted", lines([replace(one, p=one.p_apart) for one in apart]))
    shown = [replace(one, p=one.p_same) for one in contrasts]  # the p of the test that decides
    unclear = [one for one in shown if not one.same]
    if unclear:
        return Judgement("undecided", f"not enough power: {lines(unclear)}")
    return Judgement("reproduced", lines(shown))


def count_of(number: int, noun: str) -> str:
    """As "1 seed", "2 seeds"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
