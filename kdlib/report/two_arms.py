"""Compare two arms of a study, subject by subject, as figures and in words."""

from typing import NamedTuple

import pandas as pd

from kdlib.evidence.comparisons import (
    PAIR,
    compare,
    differences,
    pair_name,
    pooled,
    subject_scores,
    within,
)
from kdlib.evidence.paper import PAIRS
from kdlib.record.arrays import Key
from kdlib.record.results import Results
from kdlib.report.figures import Picture, before_and_after
from kdlib.report.pictures import GREY_THRESHOLD
from kdlib.report.words import interval, signed
from kdlib.study.arm import featured, lower_bound


def adapted_arms(results: Results, method: str) -> tuple[str, str] | None:
    """The names of the lower bound and of the first featured arm of ``method``."""
    lower = lower_bound(results.arms)
    of_method = [name for name in featured(results.arms) if results.arms[name].method == method]
    return (lower, of_method[0]) if lower is not None and of_method else None


def adapted_subjects(results: Results, method: str) -> Picture | None:
    """Each subject's Dice without adaptation and with an arm of ``method``, in the first pair.

    Returns None if the study lacks one of the two.
    """
    found = adapted_arms(results, method)
    if found is None:
        return None
    of_pair = results.scores.set_index(PAIR).loc[[results.pairs[0]]].reset_index()
    return _figure(results, of_pair, *found)


def agreement_words(results: Results) -> str:
    """How similar a student's masks are to its teacher's, on the saved slices of the first pair."""
    found = adapted_arms(results, "distillation")
    if found is None:
        return "This study has no student of the plain teacher."
    pair = results.pairs[0]
    both = size = 0
    for subject in results.subjects(*pair):
        slices = results.example(*pair, subject)
        teacher, student = (slices[arm] >= GREY_THRESHOLD for arm in found)
        both += 2 * int((student & teacher).sum())
        size += int(student.sum() + teacher.sum())
    starts = {"teacher": "from its teacher's weights", "scratch": "from random weights"}
    return (
        "In this study a student of pooled scans starts "
        f"{starts[results.study['recipe']['start']]}. On the saved slices from {pair_name(*pair)}, "
        f"the Dice between the student's mask and its teacher's is "
        f"{both / max(size, 1):.2f}; it would be one if the student decided as its teacher does."
    )


class Taught(NamedTuple):
    """The names of three arms.

    Attributes:
        student: a student that learns from another arm, not from the plain teacher.
        plain: the student of the plain teacher that has the same settings.
        teacher: the other arm, from which the first student learns.
    """

    student: str
    plain: str
    teacher: str


def taught(results: Results) -> Taught | None:
    """The first student of another arm for which the plain teacher has a student like it."""
    arms = results.arms
    for student, arm in arms.items():
        likes = [
            name for name, other in arms.items()
            if other.settings == arm.settings and other.on_the_fly == arm.on_the_fly
            and other.teacher is None
        ]  # fmt: skip
        if arm.teacher is not None and likes:
            return Taught(student, likes[0], arm.teacher)
    return None


def taught_words(results: Results) -> str:
    """What the other teacher changes, and how far its student is from it, in words.

    First in the pair of the paper, or else in the study's first, then over all pairs.
    """
    found = taught(results)
    if found is None:
        return "This study has no arm that was taught by another arm."
    student, plain, teacher = (results.arms[name].label for name in found)
    pair = PAIRS[0] if PAIRS[0] in results.pairs else results.pairs[0]
    whole = _difference(results, found.student, found.plain)
    over_all = f" Over all pairs of clinics it differs by {whole}." * (len(results.pairs) > 1)
    there = within(subject_scores(results.scores), [pair]).mean()
    return (
        f"In our runs, from {pair_name(*pair)}, {teacher} reaches a mean Dice of"
        f" {there[found.teacher]:.2f} and {plain} {there[found.plain]:.2f}. There {student} differs"
        f" from {plain}, the student of the plain teacher, by"
        f" {_difference(results, found.student, found.plain, pair)}.{over_all} From its own"
        f" teacher, {teacher}, it differs by {_difference(results, found.student, found.teacher)}."
    )


def taught_subjects(results: Results) -> Picture | None:
    """Each subject's Dice with the plain teacher and with the other. None without such an arm."""
    found = taught(results)
    return None if found is None else _figure(results, results.scores, found.plain, found.student)


def _figure(results: Results, scores: pd.DataFrame, before: str, after: str) -> Picture:
    keys = [*PAIR, "subject"]
    means = scores.groupby(["arm", *keys], as_index=False)["dice"].mean()
    owners = means[keys].itertuples(index=False, name=None)
    means["subject"] = [str(Key(tuple(owner[:2]), owner[2])) for owner in owners]
    first, second = (means[means["arm"] == name] for name in (before, after))
    names = (results.arms[before].label, results.arms[after].label)
    return before_and_after(first, second, names, results.arms[after].colour)


def _difference(
    results: Results, arm: str, baseline: str, pair: tuple[str, str] | None = None
) -> str:
    """The mean difference in one pair of clinics, or else over all, with its interval."""
    table = differences(results.scores, arm, baseline)
    found = compare(pooled(table if pair is None else within(table, [pair])))
    return f"{signed(found['difference'])} Dice ({interval(found)})"
