"""From a study's scores to a verdict on every claim of the ledger, and the rules for all of them.

The claims stand in ``ledger.py``, the gate before them in ``bench.py``. All tests and rules were
written before the results of the studies that they judge.
"""

from collections.abc import Iterable

import pandas as pd

from kdlib.evidence.bench import GATE_RULES, Gate, bench_of
from kdlib.evidence.claim import Claim, Ruling
from kdlib.evidence.contrast import ALPHA, MINIMUM_SEEDS
from kdlib.evidence.crossed import LEVEL
from kdlib.evidence.evidence import Evidence
from kdlib.evidence.ledger import LEDGER
from kdlib.evidence.power import DECIDABLE, Expected, expected
from kdlib.evidence.sweeps import swept_pairs, with_sweeps
from kdlib.evidence.verdicts import Judgement

GENERAL_RULES = (
    f"A claim over all pairs needs the six pairs, and every claim needs at least {MINIMUM_SEEDS}"
    " seeds. With less it is undecided.",
    *GATE_RULES,
    "Subjects and seeds are both random. A test compares the two arms for each subject and each"
    " seed, averaged over sources where pairs are pooled. Its uncertainty is that of the seeds'"
    " means, plus what the subjects' means vary more than the interaction explains, and never less"
    " than over subjects alone.",
    f'"Better" and "worse" mean p < {ALPHA:g} in that test after Holm\'s correction. The single'
    " pairs' KD - L-bound, ADA - L-bound and KD - ADA are one family, and the three pooled ones"
    " are another. Any other claim with several tests is a family of its own.",
    "Where a claim needs several tests to be better, all of them, each is taken without correction:"
    " all would have to err at once. Where one that is worse is enough, the correction stands.",
    f'"The same" means within a margin by two one-sided tests at {ALPHA:.0%}. "Beyond" and "below"'
    f" a margin are said of the whole {LEVEL:.0%} interval. A method that is better by less than"
    " the margin is better.",
    "A claim is undecidable here, and not undecided, if fewer than"
    f" {DECIDABLE:.0%} of the studies of this design would decide it where the paper's tables are"
    " exactly true.",
    "Without any spread, nothing is tested, and the claim is undecided.",
)


def judge(
    scores: pd.DataFrame,
    *,
    teachers: pd.DataFrame | None = None,
    controls: pd.DataFrame | None = None,
    mechanism: pd.DataFrame | None = None,
) -> list[Ruling]:
    """Decide every claim, in the ledger's order.

    Args:
        scores: the frame of the study's ``scores.csv``, with its sweeps if it has any.
        teachers: the frame of its ``teachers.csv``.
        controls: the scores of the study of controls. Without them the bench is not tested.
        mechanism: the scores of the study of the mechanism, for the claims that need its arms, or
            its sweeps where the study has none.
    """
    court = _Court(with_sweeps(scores, mechanism), teachers, controls, mechanism)
    foreseen = court.foreseen(LEDGER)
    return [court.ruling(claim, foreseen.get(claim.number)) for claim in LEDGER]


class _Court:
    """The evidence of the studies, and the gates before it."""

    def __init__(
        self,
        scores: pd.DataFrame,
        teachers: pd.DataFrame | None,
        controls: pd.DataFrame | None,
        mechanism: pd.DataFrame | None,
    ) -> None:
        bench = bench_of(controls)
        self.gate, self.inner_gate, inner = Gate(scores, bench), None, None
        if mechanism is not None:
            self.inner_gate = Gate(mechanism, bench)
            inner = Evidence(mechanism, closed=self.inner_gate.closed)
        self.all = Evidence(scores, teachers=teachers, mechanism=inner)
        self.judged = Evidence(scores, closed=self.gate.closed, teachers=teachers, mechanism=inner)
        self.swept = swept_pairs(scores)

    def evidence(self, claim: Claim) -> Evidence:
        """What the claim is judged by."""
        return self.all if claim.gated == "nowhere" else self.judged

    def refusal(self, claim: Claim) -> Judgement | None:
        """What the gate says against judging the claim; None if nothing."""
        if claim.gated == "mechanism":
            gate = self.inner_gate
            return None if gate is None else gate.refusal(gate.pairs)
        if claim.gated == "sweeps":
            return self.gate.refusal(self.swept) if self.swept else None
        return self.gate.refusal(claim.pairs) if claim.gated == "pairs" else None

    def foreseen(self, claims: Iterable[Claim]) -> dict[str, Expected]:
        """What is expected of the claims that are judged and of which the paper prints numbers."""
        drawn = [one for one in claims if one.printed and self.refusal(one) is None]
        found: dict[str, Expected] = {}
        for evidence in (self.judged, self.all):
            of_these = {one.number: one.decide for one in drawn if self.evidence(one) is evidence}
            found |= expected(evidence, of_these) if of_these else {}
        return found

    def ruling(self, claim: Claim, foreseen: Expected | None) -> Ruling:
        """A claim that the design would mostly leave open is not undecided but undecidable here."""
        if (refused := self.refusal(claim)) is not None:
            return Ruling(claim, *refused)
        verdict, why = claim.decide(self.evidence(claim))
        if verdict == "undecided" and foreseen is not None and not foreseen.decides:
            verdict = "undecidable here"
        note = self.gate.note(claim.pairs) if claim.gated == "pairs" else ""
        return Ruling(claim, verdict, why + note, foreseen)
