"""The figure of how many scans of the target a method needs."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from kdlib.evidence.adapting import by_number, levels_where_swept
from kdlib.record.results import Results
from kdlib.report.figures import SMALLEST, Picture, drawing
from kdlib.study.arm import BOUNDS, lower_bound, upper_bound

BELOW = 1.5  # how many gaps between the bounds the axis shows below the lower one


def number_curves(results: Results) -> Picture | None:
    """The mean Dice over the number of scans: a line for each swept arm, a dot for each seed.

    A solid line is of scans without labels, a dashed one of labelled scans. The horizontal lines
    are the bounds. The axis ends ``BELOW`` gaps below the lower one: a mean that is lower is a
    triangle with its number there. Returns None if nothing was swept.
    """
    swept = results.swept
    tables = {a: by_number(results.all_scores, a, setting) for a, setting in swept.items()}
    if not tables or all(table.empty for table in tables.values()):
        return None
    with drawing(3.8) as (figure, axes):
        for arm, table in tables.items():
            shown, style = results.arms[arm], "--" if swept[arm] == "subjects" else "-"
            axes.plot(table.index, table.mean(axis=1), style, color=shown.colour, label=shown.label)
            axes.plot(table.index, table, "o", ms=4, color=shown.colour, alpha=0.7)
        levels = levels_where_swept(results.all_scores)
        bounds = [b for b in (lower_bound(results.arms), upper_bound(results.arms)) if b in levels]
        for bound in bounds:
            level = levels[bound]
            axes.axhline(level, color=results.arms[bound].colour, ls=":", lw=1.5)
            axes.annotate(
                results.arms[bound].label, (1.01, level), xycoords=("axes fraction", "data"),
                ha="left", va="center", fontsize=SMALLEST,
            )  # fmt: skip
        if len(bounds) == len(BOUNDS):
            low, high = (levels[bound] for bound in bounds)
            _cut_below(axes, low - BELOW * (high - low), results, tables)
        axes.set_xscale("log")
        values = sorted({value for table in tables.values() for value in table.index})
        axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.minorticks_off()
        axes.set(xlabel="scans of the target", ylabel="mean Dice")
        figure.legend(ncols=2, loc="outside upper center", fontsize=SMALLEST)
    return Picture(figure)


def _cut_below(
    axes: Axes, floor: float, results: Results, tables: Mapping[str, pd.DataFrame]
) -> None:
    """End the axis at ``floor`` if something lies below it, and say there what it is."""
    if all(table.empty or table.min().min() >= floor for table in tables.values()):
        return
    axes.set_ylim(bottom=floor)
    for arm, table in tables.items():
        means, colour = table.mean(axis=1), results.arms[arm].colour
        low = means[means < floor]
        axes.plot(low.index, [floor] * len(low), "v", color=colour, ms=7, clip_on=False)
        for number, mean in zip(low.index.to_list(), low.to_list(), strict=True):
            axes.annotate(
                f"{mean:.2f}", (number, floor), (8, 4), textcoords="offset points",
                fontsize=SMALLEST, color=colour,
            )  # fmt: skip
