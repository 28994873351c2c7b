"""What a claim of the paper is, and what a verdict on it comes with."""

from dataclasses import dataclass
from typing import Literal

from kdlib.evidence.decisions import Decision
from kdlib.evidence.evidence import Pairs
from kdlib.evidence.paper import PAIRS
from kdlib.evidence.power import Expected
from kdlib.evidence.statistics import MARGIN
from kdlib.evidence.verdicts import NOT_RUN, Verdict

# Where U-bound must be above L-bound: in the claim's own pairs, in those of the sweeps, in those of
# the study of the mechanism, or nowhere.
Gated = Literal["pairs", "sweeps", "mechanism", "nowhere"]


WITHIN = f"{MARGIN:g} Dice"  # as rules say it


@dataclass(frozen=True)
class Claim:
    """A claim: where it stands, the test that decides it, the rule of its verdict.

    ``printed`` says whether the paper prints the differences that decide it, so that studies can be
    drawn in which they are true.
    """

    number: str
    claim: str
    place: str
    test: str
    rule: str
    decide: Decision
    pairs: Pairs = PAIRS
    gated: Gated = "pairs"
    printed: bool = False


@dataclass(frozen=True)
class Ruling:
    """A claim with its verdict in one study, and the numbers or the lack of them behind it."""

    claim: Claim
    verdict: Verdict
    why: str
    expected: Expected | None = None

    @property
    def run(self) -> bool:
        """Whether there were results to judge the claim by, enough or not."""
        return not self.why.startswith(NOT_RUN)

    @property
    def if_true(self) -> str:
        """What the design would answer if the paper were right; empty where that is not known."""
        if self.expected is None:
            return ""
        return " / ".join(map(str, self.expected[:3]))

    @property
    def seeds(self) -> str:
        """With how many seeds at least half of the drawn studies would be decided."""
        return "" if self.expected is None else self.expected.seeds
