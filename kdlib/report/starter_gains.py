"""What adapting the starter changes on the real scans of the study real, with the study's tests."""

import pandas as pd

from kdlib.evidence.carried import REAL
from kdlib.evidence.comparisons import by_patient
from kdlib.evidence.worth import gains
from kdlib.record.results import Results
from kdlib.report.real_scans import NAMES, STARTER
from kdlib.report.worth import Worth
from kdlib.study.arm import lower_bound


def starter_not_told_words() -> str:
    """How these numbers come into the book, in sentences."""
    return (
        "This is not known yet. `benchmarks/real_scans.py` finds it, with the seeds of the study."
        " Its table comes into the folder of the recorded results as `starter.csv`, and the next"
        " build of this page shows it."
    )


def starter_worth(results: Results) -> Worth:
    """The gain of each method over the starter as it is, as the study's tests judge it.

    The scans of one patient count as one subject. ``results.starter`` must not be empty.
    """
    rows = _by_patient(results)
    methods = [name for name in NAMES.values() if name in set(rows["arm"])]
    return Worth(gains(rows, methods, STARTER), [], None)


def starter_dice(results: Results) -> float:
    """The mean Dice of the starter as it is, over patients."""
    rows = _by_patient(results)
    return float(rows.loc[rows["arm"].eq(STARTER), "dice"].mean())


def starter_words(results: Results, arm: str) -> str:
    """The Dice of the starter as it is, of no adaptation and of ``arm``, in a sentence, or ""."""
    if results.starter.empty:
        return ""
    means = by_patient(results.all_scores, results.patients).groupby("arm")["dice"].mean()
    lower = str(lower_bound(results.arms))
    return (
        "On the same scans the starter as shipped has a mean Dice of"
        f" {starter_dice(results):.2f}, {results.arms[lower].label} has"
        f" {means[lower]:.2f} and {results.arms[arm].label} {means[arm]:.2f}. The starter was"
        " improved after a look at these scans."
    )


def _by_patient(results: Results) -> pd.DataFrame:
    """The rows of ``starter.csv`` as those of a study; the starter is the same in each seed."""
    table = results.starter
    seeds = pd.DataFrame({"seed": sorted(table["seed"].unique())})
    plain = table[table["by"].eq(STARTER)].drop(columns="seed").merge(seeds, how="cross")
    rows = pd.concat([plain, table[table["by"].isin(NAMES)]])
    scores = pd.DataFrame({
        "arm": rows["by"].replace(NAMES), "source": STARTER, "target": REAL, "fold": 0,
        "seed": rows["seed"], "subject": rows["scan"], "dice": rows["dice"],
    }).reset_index(drop=True)  # fmt: skip
    return by_patient(scores, results.patients)
