"""The claims that rest on differences of Dice which the paper prints, their tests and rules.

The numbers in the rules come from the constants that the tests use.
"""

from kdlib.evidence import decisions
from kdlib.evidence.claim import WITHIN, Claim
from kdlib.evidence.decisions import S_TO_U, U_TO_S, better
from kdlib.evidence.statistics import MARGIN

_PRINTED = f"half the printed difference, at most {WITHIN}"
_BETTER_RULE = (
    "Reproduced: {better} is better. Contradicted: it is worse, or the same within "
    f"{_PRINTED}. Else undecided."
)

PRINTED: tuple[Claim, ...] = (
    Claim(
        "1",
        "KD achieves higher Dice than the network trained on the source alone (L-bound).",
        "Abstract; Section 5; Table 2",
        "KD - L-bound, Dice, the six pairs pooled.",
        _BETTER_RULE.format(better="KD"),
        decisions.beats("KD", "L-bound"),
        printed=True,
    ),
    Claim(
        "2",
        "KD achieves higher Dice than ADA overall.",
        "Abstract; Section 5; Table 2",
        "KD - ADA, Dice, the six pairs pooled.",
        _BETTER_RULE.format(better="KD"),
        decisions.beats("KD", "ADA"),
        printed=True,
    ),
    Claim(
        "3",
        "KD beats ADA in every pair but those between Utrecht and Singapore.",
        "Section 4.3; Table 2",
        "KD - ADA, Dice, in each of the four other pairs.",
        "Reproduced: KD is better in all of them. Contradicted: in one it is worse, or the same"
        f" within half the difference printed for it, at most {WITHIN}. Else undecided.",
        decisions.kd_beats_ada_elsewhere,
        pairs=decisions.OTHER_PAIRS,
        printed=True,
    ),
    Claim(
        "4",
        "ADA beats KD from Utrecht to Singapore.",
        "Section 4.3; Table 2",
        "ADA - KD, Dice, Utrecht to Singapore.",
        _BETTER_RULE.format(better="ADA"),
        decisions.ada_beats_kd,
        pairs=U_TO_S,
        printed=True,
    ),
    Claim(
        "5",
        "From Singapore to Utrecht KD and ADA do not differ clearly.",
        "Section 4.3; Table 2",
        "KD - ADA, Dice, Singapore to Utrecht.",
        f"Reproduced: the same within {WITHIN}. Contradicted: the interval is beyond {MARGIN:g} on"
        " one side. Else undecided.",
        decisions.same_from_singapore,
        pairs=S_TO_U,
        printed=True,
    ),
    Claim(
        "6",
        "Labels from the target (U-bound) do better than both KD and ADA.",
        "Table 2",
        "U-bound - KD and U-bound - ADA, Dice, the six pairs pooled.",
        "Reproduced: U-bound is better than both. Contradicted: it is worse than one, or the same"
        f" within {_PRINTED}. Else undecided.",
        decisions.beaten_by_upper_bound,
        printed=True,
    ),
    Claim(
        "9",
        "Adapting to each scan alone, on the fly, is nearly as good as pooled adaptation.",
        "Section 4.3; Tables 2 and 3",
        "KD on the fly - KD and ADA on the fly - ADA, Dice, the six pairs pooled.",
        f"Reproduced: both are the same within {WITHIN}. Contradicted: one is beyond {MARGIN:g} on"
        " one side. Else undecided.",
        decisions.fly_as_pooled,
        printed=True,
    ),
    Claim(
        "10",
        "On the fly, KD beats ADA in most pairs.",
        "Section 4.3; Table 3",
        "KD on the fly - ADA on the fly, Dice, in each of the six pairs.",
        "Reproduced: KD is better in more than half of the judged pairs. Contradicted: in at least"
        " half it is worse, or the same within half the difference printed for it, at most"
        f" {WITHIN}. Else undecided.",
        decisions.kd_beats_ada_on_the_fly,
        printed=True,
    ),
    Claim(
        "11",
        "On the fly, ADA still beats KD from Utrecht to Singapore.",
        "Section 4.3",
        "ADA on the fly - KD on the fly, Dice, Utrecht to Singapore.",
        _BETTER_RULE.format(better="ADA"),
        better("ADA on the fly", "KD on the fly", U_TO_S),
        pairs=U_TO_S,
        printed=True,
    ),
    Claim(
        "14",
        "An ADA network as the teacher improves KD from Utrecht to Singapore.",
        "Section 5",
        "ADA then KD - KD, Dice, Utrecht to Singapore.",
        _BETTER_RULE.format(better="ADA then KD"),
        better("ADA then KD", "KD", U_TO_S),
        pairs=U_TO_S,
        printed=True,
    ),
    Claim(
        "15",
        "Labels from the target help in every pair: U-bound is above L-bound.",
        "Table 2",
        "U-bound - L-bound, Dice, in each of the six pairs.",
        "Reproduced: U-bound is better in all six. Contradicted: in one it is worse, or the same"
        f" within half the difference printed for it, at most {WITHIN}. Else undecided.",
        decisions.upper_bound_above,
        gated="nowhere",
        printed=True,
    ),
    Claim(
        "16",
        "ADA achieves higher Dice than the network trained on the source alone (L-bound).",
        "Table 2",
        "ADA - L-bound, Dice, the six pairs pooled.",
        _BETTER_RULE.format(better="ADA"),
        decisions.beats("ADA", "L-bound"),
        printed=True,
    ),
    Claim(
        "17",
        "On the fly, KD beats ADA from Singapore to Utrecht.",
        "Section 4.3; Table 3",
        "KD on the fly - ADA on the fly, Dice, Singapore to Utrecht.",
        _BETTER_RULE.format(better="KD"),
        better("KD on the fly", "ADA on the fly", S_TO_U),
        pairs=S_TO_U,
        printed=True,
    ),
    Claim(
        "22",
        "More unlabelled data helps.",
        "Section 3.1",
        "KD (ten scans of the target) - KD on the fly (the tested scan alone), Dice, the six pairs"
        " pooled. The two also differ in their steps and in how the student starts.",
        _BETTER_RULE.format(better="KD on ten scans"),
        better("KD", "KD on the fly"),
        printed=True,
    ),
)
