"""The claim ledger: every testable claim of the paper, and how its verdict is reached.

All claims, tests and rules stand here, and were written before any result was looked at. The tests
behind "better" and "the same" were changed later, with the results in view: they had counted
subjects alone. Verdicts are computed from a study's scores. ``GENERAL_RULES`` hold for all of them.
"""

from dataclasses import dataclass

import pandas as pd

from kdlib.evidence import decisions, paper
from kdlib.evidence.crossed import LEVEL
from kdlib.evidence.power import DECIDABLE, Expected, expected
from kdlib.evidence.sweeps import judge_temperature, judge_tuning
from kdlib.evidence.verdicts import ALPHA, MINIMUM_SEEDS, Evidence, Judgement, Verdict

PRINTED = ("1", "2", "3", "4", "5", "6", "9", "10", "11", "14")

GENERAL_RULES = (
    f"A claim over all pairs needs the six pairs, and every claim needs at least {MINIMUM_SEEDS}"
    " seeds. With less it is undecided.",
    "Subjects and seeds are both random. A test compares the two arms for each subject and each"
    " seed, averaged over sources where pairs are pooled. Its uncertainty is that of the seeds'"
    " means, plus what the subjects' means vary more than the interaction explains, and never less"
    " than over subjects alone.",
    f'"Better" and "worse" mean p < {ALPHA:g} in that test after Holm\'s correction. The single'
    " pairs' KD - L-bound, ADA - L-bound and KD - ADA are one family, and the three pooled ones"
    " are another. Any other claim with several tests is a family of its own.",
    f'"The same" means within a margin by two one-sided tests at {ALPHA:.0%}. "Beyond" and "below"'
    f" a margin are said of the whole {LEVEL:.0%} interval. A method that is better by less than"
    " the margin is better.",
    "A claim is undecidable here, and not undecided, if fewer than"
    f" {DECIDABLE:.0%} of the studies of this design would decide it where the paper's tables are"
    " exactly true.",
    "Without any spread, nothing is tested, and the claim is undecided.",
)


@dataclass(frozen=True)
class Claim:
    """A claim of the paper: where it stands, the test that decides it, the rule of its verdict."""

    number: str
    claim: str
    place: str
    test: str
    rule: str
    decide: decisions.Decision

    @property
    def printed(self) -> bool:
        """Whether the paper prints the differences that decide it, so that studies can be drawn."""
        return self.number in PRINTED


@dataclass(frozen=True)
class Ruling:
    """A claim with its verdict in one study, and the numbers or the lack of them behind it."""

    claim: Claim
    verdict: Verdict
    why: str
    expected: Expected | None = None

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


def judge(scores: pd.DataFrame) -> list[Ruling]:
    """Decide every claim from a frame of a study's ``scores.csv``, in the ledger's order."""
    evidence = Evidence(scores)
    foreseen = expected(evidence, {one.number: one.decide for one in LEDGER if one.printed})
    return [_ruling(claim, claim.decide(evidence), foreseen.get(claim.number)) for claim in LEDGER]


def _ruling(claim: Claim, judgement: Judgement, foreseen: Expected | None) -> Ruling:
    """A claim that the design would mostly leave open is not undecided but undecidable here."""
    verdict, why = judgement
    if verdict == "undecided" and foreseen is not None and not foreseen.decides:
        verdict = "undecidable here"
    return Ruling(claim, verdict, why, foreseen)


def _erratum(number: str, test: str, rule: str, decide: decisions.Decision) -> Claim:
    erratum = next(one for one in paper.ERRATA if one.number == number)
    return Claim(number, erratum.printed, erratum.place, test, rule, decide)


# --- The ledger ---------------------------------------------------------------------------------

_BETTER_RULE = (
    "Reproduced: {better} is better. Contradicted: it is worse, or the same within half the printed"
    " difference, at most 0.02 Dice. Else undecided."
)

LEDGER: tuple[Claim, ...] = (
    Claim(
        "1",
        "KD achieves higher Dice than the network trained on the source alone (L-bound).",
        "Abstract; Section 5; Table 2",
        "KD - L-bound, Dice, the six pairs pooled.",
        _BETTER_RULE.format(better="KD"),
        decisions.kd_beats("L-bound"),
    ),
    Claim(
        "2",
        "KD achieves higher Dice than ADA overall.",
        "Abstract; Section 5; Table 2",
        "KD - ADA, Dice, the six pairs pooled.",
        _BETTER_RULE.format(better="KD"),
        decisions.kd_beats("ADA"),
    ),
    Claim(
        "3",
        "KD beats ADA in every pair but those between Utrecht and Singapore.",
        "Section 4.3; Table 2",
        "KD - ADA, Dice, in each of the four other pairs.",
        "Reproduced: KD is better in all four. Contradicted: in one it is worse, or the same within"
        " half the difference printed for it, at most 0.02 Dice. Else undecided.",
        decisions.kd_beats_ada_elsewhere,
    ),
    Claim(
        "4",
        "ADA beats KD from Utrecht to Singapore.",
        "Section 4.3; Table 2",
        "ADA - KD, Dice, Utrecht to Singapore.",
        _BETTER_RULE.format(better="ADA"),
        decisions.ada_beats_kd,
    ),
    Claim(
        "5",
        "From Singapore to Utrecht KD and ADA do not differ clearly.",
        "Section 4.3; Table 2",
        "KD - ADA, Dice, Singapore to Utrecht.",
        "Reproduced: the same within 0.02 Dice. Contradicted: the interval is beyond 0.02 on"
        " one side. Else undecided.",
        decisions.same_from_singapore,
    ),
    Claim(
        "6",
        "Labels from the target (U-bound) do better than both KD and ADA.",
        "Table 2",
        "U-bound - KD and U-bound - ADA, Dice, the six pairs pooled.",
        "Reproduced: U-bound is better than both. Contradicted: it is worse than one, or the same"
        " within half the printed difference, at most 0.02 Dice. Else undecided.",
        decisions.beaten_by_upper_bound,
    ),
    Claim(
        "7",
        "KD's gain over ADA lies in small lesions.",
        "Section 4.3; Table 4",
        "KD - ADA, recall of lesions of 10 to 100 mm3, and that recall less the recall of lesions"
        " above 1000 mm3; precision of lesions of 10 to 100 mm3 beside them; six pairs pooled.",
        "Reproduced: KD is better in both, and not worse in precision. Contradicted: in one it is"
        " worse, or the same within 0.02; or it is worse in precision. Else undecided.",
        decisions.located_gain("10_100", "above_1000"),
    ),
    Claim(
        "8",
        "KD's gain over ADA lies in the deep white matter.",
        "Section 4.3; Table 4",
        "KD - ADA, recall of deep lesions, and that recall less the recall of periventricular ones"
        " (within 10 mm of a ventricle); precision of deep lesions beside them; six pairs pooled.",
        "As claim 7.",
        decisions.located_gain("deep", "periventricular"),
    ),
    Claim(
        "9",
        "Adapting to each scan alone, on the fly, is nearly as good as pooled adaptation.",
        "Section 4.3; Tables 2 and 3",
        "KD on the fly - KD and ADA on the fly - ADA, Dice, the six pairs pooled.",
        "Reproduced: both are the same within 0.02 Dice. Contradicted: one is beyond 0.02 on"
        " one side. Else undecided.",
        decisions.fly_as_pooled,
    ),
    Claim(
        "10",
        "On the fly, KD beats ADA in most pairs.",
        "Section 4.3; Table 3",
        "KD on the fly - ADA on the fly, Dice, in each of the six pairs.",
        "Reproduced: KD is better in at least four. Contradicted: in at least three it is worse, or"
        " the same within half the difference printed for it, at most 0.02 Dice. Else undecided.",
        decisions.kd_beats_ada_on_the_fly,
    ),
    Claim(
        "11",
        "On the fly, ADA still beats KD from Utrecht to Singapore.",
        "Section 4.3",
        "ADA on the fly - KD on the fly, Dice, Utrecht to Singapore.",
        _BETTER_RULE.format(better="ADA"),
        decisions.ada_beats_kd_on_the_fly,
    ),
    Claim(
        "12",
        "The temperature can be chosen on the source alone.",
        "Section 5",
        "KD at three temperatures or more from 1 to 10, three pairs or more: the target Dice of the"
        " best temperature on the target less that of the best temperature on the source.",
        "Reproduced: that loss is below 0.02 Dice. Contradicted: it is beyond. Else undecided.",
        lambda evidence: judge_temperature(evidence.scores),
    ),
    Claim(
        "13",
        "KD needs no tuning for each data set, while ADA does.",
        "Abstract; Section 5",
        "The SD of the mean Dice over settings, seeds' own variance taken off: of KD over T from 1"
        " to 10, and of ADA over discriminator width and weight, three values each or more, three"
        " pairs or more.",
        "Reproduced: the interval of ADA's SD less KD's is above 0, that of KD's below 0.02 Dice."
        " Contradicted: the first is below 0 or the second above 0.02. Else undecided.",
        lambda evidence: judge_tuning(evidence.scores),
    ),
    Claim(
        "14",
        "An ADA network as the teacher improves KD from Utrecht to Singapore.",
        "Section 5",
        "ADA then KD - KD, Dice, Utrecht to Singapore.",
        _BETTER_RULE.format(better="ADA then KD"),
        decisions.adversarial_teacher,
    ),
    _erratum(
        "E1",
        "Each number in brackets against the largest variance that 20 scores in [0, 1] with that"
        " mean can have.",
        "Contradicted: one is above 90 % of it, so that nearly every Dice would be 0 or 1. Else"
        " undecided.",
        decisions.not_variances,
    ),
    _erratum(
        "E2",
        "In every pair of Tables 2 and 3, the bold mean against the other method's.",
        "Contradicted: a bold mean is the lower one. Else reproduced.",
        decisions.bold_is_better,
    ),
    _erratum(
        "E3",
        "The arms that Tables 2 and 3 mark as significant.",
        "Contradicted: none is L-bound. Else undecided. Claim 1 makes the test.",
        decisions.never_tested,
    ),
)
