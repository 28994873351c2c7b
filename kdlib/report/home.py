"""A teacher at home and away: what a new clinic costs, and what labels from it bring back."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from kdlib.evidence.comparisons import PAIR, pair_name, subject_scores
from kdlib.evidence.verdicts import count_of
from kdlib.record.results import Results
from kdlib.report.figures import PALE, Picture, drawing, name_rows
from kdlib.report.words import listed, signed
from kdlib.study.arm import BOUNDS, lower_bound, upper_bound

HOME, AWAY, LABELS = "at home", "away", "with labels"
MARKS = {
    HOME: ("D", "#cc79a7"),  # no arm has this colour
    AWAY: ("o", BOUNDS["lower bound"]),
    LABELS: ("s", BOUNDS["upper bound"]),
}


def home_and_away(results: Results) -> pd.DataFrame:
    """Mean Dice by pair of clinics, in the paper's order; a number is NaN if it was not kept.

    ``at home`` is the plain teacher on test subjects of its own clinic, ``away`` the same network
    on the target, and ``with labels`` the upper bound. Runs of a subject are averaged first.
    """
    by_subject = subject_scores(results.scores)
    means = by_subject.groupby(PAIR).mean()
    teachers = results.teachers
    home = pd.Series(dtype=float)
    if len(teachers):
        home = teachers.groupby(["source", "subject"])["dice"].mean().groupby("source").mean()
    bounds = {AWAY: lower_bound(results.arms), LABELS: upper_bound(results.arms)}
    rows = [
        {"source": source, "target": target, HOME: home.get(source, np.nan)}
        | {name: means.get(arm, pd.Series()).get((source, target), np.nan)
           for name, arm in bounds.items()}
        for source, target in results.pairs
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=[*PAIR, HOME, AWAY, LABELS])


def home_figure(table: pd.DataFrame) -> Picture:
    """``home_and_away`` as a chart. Each row is one pair of clinics."""
    with drawing(0.42 * len(table) + 1.3) as (figure, axes):
        for place, row in table.iterrows():
            _row(axes, int(str(place)), row)
        name_rows(axes, [pair_name(*pair) for pair in table[PAIR].itertuples(index=False)])
        axes.set_xlabel("mean Dice")
        kept = [name for name in MARKS if table[name].notna().any()]
        marks = [
            Line2D([], [], marker=MARKS[n][0], color=MARKS[n][1], ls="", ms=8, label=n)
            for n in kept
        ]
        figure.legend(handles=marks, ncols=3, loc="outside upper center", fontsize=10)
    return Picture(figure)


def _row(axes: Axes, place: int, row: pd.Series) -> None:
    values = [row[name] for name in MARKS]
    axes.plot([np.nanmin(values), np.nanmax(values)], [place] * 2, color=PALE, lw=2, zorder=1)
    for name, (mark, colour) in MARKS.items():
        axes.plot(row[name], place, mark, color=colour, ms=8, mec="white")


def home_words(results: Results) -> str:
    """What each teacher reaches at home and away, in sentences."""
    table = home_and_away(results)
    if table[[HOME, AWAY]].isna().all().any():
        return "These results do not say how the teachers do at home."
    parts = []
    for source, rows in table.groupby("source", sort=False):
        away = [f"{r[AWAY]:.2f} at {r['target'].capitalize()}" for _, r in rows.iterrows()]
        reached = [f"{rows[HOME].iloc[0]:.2f} at home", *away]
        parts.append(
            f"The teacher of {str(source).capitalize()} reaches a mean Dice of {listed(reached)}."
        )
    return " ".join(parts)


def room_words(results: Results) -> str:
    """How much Dice a new clinic costs and labels bring back: the room for a method, in words."""
    table = home_and_away(results)
    cost, back = table[AWAY] - table[HOME], table[LABELS] - table[AWAY]
    parts = []
    if cost.notna().any():
        parts.append(
            f"a teacher does worse away than at home in {int((cost < 0).sum())} of"
            f" {count_of(int(cost.notna().sum()), 'pair')}, and the mean change is"
            f" {signed(cost.mean())} Dice"
        )
    if back.notna().any():
        parts.append(
            f"labels from the target change the Dice by {signed(back.mean())} in the mean, and"
            f" raise it in {int((back > 0).sum())} of {count_of(int(back.notna().sum()), 'pair')}"
        )
    if not parts:
        return "these results do not say what a new clinic costs."
    return f"{'; '.join(parts)}. {_room(back.mean())}"


def _room(back: float) -> str:
    if np.isnan(back):
        return "Without U-bound nothing says how much of this a method could bring back."
    if back > 0:
        return (
            f"So a method without labels has about {back:.3f} Dice to gain in the mean. U-bound is"
            " a yardstick and no ceiling: a method that undoes the shift itself can gain more."
        )
    return "Labels bring nothing back in the mean, so there is no room in which to gain."
