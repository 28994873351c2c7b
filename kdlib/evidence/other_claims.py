"""The claims that rest on no printed difference of Dice, their tests and rules.

The numbers in the rules come from the constants that the tests use.
"""

from kdlib.evidence import decisions, paper
from kdlib.evidence.claim import WITHIN, Claim
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

_SMALL = "lesions of {:g} to {:g} mm3".format(*VOLUMES_MM3["10_100"])
_LARGE = f"lesions above {VOLUMES_MM3['above_1000'][0]:g} mm3"
_HOT = "T from {:g} to {:g}".format(*RANGES[TEMPERATURE])
_UNPRINTED_RULE = (
    "Reproduced: {better} is better. Contradicted: it is worse, or the same within "
    f"{WITHIN}. Else undecided."
)
_MATCHED = (
    "In each subject as many of the most probable voxels are taken as there are lesion voxels, so"
    " that a cautious network is not read as a blind one."
)

OTHERS: tuple[Claim, ...] = (
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
        "12",
        "The temperature can be chosen on the source alone.",
        "Section 5",
        f"KD at {MINIMUM_VALUES} temperatures or more, {_HOT}, in {MINIMUM_PAIRS} pairs or more:"
        " the target Dice of the best temperature on the target less that of the best one on the"
        f" source. Both are chosen again in each of {SAMPLES} samples of subjects and of seeds."
        f" {RANGES_BECAUSE}",
        f"Reproduced: that loss is below {WITHIN}. Contradicted: it is beyond. Else undecided.",
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
        f"Reproduced: the interval of ADA's SD less KD's is above 0, that of KD's below {WITHIN}."
        f" Contradicted: the first is below 0 or the second above {MARGIN:g}. Else undecided.",
        judge_tuning,
        gated="sweeps",
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
)
