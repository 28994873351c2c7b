"""Whether students learnt what they were taught: their masks and losses beside their teachers'."""

import pandas as pd

from kdlib.evidence.comparisons import main_scores
from kdlib.record.results import Results
from kdlib.report.tables import arms_in_order, labels

COLUMNS = {
    "agreement_away": "Same masks, target",
    "agreement_home": "Same masks, home",
    "above_floor": "Loss above its floor",
}


def taught_table(results: Results) -> pd.DataFrame:
    """Each row is an arm of students, a mean of its runs. Empty if the runs did not save this.

    The columns are ``Student``, the Dice between the masks of student and teacher on the target
    and at home, and how far the loss ended above the lowest possible one.
    """
    found = results.findings
    if found.empty or not set(COLUMNS) <= set(found):
        return pd.DataFrame(columns=["Student", *COLUMNS.values()])
    means = main_scores(found).groupby("arm")[list(COLUMNS)].mean().rename(columns=COLUMNS)
    ordered = arms_in_order(means, results.arms).rename(index=labels(results.arms))
    return ordered.rename_axis("Student").reset_index()


def taught_words(table: pd.DataFrame) -> str:
    """How nearly the students of ``taught_table`` decide as their teachers do, in sentences."""
    if table.empty:
        return "These results do not say how well the students learnt their teachers' answers."
    away, home, _ = COLUMNS.values()
    ordered = table.sort_values(away)
    least, most = ordered.iloc[0], ordered.iloc[-1]
    ends = f"{least[away]:.2f} ({least['Student']})"
    if len(table) > 1:
        ends = f"between {ends} and {most[away]:.2f} ({most['Student']})"
    return (
        "A student that learnt its teacher's answers perfectly would make the same masks. On the"
        f" target, the Dice between the masks of student and teacher is {ends}. At home it is"
        f" {table[home].mean():.2f} in the mean of these arms."
    )
