"""The tests behind the claim ledger: each takes the evidence and gives a judgement.

What is claimed, tested and required stands in words in the claims of ``ledger.py``.
"""

from collections.abc import Callable
from dataclasses import replace

from kdlib.evidence import paper
from kdlib.evidence.bench import LOWER, UPPER
from kdlib.evidence.contrast import Contrast, corrected, margin_of
from kdlib.evidence.evidence import Evidence, Pairs
from kdlib.evidence.mechanism import KD_HARD
from kdlib.evidence.verdicts import Judgement, all_better, all_the_same, most_better
from kdlib.scores.strata import LARGE_VOXELS, MATCHED

Decision = Callable[[Evidence], Judgement]

U_TO_S: Pairs = (("utrecht", "singapore"),)
S_TO_U: Pairs = (("singapore", "utrecht"),)
OTHER_PAIRS: Pairs = tuple(pair for pair in paper.PAIRS if pair not in U_TO_S + S_TO_U)


def beats(arm: str, baseline: str, pairs: Pairs = paper.PAIRS) -> Decision:
    """``arm`` against ``baseline`` in the pooled family."""
    return _one_better(lambda evidence: evidence.declared, arm, baseline, pairs)


def better(arm: str, baseline: str, pairs: Pairs = paper.PAIRS) -> Decision:
    """``arm`` against ``baseline`` over ``pairs``, a family of its own."""
    return _one_better(lambda evidence: evidence.contrast, arm, baseline, pairs)


def _one_better(
    test: Callable[[Evidence], Callable[..., Contrast]], arm: str, baseline: str, pairs: Pairs
) -> Decision:
    def decide(evidence: Evidence) -> Judgement:
        if short := evidence.shortfall([arm, baseline], pairs):
            return Judgement("undecided", short)
        margin = margin_of(paper.printed_difference(arm, baseline, evidence.judged(pairs)))
        return all_better([test(evidence)(arm, baseline, pairs, margin)])

    return decide


def upper_bound_above(evidence: Evidence) -> Judgement:
    """U-bound against L-bound in each pair."""
    arms = (UPPER, LOWER)
    if short := evidence.shortfall(arms):
        return Judgement("undecided", short)
    return all_better(_by_pair(evidence, arms))


def _by_pair(
    evidence: Evidence, arms: tuple[str, str], pairs: Pairs = paper.PAIRS
) -> list[Contrast]:
    """The contrast of two arms in each judged pair, with half the difference printed for it."""
    return [
        evidence.contrast(*arms, (pair,), margin_of(paper.printed_difference(*arms, (pair,))))
        for pair in evidence.judged(pairs)
    ]


def kd_beats_ada_elsewhere(evidence: Evidence) -> Judgement:
    """KD against ADA in each pair but those between Utrecht and Singapore."""
    if short := evidence.shortfall(["KD", "ADA"], OTHER_PAIRS):
        return Judgement("undecided", short)
    contrasts = _by_pair(evidence, ("KD", "ADA"), OTHER_PAIRS)
    declared = [
        evidence.declared("KD", "ADA", (pair,), one.margin)
        for pair, one in zip(evidence.judged(OTHER_PAIRS), contrasts, strict=True)
    ]
    return all_better(contrasts, declared)


def ada_beats_kd(evidence: Evidence) -> Judgement:
    """ADA against KD from Utrecht to Singapore, with the declared family's p."""
    if short := evidence.shortfall(["KD", "ADA"], U_TO_S):
        return Judgement("undecided", short)
    margin = margin_of(paper.printed_difference("ADA", "KD", U_TO_S))
    p = evidence.declared("KD", "ADA", U_TO_S).p
    return all_better([replace(evidence.contrast("ADA", "KD", U_TO_S, margin), p=p)])


def same_from_singapore(evidence: Evidence) -> Judgement:
    """KD and ADA nearly the same from Singapore to Utrecht."""
    if short := evidence.shortfall(["KD", "ADA"], S_TO_U):
        return Judgement("undecided", short)
    return all_the_same([evidence.declared("KD", "ADA", S_TO_U)])


def beaten_by_upper_bound(evidence: Evidence) -> Judgement:
    """U-bound against KD and against ADA, pooled."""
    if short := evidence.shortfall([UPPER, "KD", "ADA"]):
        return Judgement("undecided", short)
    margins = {
        arm: margin_of(paper.printed_difference(UPPER, arm, evidence.judged()))
        for arm in ("KD", "ADA")
    }
    return all_better(
        [evidence.contrast(UPPER, arm, paper.PAIRS, margin) for arm, margin in margins.items()]
    )


def located_gain(inside: str, outside: str) -> Decision:
    """KD's gain over ADA in the recall of a class of lesions, and above that in another.

    All at the true lesion volume of each subject.
    """

    def decide(evidence: Evidence) -> Judgement:
        recalls = [f"lesion_recall_{stratum}{MATCHED}" for stratum in (inside, outside)]
        precision = f"lesion_precision_{inside}{MATCHED}"
        for metric in (*recalls, precision):
            if short := evidence.shortfall(["KD", "ADA"], metric=metric):
                return Judgement("undecided", short)
        excess = f"{recalls[0]} - {recalls[1]}"
        table = evidence.main.assign(**{excess: lambda rows: rows[recalls[0]] - rows[recalls[1]]})
        gains = [
            Evidence(table).contrast("KD", "ADA", paper.PAIRS, metric=metric)
            for metric in (recalls[0], excess)
        ]
        bought = evidence.contrast("KD", "ADA", paper.PAIRS, metric=precision)
        verdict, why = all_better(gains)
        if bought.worse and verdict != "contradicted":
            return Judgement("contradicted", f"precision is worse: {bought} | {why}")
        return Judgement(verdict, f"{why} | {bought}")

    return decide


def fly_as_pooled(evidence: Evidence) -> Judgement:
    """On the fly nearly the same as pooled adaptation, for KD and for ADA."""
    if short := evidence.shortfall(["KD on the fly", "KD", "ADA on the fly", "ADA"]):
        return Judgement("undecided", short)
    return all_the_same(
        [evidence.contrast(f"{arm} on the fly", arm, paper.PAIRS) for arm in ("KD", "ADA")]
    )


def kd_beats_ada_on_the_fly(evidence: Evidence) -> Judgement:
    """KD against ADA on the fly, pair by pair."""
    arms = ("KD on the fly", "ADA on the fly")
    if short := evidence.shortfall(arms):
        return Judgement("undecided", short)
    return most_better(corrected(_by_pair(evidence, arms)))


def same_on_large_lesions(evidence: Evidence) -> Judgement:
    """KD and ADA in the share of large lesions that they find, at the true lesion volume."""
    metric = LARGE_VOXELS + MATCHED
    if short := evidence.shortfall(["KD", "ADA"], metric=metric):
        return Judgement("undecided", short)
    return all_the_same([evidence.contrast("KD", "ADA", paper.PAIRS, metric=metric)])


def soft_beats_hard(evidence: Evidence) -> Judgement:
    """KD against KD on hard labels, in the pairs of the mechanism study."""
    mechanism = evidence.mechanism
    if mechanism is None:
        return Judgement("undecided", "not run: the study of the mechanism")
    if short := mechanism.shortfall(["KD", KD_HARD], mechanism.pairs):
        return Judgement("undecided", short)
    return all_better([mechanism.contrast("KD", KD_HARD, mechanism.pairs)])


def demographic_failure(evidence: Evidence) -> Judgement:
    """No study here separates people from scanners."""
    return Judgement("undecided", "not run: clinics of other people on the same scanner")
