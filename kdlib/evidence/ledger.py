"""The claim ledger: every testable claim of the paper, its test, and the rule of its verdict."""

from kdlib.evidence import decisions, errata, paper
from kdlib.evidence.claim import Claim
from kdlib.evidence.other_claims import OTHERS
from kdlib.evidence.printed_claims import PRINTED


def _erratum(number: str, test: str, rule: str, decide: decisions.Decision) -> Claim:
    erratum = next(one for one in paper.ERRATA if one.number == number)
    return Claim(number, erratum.printed, erratum.place, test, rule, decide, gated="nowhere")


ERRATA = (
    _erratum(
        "E1",
        "Each number in brackets against the largest variance that"
        f" {errata.SUBJECTS} scores in [0, 1] with that mean can have.",
        f"Contradicted: one is above {100 * errata.NEARLY_ALL:g} % of it, so that nearly every Dice"
        " would be 0 or 1. Else undecided.",
        errata.not_variances,
    ),
    _erratum(
        "E2",
        "In every pair of Tables 2 and 3, the bold mean against the other method's.",
        "Contradicted: a bold mean is the lower one. Else reproduced.",
        errata.bold_is_better,
    ),
    _erratum(
        "E3",
        "The arms that Tables 2 and 3 mark as significant.",
        "Contradicted: none is L-bound. Else undecided. Claim 1 makes the test.",
        errata.never_tested,
    ),
)
LEDGER: tuple[Claim, ...] = (
    *sorted((*PRINTED, *OTHERS), key=lambda claim: int(claim.number)),
    *ERRATA,
)
