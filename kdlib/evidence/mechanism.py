"""A hypothesis about the cause of the gains, its predictions, and how the study decides them.

Each prediction compares an arm with a share of another arm's gain, in one test: "most of a gain"
means more than half of it. So no margin has to be chosen, and a verdict can go either way. The
hypothesis and its rules were written before the results.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from kdlib.evidence.bench import LOWER, Gate, bench_of
from kdlib.evidence.contrast import ALPHA, MINIMUM_SEEDS, Contrast, corrected, lines
from kdlib.evidence.evidence import Evidence
from kdlib.evidence.statistics import MARGIN
from kdlib.evidence.verdicts import Judgement, Verdict

HYPOTHESIS = (
    "What KD and ADA gain, in the paper and here, is target data in the batch norm: they meet the"
    " intensities of the target, and nothing else about them matters."
)

# The arms of the study of the mechanism that are judged. Others stand in its tables alone.
ADABN, ADA, KD = "AdaBN", "ADA", "KD"
CONTINUED_ADABN = "teacher continued then AdaBN"
ADA_0 = "ADA with weight 0"
KD_NO_TARGET = "KD without target scans"
KD_1 = "KD at T = 1"
KD_HARD = "KD on hard labels"
KD_FROM_ADABN = "KD from AdaBN"
LOWER_IN, ADA_IN, KD_IN = (
    "L-bound instance norm",
    "ADA instance norm",
    "KD instance norm",
)

MOST = 0.5  # of a gain
MINIMUM_PAIRS = 2

Gain = tuple[str, str]  # an arm and the arm that it is compared with


@dataclass(frozen=True)
class Prediction:
    """What the hypothesis predicts, the test of it, and the rule of its verdict."""

    number: str
    prediction: str
    test: str
    rule: str
    decide: Callable[[Evidence], Judgement]


@dataclass(frozen=True)
class Outcome:
    """A prediction with its verdict and the numbers, or the lack of them, behind it."""

    prediction: Prediction
    verdict: Verdict
    why: str


def judge_mechanism(
    mechanism: pd.DataFrame | None, controls: pd.DataFrame | None = None
) -> list[Outcome]:
    """Decide every prediction from the scores of the study of the mechanism.

    The gate is that of the ledger: U-bound above L-bound in the pairs, and the study of controls.
    """
    if mechanism is None:
        missing = "not run: the study of the mechanism"
        return [Outcome(one, "undecided", missing) for one in PREDICTIONS]
    gate = Gate(mechanism, bench_of(controls))
    evidence = Evidence(mechanism, closed=gate.closed)
    refused = gate.refusal(gate.pairs)
    if len(gate.pairs) < MINIMUM_PAIRS:
        refused = Judgement("undecided", f"it takes {MINIMUM_PAIRS} pairs of clinics")
    found = [(one, refused or one.decide(evidence)) for one in PREDICTIONS]
    return [Outcome(one, *judgement) for one, judgement in found]


def most_of(parts: Sequence[tuple[Gain, Gain]]) -> Callable[[Evidence], Judgement]:
    """Holds if each first gain is more than half of the second one, fails if one is less."""
    return _compared(parts, lambda one: one.better, lambda one: one.worse)


def little_of(parts: Sequence[tuple[Gain, Gain]]) -> Callable[[Evidence], Judgement]:
    """Holds if each first gain is less than half of the second one, fails if one is more."""
    return _compared(parts, lambda one: one.worse, lambda one: one.better)


def _compared(
    parts: Sequence[tuple[Gain, Gain]],
    for_it: Callable[[Contrast], bool],
    against: Callable[[Contrast], bool],
) -> Callable[[Evidence], Judgement]:
    def decide(evidence: Evidence) -> Judgement:
        if short := _shortfall(evidence, [arm for part in parts for gain in part for arm in gain]):
            return Judgement("undecided", short)
        gains = [evidence.contrast(*whole, evidence.pairs) for _, whole in parts]
        kept = [part for part, gain in zip(parts, gains, strict=True) if gain.better]
        if not kept:
            return Judgement("undecided", f"there is no gain to explain: {lines(gains)}")
        tests = [_excess(evidence, *part) for part in kept]
        why = lines([*gains, *tests])
        if all(for_it(one) for one in tests):
            return Judgement("holds", why)
        if any(against(one) for one in corrected(tests)):
            return Judgement("fails", why)
        return Judgement("undecided", f"not enough power: {why}")

    return decide


def _excess(evidence: Evidence, part: Gain, whole: Gain) -> Contrast:
    """The gain of ``part`` minus half of the gain of ``whole``."""
    weights: dict[str, float] = {}
    for (arm, baseline), share in ((part, 1.0), (whole, -MOST)):
        weights[arm] = weights.get(arm, 0) + share
        weights[baseline] = weights.get(baseline, 0) - share
    name = f"({' - '.join(part)}) - {MOST:g} ({' - '.join(whole)})"
    return evidence.weighted(name, weights, evidence.pairs)


def instance_norm_is_better(evidence: Evidence) -> Judgement:
    """Holds if L-bound with instance norm is better than with batch norm, fails if it is worse."""
    if short := _shortfall(evidence, [LOWER_IN, LOWER]):
        return Judgement("undecided", short)
    found = evidence.contrast(LOWER_IN, LOWER, evidence.pairs)
    if found.better:
        return Judgement("holds", str(found))
    if found.worse or found.same:
        return Judgement("fails", str(found))
    return Judgement("undecided", f"not enough power: {found}")


def _shortfall(evidence: Evidence, arms: Sequence[str]) -> str:
    return evidence.shortfall(list(dict.fromkeys(arms)), evidence.pairs)


_OTHERWISE = "Undecided if neither, or if there is no gain to explain."
_MOST = f"Holds: it is more than {MOST:.0%} of it. Fails: it is less. {_OTHERWISE}"
_LITTLE = f"Holds: it is less than {MOST:.0%} of it. Fails: it is more. {_OTHERWISE}"

PREDICTIONS: tuple[Prediction, ...] = (
    Prediction(
        "M1",
        "Without its adversary ADA gains most of what it gains.",
        f"({ADA_0} - {LOWER}) against ({ADA} - {LOWER}), Dice, pairs pooled.",
        _MOST,
        most_of([((ADA_0, LOWER), (ADA, LOWER))]),
    ),
    Prediction(
        "M2",
        "A student of an AdaBN teacher gains most of what AdaBN gains.",
        f"({KD_FROM_ADABN} - {LOWER}) against ({ADABN} - {LOWER}), Dice, pairs pooled.",
        _MOST,
        most_of([((KD_FROM_ADABN, LOWER), (ADABN, LOWER))]),
    ),
    Prediction(
        "M3",
        "Without scans of the target KD gains little.",
        f"({KD_NO_TARGET} - {LOWER}) against ({KD} - {LOWER}), Dice, pairs pooled.",
        _LITTLE,
        little_of([((KD_NO_TARGET, LOWER), (KD, LOWER))]),
    ),
    Prediction(
        "M4",
        "With instance norm in place of batch norm KD and ADA gain little.",
        f"({KD_IN} - {LOWER_IN}) against ({KD} - {LOWER}), and ({ADA_IN} - {LOWER_IN}) against"
        f" ({ADA} - {LOWER}), Dice, pairs pooled; only of a method that gains with batch norm.",
        f"Holds: each is less than {MOST:.0%} of the other. Fails: one is more. {_OTHERWISE}",
        little_of([((KD_IN, LOWER_IN), (KD, LOWER)), ((ADA_IN, LOWER_IN), (ADA, LOWER))]),
    ),
    Prediction(
        "M5",
        "L-bound with instance norm is better than with batch norm.",
        f"{LOWER_IN} - {LOWER}, Dice, pairs pooled.",
        f"Holds: it is better. Fails: it is worse, or the same within {MARGIN:g} Dice. Else"
        " undecided.",
        instance_norm_is_better,
    ),
    Prediction(
        "M6",
        "A teacher that trains on and then gets the target's statistics gains most of what ADA"
        " gains.",
        f"({CONTINUED_ADABN} - {LOWER}) against ({ADA} - {LOWER}), Dice, pairs pooled.",
        _MOST,
        most_of([((CONTINUED_ADABN, LOWER), (ADA, LOWER))]),
    ),
    Prediction(
        "M7",
        "Without softening (T = 1) KD gains most of what it gains.",
        f"({KD_1} - {LOWER}) against ({KD} - {LOWER}), Dice, pairs pooled.",
        _MOST,
        most_of([((KD_1, LOWER), (KD, LOWER))]),
    ),
)

MECHANISM_RULES = (
    f"The study needs {MINIMUM_PAIRS} pairs of clinics and {MINIMUM_SEEDS} seeds. The gate before"
    " the predictions is that of the claims. Pairs are pooled.",
    f'A gain is the difference to {LOWER}. "More" and "less" are said of a gain minus {MOST:.0%} of'
    f" another, with p < {ALPHA:g}. A prediction is tested only where the other gain is itself"
    ' better than nothing. Where several tests must hold, each is taken without correction; "fails"'
    " takes p after Holm.",
)
