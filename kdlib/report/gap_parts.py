"""What the loss without adaptation is made of, as a table and in sentences."""

import math

import pandas as pd

from kdlib.evidence.comparisons import PAIR, POOLED, Patients, by_patient, summary
from kdlib.evidence.verdicts import count_of
from kdlib.record.results import Results
from kdlib.report.lesion_size import SIZES, by_size
from kdlib.report.tables import labels
from kdlib.report.words import listed, signed

# What each part of ``kdlib.study.gap_parts.study_gap`` forgives.
PARTS = {
    "threshold": "each scan has its own best threshold",
    "clinic_threshold": "the clinic has its best threshold",
    "border": "borders are right within one voxel",
    "missed": "no lesion is missed",
    "small": "no lesion below 0.05 mL is missed",
    "false": "nothing is marked that touches no lesion",
    "outside_brain": "nothing is marked outside the brain",
    "other_labels": "what the other masks hold does not count as false",
}
TOLD = 3  # of the parts, in a sentence
APART = 1.5  # times as thick: with less, the thickness of slices is too alike to be told apart


def parts_table(gap: pd.DataFrame, patients: Patients | None = None) -> pd.DataFrame:
    """Each row is one kind of error: the Dice that is gained if it is forgiven, the most first.

    The columns are ``If``, ``Gain`` (in Dice) with its 95 % interval ``Low`` and ``High`` over
    patients and trainings, and ``Patients``. The parts do not add up to the whole loss: one voxel
    can be wrong in more than one way.

    Args:
        gap: the frame of ``gap_parts.csv``, as ``kdlib.study.gap_parts.study_gap`` makes it.
        patients: the patient of each (target, subject) who has more than one scan.
    """
    known = [part for part in PARTS if part in gap]
    owner = [*PAIR, "fold", "seed", "subject"]
    parts = gap[[*owner, *known]]
    long = parts.melt(owner, var_name="arm", value_name="dice").dropna(subset="dice")
    table = summary(by_patient(long, patients or {}))
    table = table[table["source"] == POOLED].sort_values("mean", ascending=False)
    table["arm"] = table["arm"].map(PARTS)
    names = {"arm": "If", "mean": "Gain", "low": "Low", "high": "High", "n": "Patients"}
    return table[list(names)].rename(columns=names).reset_index(drop=True)


def gap_not_told_words() -> str:
    """How the table of the parts comes into the book, in sentences."""
    return (
        "This is not known yet. `kdlib report real --gap` finds it from the finished runs of the"
        " study, and writes it into `gap_parts.csv`. Copy this file into the folder of the recorded"
        " results, and the next build of this page shows it."
    )


def recall_by_size(results: Results) -> pd.DataFrame:
    """The share of true lesions that each arm finds, by the volume of the lesion in mm3.

    Each row is one arm. Empty if the scores do not have lesions by their size.
    """
    table = by_size(results)
    if table.empty:
        return table
    recall = table[table.index.get_level_values("rate") == "recall"].droplevel("rate")
    recall = recall.dropna(axis=1, how="all")  # sizes that no lesion here has
    return recall.rename(index=labels(results.arms), columns=SIZES).rename_axis("Arm")


def parts_words(gap: pd.DataFrame, patients: Patients | None = None) -> str:
    """The Dice without adaptation, and which errors cost most, in sentences."""
    table = parts_table(gap, patients)
    most = [f"{row['If']} ({signed(row['Gain'])})" for row in table.head(TOLD).to_dict("records")]
    dice = by_patient(gap.assign(arm=""), patients or {})["dice"]
    first = f"The mean Dice without adaptation is {dice.mean():.3f}."
    return f"{first} It rises most if {listed(most)}. {thickness_words(gap)}"


def threshold_words(results: Results) -> str:
    """What a better threshold alone would gain, in a sentence; empty if nobody found out."""
    if "clinic_threshold" not in results.gap_parts:
        return ""
    moved = parts_table(results.gap_parts, results.patients).set_index("If")
    row = moved.loc[PARTS["clinic_threshold"], ["Gain", "Low", "High"]]
    gain, low, high = map(float, row)
    interval = "" if math.isnan(low) else f" (95 % interval {signed(low)} to {signed(high)})"
    return (
        "One threshold, chosen on the masks that it is scored on, would change the mean Dice"
        f" by {signed(gain)}{interval} without adapting."
    )


def thickness_words(gap: pd.DataFrame) -> str:
    """Whether the Dice is another one where slices are thick, if that can be told."""
    scans = gap.groupby(["target", "subject"])[["slice_mm", "dice"]].mean()
    thin, thick = scans["slice_mm"].min(), scans["slice_mm"].max()
    if thick < APART * thin:
        return (
            f"The slices of all scans are {thin:.1f} to {thick:.1f} mm thick. That is too alike to"
            " tell what their thickness costs."
        )
    cut = (thin + thick) / 2
    dice = {side: scans["dice"][(scans["slice_mm"] > cut) == side] for side in (False, True)}
    return (
        f"The mean Dice is {dice[False].mean():.3f} of {count_of(len(dice[False]), 'scan')} with"
        f" slices of {thin:.1f} to {cut:.1f} mm, and {dice[True].mean():.3f} of"
        f" {count_of(len(dice[True]), 'scan')} with thicker ones (to {thick:.1f} mm). Other things"
        " may differ between them, too."
    )
