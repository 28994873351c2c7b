"""What adapts a segmenter: shares of the gap, the cost of a dial, the worth of scans and labels.

The studies ``landscape``, ``dials`` and ``samples`` are read by ``RULES``, which were written
before their results. Each function here follows one of them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from kdlib.evidence.bench import LOWER, UPPER
from kdlib.evidence.choosing import BEST_RULE, SETTINGS_RULE
from kdlib.evidence.comparisons import (
    PAIR,
    compare,
    differences,
    main_scores,
    of_sweeps,
    on_target,
)

RULES = (
    f"The share of the gap that a method closes is its mean gain over {LOWER}, divided by the mean"
    f" gap between {LOWER} and {UPPER}, over all pairs of clinics. It is withheld where this gap is"
    " not clearly above 0.",
    SETTINGS_RULE,
    f"A method mends a dial if its Dice is above that of {LOWER} there, with the whole 95 %"
    " interval, and by more than at level 0, where nothing can be mended. It harms a dial if it is"
    f" below {LOWER} with the whole interval.",
    f"The third method of samples is the best of landscape. {BEST_RULE}",
    "Adaptation with all the scans that a method is given is worth as many labelled scans as the"
    " smallest fine-tuning has whose mean Dice is at least as high. It is worth less than one if"
    " the smallest fine-tuning is already better.",
)


def dial_gains(scores: pd.DataFrame, arms: Sequence[str], lower: str) -> pd.DataFrame:
    """The mean difference of each arm from ``lower`` in each pair, with its interval and seeds.

    The columns are ``source, target, arm, difference, low, high, n, sd`` and ``seeds``.
    """
    rows = [
        {"source": source, "target": target, "arm": arm, **compare(part)}
        for arm in arms
        for (source, target), part in differences(scores, arm, lower).groupby(PAIR)
    ]
    names = [*PAIR, "arm", "difference", "low", "high", "n", "sd", "seeds"]
    return pd.DataFrame(rows, columns=names)


def judged(gains: pd.DataFrame, zero: str) -> pd.DataFrame:
    """``dial_gains`` with a column ``effect``: "mends", "harms" or nothing, by the rule above.

    ``zero`` is the target of level 0, which nothing can mend.
    """
    at_zero = gains[gains["target"] == zero].groupby("arm")["difference"].mean()
    above = gains["difference"] > gains["arm"].map(at_zero).fillna(0.0)
    mends = (gains["low"] > 0) & above & gains["target"].ne(zero)
    return gains.assign(effect=np.select([mends, gains["high"] < 0], ["mends", "harms"], ""))


def cost_of_shift(
    scores: pd.DataFrame, loads: Mapping[tuple[str, str], float], lower: str, zero: str
) -> pd.Series:
    """How much lower the Dice of ``lower`` is in each target than in the target ``zero``.

    Subjects are compared at the same lesion load: a line of the Dice over the logarithm of the load
    is fitted to the subjects of ``zero``, seeds averaged. The cost is the mean distance of the
    others below it. ``loads`` are the lesion volumes in mL of each (clinic, subject).
    """
    means = scores[scores["arm"] == lower].groupby(["target", "subject"])["dice"].mean()
    volumes = [max(loads[clinic, str(subject)], 0.01) for clinic, subject in means.index]
    load = pd.Series(np.log(volumes), means.index)
    slope, start = 0.0, float(means.xs(zero).mean())
    if load.xs(zero).nunique() > 1:
        slope, start = np.polyfit(load.xs(zero), means.xs(zero), 1)
    return (start + slope * load - means).groupby("target").mean()


def by_number(scores: pd.DataFrame, arm: str, setting: str, column: str = "dice") -> pd.DataFrame:
    """The mean of ``column`` on the target for each value of an arm's ``setting`` and seed.

    A row is a value, a column a seed. Without such runs the table is empty.
    """
    rows = scores[scores["arm"].eq(arm) & scores.get("setting", pd.Series("")).eq(setting)]
    if rows.empty:
        return pd.DataFrame(dtype=float)
    rows = rows[on_target(rows)]
    return rows.groupby(["value", "seed"])[column].mean().unstack("seed")


def levels_where_swept(scores: pd.DataFrame) -> dict[str, float]:
    """The mean Dice of each arm by itself, on the people on whom something was swept."""
    places = scores.loc[of_sweeps(scores), [*PAIR, "fold"]].drop_duplicates()
    means = main_scores(scores).merge(places).groupby("arm")["dice"].mean()
    return {str(arm): float(mean) for arm, mean in means.items()}


def labels_worth(tuned: pd.Series, dice: float) -> float | None:
    """With how many labelled subjects fine-tuning first reaches ``dice``.

    ``tuned`` has the mean Dice for each number. 0 says that even the smallest number is better;
    None that no number reaches it.
    """
    reached = tuned[tuned >= dice].sort_index()
    if reached.empty:
        return None
    least = float(reached.index[0])
    return 0 if least == tuned.index.min() and reached.iloc[0] > dice else least
