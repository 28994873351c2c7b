"""How sure a student is compared with its teacher, as a table and in words."""

import pandas as pd

from kdlib.record.results import Results
from kdlib.report.two_arms import adapted_arms

MEASURES = {"ece": "calibration error", "brier": "Brier score"}
PLACES = ("head", "band")


def sureness(results: Results) -> pd.DataFrame | None:
    """The calibration of the teacher, of its student, and of the student without softening.

    Each row is one of the three. Each number is a mean over the target's subjects. The runs of a
    subject are averaged first. Returns None if the study has no student of the plain teacher.
    """
    found = adapted_arms(results, "distillation")
    if found is None:
        return None
    teacher, student = found
    rows = {
        "teacher": _mean_scores(results, teacher, ""),
        "student": _mean_scores(results, student, ""),
        "student, softening taken out": _mean_scores(results, student, "_undone"),
    }
    return pd.DataFrame(rows).T.rename_axis("network")


def sureness_words(results: Results) -> str:
    """One text: the calibration errors of the three, and how much is due to the temperature."""
    table = sureness(results)
    if table is None:
        return "This study has no student of the plain teacher."
    head, band = (
        [f"{value:.4f}" for value in table[f"{MEASURES['ece']}, {place}"]] for place in PLACES
    )
    return (
        "In the mean over all test subjects, the calibration error in the whole head is "
        f"{head[0]} for the teacher, {head[1]} for the student, and {head[2]} for the student with "
        f"the softening taken out. In the band around lesions it is {band[0]}, {band[1]} and "
        f"{band[2]}. The step from the second number to the third is the temperature alone. "
        "The step from the first to the third is what the student learnt otherwise."
    )


def _mean_scores(results: Results, arm: str, version: str) -> pd.Series:
    names = {
        f"{measure}_{place}{version}": f"{name}, {place}"
        for measure, name in MEASURES.items()
        for place in PLACES
    }
    of_arm = results.scores[results.scores["arm"] == arm]
    return of_arm.groupby("subject")[list(names)].mean().mean().rename(names)
