"""The study real_reverse: from the real clinic to single scans of another one, case by case."""

import pandas as pd

from kdlib.record.results import Results
from kdlib.report.tables import arms_in_order, labels
from kdlib.report.words import listed
from kdlib.study.arm import label_free, lower_bound, upper_bound


def cases_table(results: Results) -> pd.DataFrame:
    """Each row is one arm, and each column after ``Arm`` has the Dice of one scan."""
    table = _dice(results).rename(index=labels(results.arms))
    return table.rename_axis(index="Arm", columns=None).reset_index()


def cases_words(results: Results) -> str:
    """The Dice of each scan without adaptation, and which methods change it, in sentences."""
    dice, arms = _dice(results), results.arms
    plain = dice.loc[lower_bound(arms)]
    told = [f"{value:.3f} for {scan}" for scan, value in plain.items()]
    # Methods that read labels are left out: they say nothing of adapting without them.
    change = arms_in_order(dice, label_free(arms)) - plain
    said = [f"Without adaptation the Dice is {listed(told)}."]
    for rows, what in ((change > 0, "higher"), (change < 0, "lower")):
        if names := [arms[str(arm)].label for arm in rows.index[rows.all(axis=1)]]:
            said.append(f"It is {what} on each scan with {listed(names)}.")
    upper = upper_bound(arms)
    known = dice.loc[str(upper)] if upper in dice.index else plain
    if worse := [str(scan) for scan in plain.index if known[scan] < plain[scan]]:
        scans = listed(worse)
        said.append(
            f"{arms[str(upper)].label}, which also learnt from the other scan's mask, is below no"
            f" adaptation on {scans}, so one scan with a mask is no yardstick here."
        )
    return " ".join([*said, "These are cases and no test."])


def _dice(results: Results) -> pd.DataFrame:
    """The mean Dice over seeds: rows are arms in the study's order, columns are scans."""
    dice = results.scores.groupby(["arm", "subject"])["dice"].mean().unstack("subject")
    return arms_in_order(dice, results.arms)
