"""The claim ledger: every testable claim of the paper, its test, and the rule of its verdict.

The numbers in the rules come from the constants that the tests use.
"""

from kdlib.evidence import decisions, errata, paper
from kdlib.evidence.claim import Claim
from kdlib.evidence.decisions import S_TO_U, U_TO_S, better
from kdlib.evidence.folds import judge_dependence
from kdlib.evidence.home import judge_at_home
from kdlib.evidence.statistics import MARGIN
from kdlib.evidence.sweeps import (
    MINIMUM_PAIRS,
    MINIMUM_VALUES,
    RANGES,
    RANGES_BECAUSE,
    TEMPERATURE,
    judge_tuning,
)
from kdlib.evidence.temperature import SAMPLES, judge_temperature
from kdlib.scores.strata import PERIVENTRICULAR_MM, VOLUMES_MM3

_MARGIN = f"{MARGIN:g} Dice"
_PRINTED = f"half the printed difference, at most {_MARGIN}"
_SMALL = "lesions of {:g} to {:g} mm3".format(*VOLUMES_MM3["10_100"])
_LARGE = f"lesions above {VOLUMES_MM3['above_1000'][0]:g} mm3"
_HOT = "T from {:g} to {:g}".format(*RANGES[TEMPERATURE])
_BETTER_RULE = (
    "Reproduced: {better} is better. Contradicted: it is worse, or the same within "
    f"{_PRINTED}. Else undecided."
)
_UNPRINTED_RULE = (
    "Reproduced: {better} is better. Contradicted: it is worse, or the same within "
    f"{_MARGIN}. Else undecided."
)
_MATCHED = (
    "In each subject as many of the most probable voxels are taken as there are lesion voxels, so"
    " that a cautious network is not read as a blind one."
)


def _erratum(number: str, test: str, rule: str, decide: decisions.Decision) -> Claim:
    erratum = next(one for one in paper.ERRATA if one.number == number)
    return Claim(number, erratum.printed, erratum.place, test, rule, decide, gated="nowhere")


LEDGER: tuple[Claim, ...] = (
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
        f" within half the difference printed for it, at most {_MARGIN}. Else undecided.",
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
        f"Reproduced: the same within {_MARGIN}. Contradicted: the interval is beyond {MARGIN:g} on"
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
        "7",
        "KD's gain over ADA lies in small lesions.",
        "Section 4.3; Table 4",
        f"KD - ADA, recall of {_SMALL}, and that recall less the recall of {_LARGE}; precision of"
        f" {_SMALL} beside them; six pairs pooled. {_MATCHED}",
        "Reproduced: KD is better in both, and not worse in precision. Contradicted: in one it is"
        f" worse, or the same within {MARGIN:g}; or it is worse in precision. Else undecided.",
        decisions.located_gain("10_100", "above_1000"),
    ),
    Claim(
        "8",
        "KD's gain over ADA lies in the deep white matter.",
        "Section 4.3; Table 4",
        "KD - ADA, recall of deep lesions, and that recall less the recall of periventricular ones"
        f" (within {PERIVENTRICULAR_MM:g} mm of a ventricle); precision of deep lesions beside"
        f" them; six pairs pooled. {_MATCHED}",
        "As claim 7.",
        decisions.located_gain("deep", "periventricular"),
    ),
    Claim(
        "9",
        "Adapting to each scan alone, on the fly, is nearly as good as pooled adaptation.",
        "Section 4.3; Tables 2 and 3",
        "KD on the fly - KD and ADA on the fly - ADA, Dice, the six pairs pooled.",
        f"Reproduced: both are the same within {_MARGIN}. Contradicted: one is beyond {MARGIN:g} on"
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
        f" {_MARGIN}. Else undecided.",
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
        "12",
        "The temperature can be chosen on the source alone.",
        "Section 5",
        f"KD at {MINIMUM_VALUES} temperatures or more, {_HOT}, in {MINIMUM_PAIRS} pairs or more:"
        " the target Dice of the best temperature on the target less that of the best one on the"
        f" source. Both are chosen again in each of {SAMPLES} samples of subjects and of seeds."
        f" {RANGES_BECAUSE}",
        f"Reproduced: that loss is below {_MARGIN}. Contradicted: it is beyond. Else undecided.",
        judge_temperature,
        gated="sweeps",
    ),
    Claim(
        "13",
        "KD needs no tuning for each data set, while ADA does.",
        "Abstract; Section 5",
        f"The SD of the mean Dice over settings, seeds' own variance taken off: of KD over {_HOT},"
        " and of ADA over discriminator width ({:g} to {:g}) and weight ({:g} to {:g}),".format(
            *RANGES["discriminator_width"], *RANGES["adversarial_weight"]
        )
        + f" {MINIMUM_VALUES} values each or more, {MINIMUM_PAIRS} pairs or more. Settings that"
        f" stand in two sweeps count once. {RANGES_BECAUSE}",
        f"Reproduced: the interval of ADA's SD less KD's is above 0, that of KD's below {_MARGIN}."
        f" Contradicted: the first is below 0 or the second above {MARGIN:g}. Else undecided.",
        judge_tuning,
        gated="sweeps",
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
        f" within half the difference printed for it, at most {_MARGIN}. Else undecided.",
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
        "18",
        "Large lesions are segmented equally well by KD and ADA.",
        "Section 4.3; Table 4",
        f"KD - ADA, the share of the voxels of {_LARGE} that are found, the six pairs pooled."
        f" {_MATCHED}",
        f"Reproduced: the same within {MARGIN:g}. Contradicted: the interval is beyond {MARGIN:g}"
        " on one side. Else undecided.",
        decisions.same_on_large_lesions,
    ),
    Claim(
        "19",
        "Soft labels teach the student more than hard labels would.",
        "Section 3.1",
        "KD - KD on hard labels, Dice, the pairs of the study of the mechanism pooled.",
        _UNPRINTED_RULE.format(better="KD"),
        decisions.soft_beats_hard,
        gated="mechanism",
    ),
    Claim(
        "20",
        "The student becomes better than its teacher at home.",
        "Section 3.1",
        f"KD at T = {paper.TEMPERATURE:g} - its teacher, Dice, the source's own test subjects, the"
        " three sources pooled.",
        _UNPRINTED_RULE.format(better="the student"),
        judge_at_home,
        gated="nowhere",
    ),
    Claim(
        "21",
        "It matters little which scans of the target a network is adapted to.",
        "Section 4.3",
        "KD - L-bound and ADA - L-bound, Dice: the variance of the mean gain between the two sets"
        " of target scans (folds), averaged over the six pairs, less what subjects alone would"
        " give.",
        f"Reproduced: for both methods the interval is below {MARGIN:g} squared. Contradicted: for"
        " one it is beyond. Else undecided.",
        judge_dependence,
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
    Claim(
        "23",
        "KD falls behind from Utrecht to Singapore because the people differ, and not only the"
        " scanners.",
        "Section 5",
        "KD - ADA, Dice, from Utrecht to a clinic of Singapore's people on Utrecht's scanner, and"
        " to one of Utrecht's people on Singapore's scanner. No study here has these clinics.",
        "Undecided, as it was not run.",
        decisions.demographic_failure,
        gated="nowhere",
    ),
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
