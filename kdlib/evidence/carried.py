"""Do the findings of the simulated bench carry over to real scans? Rules, written before results.

A finding is what the study ``standard`` says of one comparison of two arms: better, worse or the
same. The study ``real`` makes the same comparison on real scans, with the same tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from kdlib.evidence.bench import LOWER, UPPER, Gate, bench_of
from kdlib.evidence.choosing import BEST_RULE
from kdlib.evidence.comparisons import POOLED, Patients, by_patient, gaps_closed
from kdlib.evidence.contrast import ALPHA, MINIMUM_SEEDS, Contrast, corrected, lines
from kdlib.evidence.direction import Direction, direction
from kdlib.evidence.evidence import Evidence
from kdlib.evidence.statistics import MARGIN
from kdlib.evidence.verdicts import NO_GAP, Judgement, count_of

REAL = "real"  # the study that is judged here, and the name of its target
# The arms that adapt without labels and are in both studies.
LABEL_FREE = ("AdaBN", "ADA", "KD", "ADA then KD", "ADA on the fly", "KD on the fly")
COMPARED = (
    *((arm, LOWER) for arm in LABEL_FREE),
    ("KD", "ADA"),
    ("KD", "AdaBN"),
    ("ADA then KD", "ADA"),
    ("ADA on the fly", "ADA"),
    ("KD on the fly", "KD"),
)
FINE_TUNING = "fine-tuning on"  # how the names of arms begin that see labels of the target
MOST = 0.5  # of what the simulation foretells
MINIMUM_ARMS = 4
MINIMUM_SPREAD = 0.05  # of the shares of the gap that the simulated arms close

Carried = Literal[
    "carries over", "does not carry over", "undecided", "no finding", "the bench shows no gap here"
]
Answer = Literal["yes", "in part", "no", "undecided", "the bench shows no gap here"]

RULES = (
    f"The real target is judged only if {UPPER} is above {LOWER} there, by a one-sided test at"
    f" {ALPHA:.0%}. In the simulation, pairs without such a gap are left out, and the gate of the"
    " claims must be open.",
    f"Both sides need {MINIMUM_SEEDS} seeds. Tests and margins are those of the claims. Holm's"
    f" correction is over the {len(COMPARED)} comparisons, on each side for itself. Several scans"
    " of one patient are averaged first: the subjects of the tests are patients.",
    "A comparison is a finding if the simulation calls it better, worse or the same (within"
    f" {MARGIN:g} Dice). It carries over if the real scans call it the same way. It does not carry"
    " over if they call it the other way, or the same where the simulation called it better or"
    " worse, or if the whole interval lies beyond the margin where the simulation called it the"
    " same. Else it is undecided.",
    "The order: each arm without labels closes a share of the simulated gap. The Dice of these arms"
    " on real scans is regressed on these shares. The order holds if the slope, as a share of the"
    f" real gap, is more than {MOST:g}, and fails if it is less, with p < {ALPHA:g}. It is"
    f" undecided with fewer than {MINIMUM_ARMS} arms, or if the standard deviation of the shares is"
    f" below {MINIMUM_SPREAD:g}.",
    "The answer is no if the order fails, or if at least half of the decided findings do not carry"
    " over. It is yes if the order holds, at least one finding carries over and every decided one"
    " does. It is in part if some carry over and some do not. Else it is undecided.",
    f"Two more arms are the two best of the study landscape. {BEST_RULE} They are added before the"
    " first run, each as it is in landscape. They count for the order alone.",
    "The starter, which comes with kdlib, is adapted to the real scans by kdlib's own tool, as a"
    " user would do it, with the seeds of the study. What it gains over the starter as it is stands"
    " beside the verdict, with the same tests. The verdict does not use it.",
)


@dataclass(frozen=True)
class Finding:
    """One comparison, what the simulation and the real scans say of it, and whether they agree."""

    name: str
    simulated: Direction
    real: Direction
    verdict: Carried
    why: str
    contrasts: tuple[Contrast, ...] = ()  # in the simulation, and on real scans


@dataclass(frozen=True)
class Verdict:
    """Whether the findings carry over.

    Attributes:
        answer: the answer to the whole question.
        order: whether the order of the arms holds.
        why: the reason for this, with the numbers of its test.
        findings: each comparison.
        shares: the share of the simulated gap that each arm of the order closes.
        slope: the test of the order: the slope on the real scans minus half of the real gap.
    """

    answer: Answer
    order: Literal["holds", "fails", "undecided", "the bench shows no gap here"]
    why: str
    findings: tuple[Finding, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    slope: Contrast | None = None


def judge_carried(
    real: pd.DataFrame,
    standard: pd.DataFrame,
    *,
    controls: pd.DataFrame | None = None,
    landscape: pd.DataFrame | None = None,
    patients: Patients | None = None,
) -> Verdict:
    """Whether what the simulated bench found holds on real scans.

    Args:
        real: the frame of ``scores.csv`` of the study ``real``.
        standard: that of the study ``standard``.
        controls: that of the study of controls, for its gate.
        landscape: that of the study ``landscape``, for the arms that only it has.
        patients: the patient of each (target, subject) who has more than one scan.
    """
    real = by_patient(real, patients or {})
    here, there = Gate(real, bench_of(None)), Gate(standard, bench_of(controls))
    for gate in (here, there):
        if refused := gate.refusal(gate.pairs):
            return _refused(refused)
    ours, theirs = (
        Evidence(part, closed=gate.closed) for part, gate in ((real, here), (standard, there))
    )
    findings = _findings(ours, theirs)
    more = None if landscape is None else with_a_gap(landscape).main
    shares = _of_the_order(ours, _shares(theirs.main, more))
    order, why, slope = _order(ours, shares)
    return Verdict(_answer(findings, order), order, why, findings, shares, slope)


def with_a_gap(scores: pd.DataFrame) -> Evidence:
    """A study on its pairs that have a gap between the bounds; on all, if none has one."""
    gate = Gate(scores, bench_of(None))
    return Evidence(scores, closed=gate.closed if set(gate.pairs) - gate.closed else ())


def _refused(refused: Judgement) -> Verdict:
    if refused.verdict == NO_GAP:
        return Verdict("the bench shows no gap here", "the bench shows no gap here", refused.why)
    return Verdict("undecided", "undecided", refused.why)


def _findings(ours: Evidence, theirs: Evidence) -> tuple[Finding, ...]:
    """Every comparison that both sides have made."""
    sides = []
    for evidence in (theirs, ours):
        made = [pair for pair in COMPARED if not evidence.shortfall(list(pair), evidence.pairs)]
        plain = [evidence.contrast(*pair, evidence.pairs) for pair in made]
        strict = corrected(plain) if plain else []
        sides.append(dict(zip(made, zip(plain, strict, strict=True), strict=True)))
    simulated, real = sides
    return tuple(_finding(pair, simulated.get(pair), real.get(pair)) for pair in COMPARED)


Tested = tuple[Contrast, Contrast] | None  # without and with Holm's correction


def _finding(pair: tuple[str, str], simulated: Tested, real: Tested) -> Finding:
    name = " - ".join(pair)
    if simulated is None or real is None:
        where = "in the simulation" if simulated is None else "on real scans"
        return Finding(name, "open", "open", "undecided", f"not run with enough seeds {where}")
    before, after = direction(*simulated), direction(*real)
    both = (simulated[0], real[0])
    return Finding(name, before, after, _agreement(before, after, real[0]), lines(both), both)


def _agreement(before: Direction, after: Direction, real: Contrast) -> Carried:
    if before == "open":
        return "no finding"
    if before == after:
        return "carries over"
    if before == "the same":
        return "does not carry over" if real.apart else "undecided"
    return "undecided" if after == "open" else "does not carry over"


def _shares(standard: pd.DataFrame, landscape: pd.DataFrame | None) -> dict[str, float]:
    """The share of the simulated gap that each arm closes; of arms of ``standard``, that one's."""
    shares: dict[str, float] = {}
    for scores in (standard, landscape):
        if scores is not None:
            arms = [arm for arm in scores["arm"].unique() if arm not in (LOWER, UPPER, *shares)]
            table = gaps_closed(scores, arms, LOWER, UPPER)
            table = table[table["source"] == POOLED]
            shares |= dict(zip(table["arm"], table["gap_closed"], strict=True))
    return {arm: share for arm, share in shares.items() if not np.isnan(share)}


def _of_the_order(real: Evidence, shares: Mapping[str, float]) -> dict[str, float]:
    """The ``shares`` of the arms without labels that were run on real scans."""
    run = set(real.main["arm"])
    return {
        arm: share
        for arm, share in shares.items()
        if arm in run and not arm.startswith(FINE_TUNING)
    }


def _order(
    real: Evidence, shares: Mapping[str, float]
) -> tuple[Literal["holds", "fails", "undecided"], str, Contrast | None]:
    """Whether the Dice of the arms on real scans follows the shares of the simulated gap."""
    if short := real.shortfall([LOWER, UPPER, *shares], real.pairs):
        return "undecided", short, None
    values = np.array(list(shares.values()))
    if len(shares) < MINIMUM_ARMS:
        return "undecided", f"{count_of(len(shares), 'arm')}; it takes {MINIMUM_ARMS}", None
    if values.std(ddof=1) < MINIMUM_SPREAD:
        alike = "in the simulation these arms close about the same share of the gap"
        return "undecided", alike, None
    away = values - values.mean()
    weights = dict(zip(shares, away / (away**2).sum(), strict=True))
    found = real.weighted(
        f"slope - {MOST:g} gap", weights | {UPPER: -MOST, LOWER: MOST}, real.pairs
    )
    if found.better or found.worse:
        return ("holds" if found.better else "fails"), str(found), found
    return "undecided", f"not enough power: {found}", found


def _answer(findings: Sequence[Finding], order: str) -> Answer:
    kept = sum(one.verdict == "carries over" for one in findings)
    lost = sum(one.verdict == "does not carry over" for one in findings)
    if order == "fails" or (lost and lost >= kept):
        return "no"
    if kept and lost:
        return "in part"
    return "yes" if kept and order == "holds" else "undecided"
