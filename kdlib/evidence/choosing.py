"""What one study chooses for another: settings at home, and methods by what they gain.

The rules were written before the results. ``kdlib choose`` follows them and asks nobody.
"""

from collections.abc import Sequence

import pandas as pd

from kdlib.evidence.bench import LOWER
from kdlib.evidence.evidence import Evidence
from kdlib.evidence.statistics import MARGIN

MOST_VALUES = 5  # of the settings that are tried for each method
MAY_COST = MARGIN  # of the Dice at home

SETTINGS_RULE = (
    f"At most {MOST_VALUES} values of a method's setting are tried, in the study settings. The"
    " largest of them is taken whose Dice at home is at most"
    f" {MAY_COST:g} below the best: on the test subjects of the source, in the mean of them and of"
    " all seeds. With a larger value a method moves further from its source. Zero, which switches"
    " a method off, is there for comparison and is not taken. If no other value is good enough at"
    " home, the smallest is taken. No label and no score of the target is used."
)
BEST_RULE = (
    "The best arms of the study landscape are those with the highest mean difference in Dice to"
    f" {LOWER}, over all its pairs, subjects and seeds. An arm takes part if it has no label of the"
    " target, does not adapt to each scan alone, reads the same images as the networks of the"
    " study that takes it up, and is not in that study yet. If that study gives it fewer scans, its"
    " method must be able to take them. This choice uses labels of the targets of landscape, for"
    " nothing at home tells what a method gains elsewhere. So it chooses methods and no setting,"
    " and it is for other studies alone."
)


def home_dice(scores: pd.DataFrame, arm: str, setting: str) -> "pd.Series[float]":
    """The mean Dice on the source's own test subjects for each value of a setting of ``arm``."""
    rows = scores[scores["arm"].eq(arm) & scores["setting"].eq(setting)]
    return rows[rows["evaluated_on"].eq("source")].groupby("value")["dice"].mean()


def chosen_value(home: "pd.Series[float]") -> float:
    """The value that ``SETTINGS_RULE`` takes, of the Dice at home by value."""
    tried = home[home.index > 0]
    good = tried[tried >= home.max() - MAY_COST]
    return float(good.index.max() if len(good) else tried.index.min())


def best(scores: pd.DataFrame, candidates: Sequence[str], count: int) -> list[str]:
    """The ``candidates`` that ``BEST_RULE`` ranks first, the best one first."""
    evidence = Evidence(scores)
    run = [arm for arm in candidates if arm in set(evidence.main["arm"])]
    gains = {arm: evidence.contrast(arm, LOWER, evidence.pairs).difference for arm in run}
    return sorted(gains, key=lambda arm: -gains[arm])[:count]
