"""The figures of the chapter on what adapts: methods, and numbers of scans."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from kdlib.evidence.adapting import by_number, shares
from kdlib.evidence.comparisons import PAIR
from kdlib.record.minutes import as_time, minutes_of_arms
from kdlib.record.results import Results
from kdlib.report.figures import SMALLEST, Picture, drawing, name_rows
from kdlib.study.arm import adapting, lower_bound, upper_bound

FARTHEST = 2.0  # shares beyond this on either side are drawn at the edge


def methods_by_gap(results: Results) -> Picture | None:
    """One row for each method: its share of the gap, with seeds, subjects and minutes.

    A large dot is the share with its 95 % interval, a small dot is one subject, and a triangle is
    one seed. The methods stand in the order of their shares. At the right are the median minutes of
    a run. Returns None if the study lacks a bound, or if no method has a share.
    """
    lower, upper = lower_bound(results.arms), upper_bound(results.arms)
    if lower is None or upper is None:
        return None
    table = shares(results.scores, adapting(results.arms), lower, upper).dropna(subset="gap_closed")
    table = table.sort_values("gap_closed", ascending=False)
    if table.empty:
        return None
    minutes = minutes_of_arms(results)
    with drawing(0.4 * len(table) + 1.1) as (figure, axes):
        for row, (arm, found) in enumerate(table.iterrows()):
            _method(axes, row, found, results.arms[str(arm)].colour)
            spent = as_time(minutes[str(arm)]) if arm in minutes else ""
            beside = {"xycoords": ("axes fraction", "data"), "va": "center"}
            axes.annotate(spent, (1.02, row), fontsize=SMALLEST, **beside)
        axes.axvline(0, color="#8c8c8c", ls="--", lw=1)
        axes.axvline(1, color="#222222", ls="--", lw=1)
        axes.set_xlim(max(axes.get_xlim()[0], -FARTHEST), min(axes.get_xlim()[1], 1 + FARTHEST))
        name_rows(axes, [results.arms[str(arm)].label for arm in table.index])
        axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        axes.set_xlabel("share of the gap closed")
    return Picture(figure)


def _method(axes: Axes, row: int, found: pd.Series, colour: str) -> None:
    subjects = np.clip(found["subjects"], -FARTHEST, 1 + FARTHEST)
    axes.plot(subjects, np.full(len(subjects), row - 0.22), "o", ms=2.5, color=colour, alpha=0.5)
    axes.plot(found["seeds"], np.full(len(found["seeds"]), row + 0.24), "^", ms=5, color=colour)
    axes.plot([found["low"], found["high"]], [row] * 2, color=colour, lw=2.5)
    axes.plot(found["gap_closed"], row, "o", ms=8, color=colour, mec="white", zorder=3)


def number_curves(results: Results) -> Picture | None:
    """The mean Dice over the number of scans: a line for each swept arm, a dot for each seed.

    A solid line is of scans without labels, a dashed one of labelled scans. The horizontal lines
    are the bounds. Returns None if nothing was swept.
    """
    swept = {one["arm"]: one["setting"] for one in results.study["sweeps"]}
    tables = {a: by_number(results.all_scores, a, setting) for a, setting in swept.items()}
    if not tables or all(table.empty for table in tables.values()):
        return None
    with drawing(3.8) as (figure, axes):
        for arm, table in tables.items():
            shown, style = results.arms[arm], "--" if swept[arm] == "subjects" else "-"
            axes.plot(table.index, table.mean(axis=1), style, color=shown.colour, label=shown.label)
            axes.plot(table.index, table, "o", ms=4, color=shown.colour, alpha=0.7)
        levels = _levels(results)
        for bound in (lower_bound(results.arms), upper_bound(results.arms)):
            if bound in levels:
                level = levels[bound]
                axes.axhline(level, color=results.arms[bound].colour, ls=":", lw=1.5)
                axes.annotate(
                    results.arms[bound].label, (1, level), xycoords=("axes fraction", "data"),
                    ha="right", va="bottom", fontsize=SMALLEST,
                )  # fmt: skip
        axes.set_xscale("log")
        values = sorted({value for table in tables.values() for value in table.index})
        axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.minorticks_off()
        axes.set(xlabel="scans of the target", ylabel="mean Dice")
        axes.legend(fontsize=SMALLEST)
    return Picture(figure)


def _levels(results: Results) -> dict[str, float]:
    """The mean Dice of each arm on the people on whom something was swept."""
    scores = results.all_scores
    places = scores.loc[scores["setting"].fillna("").ne(""), [*PAIR, "fold"]].drop_duplicates()
    means = results.scores.merge(places).groupby("arm")["dice"].mean()
    return {str(arm): float(mean) for arm, mean in means.items()}
