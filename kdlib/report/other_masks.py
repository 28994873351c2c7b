"""The Dice against other masks of the same scans, such as those of a second reader."""

import pandas as pd

from kdlib.evidence.comparisons import PAIR, by_patient, compare, differences
from kdlib.evidence.verdicts import count_of
from kdlib.record.results import Results
from kdlib.report.tables import arms_in_order, labels
from kdlib.report.words import interval, signed
from kdlib.study.arm import label_free, lower_bound, upper_bound

OWN = "first mask"  # the one that the networks learn from and are scored against


def masks_not_told_words() -> str:
    """How the scores against other masks come into the book, in sentences."""
    return (
        "This is not known yet. `kdlib report real --labels NAME` scores the finished runs of the"
        " study against the masks of this name. Copy `scores.csv` from its folder `NAME` into the"
        " folder of the recorded results, as `scores_NAME.csv`, and the next build of this page"
        " shows them."
    )


def masks_table(results: Results, name: str) -> pd.DataFrame:
    """Each row is one arm: its mean Dice against both masks, on those who have both.

    The columns are ``Arm``, the two masks, and for each of them the change from the lower bound.
    """
    dice = _dice(results, name)
    change = (dice - dice.loc[lower_bound(results.arms)]).add_prefix("Change, ")
    table = dice.add_prefix("Dice, ").join(change).rename(index=labels(results.arms))
    return table.rename_axis("Arm").reset_index()


def masks_words(results: Results, name: str) -> str:
    """What labels, and the best method without them, change against either mask, in sentences."""
    dice, arms = _dice(results, name), results.arms
    lower, upper = str(lower_bound(arms)), upper_bound(arms)
    change = dice - dice.loc[lower]

    def changed(arm: str) -> str:
        own, other = _change_words(results, name, arm)
        return f"by {own} against the {OWN} and by {other} against `{name}`"

    said = [
        f"Both masks are known for {_patients(results, name)}. Their mean Dice without adaptation"
        f" is {dice[OWN][lower]:.3f} against the {OWN} and {dice[name][lower]:.3f} against"
        f" `{name}`."
    ]
    if free := [arm for arm in label_free(arms) if arm in dice.index]:
        top, other = (str(change.loc[free, mask].idxmax()) for mask in (OWN, name))
        said.append(
            f"Of the methods without labels, {arms[top].label} gains most against the {OWN}. It"
            f" changes the mean Dice {changed(top)}. The most that any of them gains against"
            f" `{name}` is {signed(change.loc[other, name])} ({arms[other].label})."
        )
    if upper in dice.index:
        said.append(
            f"{arms[str(upper)].label} has learnt from the {OWN}s of other patients: it changes the"
            f" mean Dice {changed(str(upper))}."
        )
    return " ".join(said)


def change_words(results: Results, arm: str) -> str:
    """What ``arm`` changes against each other mask, in sentences; empty where there is none."""
    said = []
    for name in results.other_masks:
        if arm in _dice(results, name).index:
            own, other = _change_words(results, name, arm)
            said.append(
                f"Where masks of another style ({name}) are known ({_patients(results, name)}),"
                f" it changes the mean Dice by {own} against the {OWN}s and by {other} against the"
                " others."
            )
    return " ".join(said)


def _patients(results: Results, name: str) -> str:
    """How many patients have these masks, as "5 patients"."""
    rows = by_patient(results.other_masks[name], results.patients)
    return count_of(rows["subject"].nunique(), "patient")


def _change_words(results: Results, name: str, arm: str) -> list[str]:
    """What ``arm`` changes against each of the two masks, with its interval."""
    said = []
    for _, dice in _both(results, name).items():
        rows = dice.rename("dice").reset_index()
        found = compare(differences(rows, arm, str(lower_bound(results.arms))))
        said.append(f"{signed(found['difference'])} ({interval(found)})")
    return said


def _dice(results: Results, name: str) -> pd.DataFrame:
    """The mean Dice of each arm (rows) against both masks, in the study's order of arms."""
    return arms_in_order(_both(results, name).groupby("arm").mean(), results.arms)


def _both(results: Results, name: str) -> pd.DataFrame:
    """The Dice of each arm and patient who has both masks; a column for each of them."""
    keys = ["arm", *PAIR, "fold", "seed", "subject"]
    own, other = (
        by_patient(scores, results.patients).set_index(keys)["dice"]
        for scores in (results.all_scores, results.other_masks[name])
    )
    return pd.concat({OWN: own, name: other}, axis=1, join="inner")
