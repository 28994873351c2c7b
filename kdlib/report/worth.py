"""Whether adapting is worth it, as the report of a study says it: a table and a few sentences."""

from collections.abc import Mapping

import pandas as pd

from kdlib.evidence.comparisons import Patients, by_patient
from kdlib.evidence.worth import gains, gap_of, in_words
from kdlib.methods import method_named
from kdlib.study.arm import Arm, adapting, lower_bound, upper_bound
from kdlib.study.study import Study


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


def worth_table(
    scores: pd.DataFrame, arms: Mapping[str, Arm], patients: Patients | None = None
) -> pd.DataFrame:
    """Each row is one arm and what it changes against the lower bound, over all pairs.

    The columns are ``Arm``, ``Verdict``, ``Difference`` (in Dice), ``Low`` and ``High`` (the 95 %
    interval over subjects and trainings), ``Come off worse`` (a share of the subjects),
    ``Subjects`` and ``Seeds``. The scans of one of the ``patients`` count as one subject.
    """
    lower = lower_bound(arms)
    found = gains(by_patient(scores, patients or {}), adapting(arms), lower) if lower else []
    rows = [
        (arms[one.arm].label, one.worth, one.contrast.difference, one.contrast.low,
         one.contrast.high, one.worse, one.contrast.n, len(one.contrast.seed_means))
        for one in found
    ]  # fmt: skip
    names = ["Arm", "Verdict", "Difference", "Low", "High", "Come off worse", "Subjects", "Seeds"]
    return pd.DataFrame(rows, columns=names).round(4)


def worth_sentences(
    scores: pd.DataFrame, arms: Mapping[str, Arm], patients: Patients | None = None
) -> list[str]:
    """The same in words."""
    lower, upper = lower_bound(arms), upper_bound(arms)
    if lower is None:
        return ["The study has no arm without adaptation to compare with."]
    rows = by_patient(scores, patients or {})
    labels = {name: arm.label for name, arm in arms.items()}
    gap = gap_of(rows, upper, lower) if upper else None
    return in_words(gains(rows, adapting(arms), lower), labels, gap)
