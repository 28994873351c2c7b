"""Whether adapting is worth it, as the report of a study says it: a table and a few sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kdlib.evidence.comparisons import Patients, by_patient
from kdlib.evidence.contrast import MINIMUM_SEEDS, Contrast
from kdlib.evidence.statistics import MARGIN
from kdlib.evidence.verdicts import count_of
from kdlib.evidence.worth import Gain, gains, gap_of
from kdlib.methods import method_named
from kdlib.record.results import Results
from kdlib.report.words import rounded
from kdlib.study.arm import Arm, adapting, label_free, lower_bound, upper_bound
from kdlib.study.study import Study

# What is said of the arms with the other verdicts.
OTHERS = {
    "harms": "What harms",
    "changes almost nothing": "What changes almost nothing",
    "not clear": "Not clear",
}
COLUMNS = ["Arm", "Verdict", "Difference", "Low", "High", "Come off worse", "Subjects", "Seeds"]


def masks_needed(study: Study) -> int:
    """How many scans with masks a study takes: a half of them has all masks that an arm learns."""
    return 2 * max(arm.settings.get("subjects", 1) for arm in study.arms.values())


def labelled_arms(study: Study) -> list[str]:
    """The labels of the arms that learn from masks of the target, the upper bound first."""
    return [
        arm.label
        for arm in study.arms.values()
        if not arm.awaited and method_named(arm.method).reads_target_labels
    ]


@dataclass(frozen=True)
class Worth:
    """What a study says of adapting: the gains of its arms, by the labels of the arms.

    Attributes:
        without: the arms that see no label of the target.
        tuned: those that learn from some labels. The tests of each group are corrected by itself.
        gap: the upper bound minus the lower one; None if one of them was not run.
    """

    without: list[Gain]
    tuned: list[Gain]
    gap: Contrast | None


def worth_of(
    scores: pd.DataFrame, arms: Mapping[str, Arm], patients: Patients | None = None
) -> Worth | None:
    """Judge the arms of a study over all its pairs. None if it has no arm without adaptation.

    The scans of one of the ``patients`` count as one subject.
    """
    lower, upper = lower_bound(arms), upper_bound(arms)
    if lower is None:
        return None
    rows, free = by_patient(scores, patients or {}), label_free(arms)
    groups = (free, [name for name in adapting(arms) if name not in free])
    without, tuned = (
        [replace(one, arm=arms[one.arm].label) for one in gains(rows, group, lower)]
        for group in groups
    )
    return Worth(without, tuned, gap_of(rows, upper, lower) if upper else None)


def worth_table(found: Worth | None) -> pd.DataFrame:
    """Each row is one arm and what it changes against the lower bound, over all pairs.

    The columns are ``Arm``, ``Verdict``, ``Difference`` (in Dice), ``Low`` and ``High`` (the 95 %
    interval over subjects and trainings), ``Come off worse`` (a share of the subjects),
    ``Subjects`` and ``Seeds``.
    """
    rows = [
        (one.arm, one.worth, one.contrast.difference, one.contrast.low,
         one.contrast.high, one.worse, one.contrast.n, len(one.contrast.seed_means))
        for one in ([*found.without, *found.tuned] if found else [])
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS).round(6)


def worth_sentences(found: Worth | None) -> list[str]:
    """Whether something helps without labels, what harms, and how much more labels bring."""
    if found is None:
        return ["The study has no arm without adaptation to compare with."]
    if not found.without:
        return ["No arm can be compared with one that does not adapt."]
    seeds = max(len(one.contrast.seed_means) for one in found.without)
    if seeds < MINIMUM_SEEDS:
        return [f"With {count_of(seeds, 'seed')} nothing is clear; it takes {MINIMUM_SEEDS}."]
    said = [_best(found.without)]
    for worth, what in OTHERS.items():
        names = [one.arm for one in found.without if one.worth == worth]
        said += [f"{what}: {', '.join(names)}."] if names else []
    return [*said, *_with_labels(found)]


def _best(found: Sequence[Gain]) -> str:
    helpful = [one for one in found if one.worth == "helps"]
    # Below 0 an arm can only harm, even where its test is not clear once it is corrected.
    unclear = [one for one in found if one.worth == "not clear" and not one.contrast.high <= 0]
    best = max(helpful or unclear or found, key=lambda one: one.contrast.difference)
    size = f"{best.arm} changes the mean Dice by {_span(best.contrast)}"
    if helpful:
        return f"Adapting helps: {size}. {_worse(best)}"
    if not unclear:
        little = f", less than {MARGIN:g}" if best.worth == "changes almost nothing" else ""
        return f"Adapting does not help. At best {size}{little}."
    least = best.contrast.detectable
    needed = "" if np.isnan(least) else f" A difference of {least:.3f} would be found."
    return f"It is not clear whether adapting helps: {size}.{needed}"


def _worse(one: Gain) -> str:
    """How many subjects come off worse, in the mean of all trainings and with a single one."""
    worse = f"{one.worse:.0%} of the subjects come" if one.worse else "no subject comes"
    single = f"; with a single one, {one.worse_once:.0%} of them do" if one.worse_once else ""
    seeds = count_of(len(one.contrast.seed_means), "training")
    return f"In the mean of {seeds} {worse} off worse{single}."


def _with_labels(found: Worth) -> list[str]:
    """What a few labels of the target change, and what all of them do."""
    few = [f"{one.arm} by {_span(one.contrast)}" for one in found.tuned]
    said = (
        [f"Learning from a few labels of the target changes the mean Dice: {'; '.join(few)}."]
        if few
        else []
    )
    if found.gap is not None and not np.isnan(found.gap.low):
        said.append(
            "The upper bound, which learns from the source and all masks of a half together,"
            f" changes the mean Dice by {_span(found.gap)}. It is a yardstick and no ceiling."
        )
    return said


def labels_words(results: Results) -> str:
    """What the arm changes that gains most by labels of the target, in a sentence, or ""."""
    found = worth_of(results.all_scores, results.arms, results.patients)
    if found is None or not found.tuned:
        return ""
    most = max(found.tuned, key=lambda one: one.contrast.difference)
    return (
        "Of the arms that learn from labels of the target, the largest gain is that of"
        f" {most.arm}: {_span(most.contrast)}."
    )


def _span(it: Contrast) -> str:
    if np.isnan(it.low):
        return f"{rounded(it.difference, 3, '+')} (too few subjects, or no spread, for a test)"
    size, low, high = (rounded(value, 3, "+") for value in (it.difference, it.low, it.high))
    return f"{size} (95 % interval {low} to {high})"
