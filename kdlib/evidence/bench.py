"""The gate: claims are judged only where the bench has shown that it can see a gain.

A pair of clinics is judged if U-bound is above L-bound in it. The study ``controls`` says whether
the bench as a whole can be trusted: it must call a gain that was made, and none where none can be.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from kdlib.evidence.comparisons import pair_name
from kdlib.evidence.contrast import ALPHA, MINIMUM_SEEDS, Contrast, corrected, lines
from kdlib.evidence.evidence import Evidence, Pairs
from kdlib.evidence.verdicts import NO_GAP, Judgement

LOWER, UPPER = "L-bound", "U-bound"

# The clinics and arms of the study ``controls``. In the bent clinics the intensities follow a fixed
# curve, which z-scores do not undo and histogram matching does. The other one is new people alone.
CONTROL_SOURCE = "utrecht"
BENT: Pairs = ((CONTROL_SOURCE, "utrecht-bent-mildly"), (CONTROL_SOURCE, "utrecht-bent"))
UNCHANGED: Pairs = ((CONTROL_SOURCE, "utrecht-again"),)
CURE = "histogram matching"
NEVER_BETTER = ("ADA", "KD", "AdaBN", CURE)

GATE_RULES = (
    f"A claim is judged only on pairs where {UPPER} is above {LOWER} by the pair's own one-sided"
    f" test at {ALPHA:.0%}. At least half of the pairs that the claim takes must be left. The"
    " families of tests hold these pairs alone.",
    "A claim is judged only if the study of controls does not speak against the bench. From"
    f" {CONTROL_SOURCE.capitalize()} to {' and to '.join(target for _, target in BENT)} {CURE} must"
    f" be better than {LOWER}. From there to {UNCHANGED[0][1]} none of {', '.join(NEVER_BETTER)}"
    f" may be better than {LOWER}, corrected over these {len(NEVER_BETTER)}. While that study lacks"
    f" {MINIMUM_SEEDS} seeds of these, this part of the gate is open, and the ledger says so.",
    f'If the gate is shut, the verdict is "{NO_GAP}". There is no gate before the claim that labels'
    " from the target help, nor before a claim that is not about the target.",
)


@dataclass(frozen=True)
class Bench:
    """What the study of controls says of the bench; ``open`` unless it speaks against it.

    ``found`` holds what was seen and the comparisons that show it. It is empty if the bench was
    not tested, and then ``untested`` says why.
    """

    open: bool = True
    found: tuple[tuple[str, tuple[Contrast, ...]], ...] = ()
    untested: str = ""

    @property
    def tested(self) -> bool:
        """Whether the controls have enough seeds to say something."""
        return bool(self.found)

    @property
    def why(self) -> str:
        """What was found, or why nothing was, as one line."""
        said = [f"{what}: {lines(contrasts)}" for what, contrasts in self.found]
        return "; and ".join(said) or self.untested


def bench_of(controls: pd.DataFrame | None) -> Bench:
    """Whether the made gains were called, and no gain where there is none to be had."""
    if controls is None:
        return Bench(untested="not run: the study of controls")
    evidence = Evidence(controls)
    for arms, pairs in (((LOWER, CURE), BENT), ((LOWER, *NEVER_BETTER), UNCHANGED)):
        if short := evidence.shortfall(arms, pairs):
            return Bench(untested=short)
    made = tuple(evidence.contrast(CURE, LOWER, (pair,)) for pair in BENT)
    none = tuple(corrected([evidence.contrast(arm, LOWER, UNCHANGED) for arm in NEVER_BETTER]))
    if missed := tuple(one for one in made if not one.better):
        return Bench(False, (("a gain that was made is not found", missed),))
    if invented := tuple(one for one in none if one.better):
        return Bench(False, (("a gain is found where there is none", invented),))
    return Bench(
        True,
        (
            ("the gains that were made are found", made),
            ("no gain is found where there is none", none),
        ),
    )


class Gate:
    """Which pairs of a study are judged, and why others are not."""

    def __init__(self, scores: pd.DataFrame, bench: Bench) -> None:
        """Test U-bound against L-bound in each pair of ``scores``."""
        self.bench = bench
        self._evidence = Evidence(scores)
        self.pairs = self._evidence.pairs
        self.gaps = gaps(self._evidence)
        self.closed = frozenset(pair for pair, gap in self.gaps.items() if not gap.above)

    def refusal(self, pairs: Pairs) -> Judgement | None:
        """Why a claim on these pairs cannot be judged; None if it can."""
        if short := self._evidence.shortfall((LOWER, UPPER), pairs):
            return Judgement("undecided", short)
        shut = [pair for pair in pairs if pair in self.closed]
        if 2 * len(shut) > len(pairs):
            return Judgement(NO_GAP, lines([self.gaps[pair] for pair in shut]))
        return None if self.bench.open else Judgement(NO_GAP, self.bench.why)

    def note(self, pairs: Pairs) -> str:
        """Which of these pairs are left out, as the end of a reason; empty if none is."""
        shut = [pair_name(*pair) for pair in pairs if pair in self.closed]
        return f"; without {', '.join(shut)}, where no gap is shown" if shut else ""


def gaps(evidence: Evidence) -> Mapping[tuple[str, str], Contrast]:
    """U-bound minus L-bound in each pair that has both with enough seeds."""
    return {
        pair: evidence.contrast(UPPER, LOWER, (pair,))
        for pair in evidence.pairs
        if not evidence.shortfall((LOWER, UPPER), (pair,))
    }
