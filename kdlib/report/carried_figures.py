"""The figures of the chapter on real scans: gains in the simulation against gains on real scans."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from kdlib.report.carried import Carried
from kdlib.report.figures import PALE, SMALLEST, Picture, drawing
from kdlib.report.gains import NARROW, OURS, short_ticks

ACROSS = 2  # panels side by side, so that a phone can show them
BESIDE = 0.06  # of a panel's width: patients stand left of the mean, seeds right of it
AXES = {"xlabel": "simulated gain in Dice", "ylabel": "real gain in Dice"}


def gains_scatter(found: Carried) -> Picture | None:
    """Each dot is one method: its gain in the simulation, and its gain on real scans.

    The lines are the 95 % intervals of both. On the dashed line both gains are equal. Returns None
    if no arm is on both sides.
    """
    table = found.gains
    if table.empty:
        return None
    lines = -(-len(table) // ACROSS)
    with drawing(3.8 + 0.2 * lines, width=NARROW) as (figure, axes):
        marks = []
        for row in table.to_dict("records"):
            colour = found.real.arms[row["arm"]].colour
            _cross(axes, row, colour)
            marks.append(_mark("o", found.label(row["arm"]), color=colour))
        _same_scale(axes, _ends(table, "gain", "low", "high"))
        axes.set(**AXES)
        figure.legend(handles=marks, ncols=ACROSS, loc="outside upper center", fontsize=10)
    return Picture(figure)


def gains_by_method(found: Carried) -> Picture | None:
    """One panel for each method, with its pairs of clinics, its seeds and its patients.

    A small dot on the horizontal line is one simulated pair, and one left of the vertical line is
    one patient. Triangles are seeds on the real scans. Grey dots are the other methods. Returns
    None if no arm is on both sides.
    """
    table = found.gains
    if table.empty:
        return None
    lines = -(-len(table) // ACROSS)
    ends = _ends(table, "gain", "seeds", "parts")
    options: dict[str, Any] = {"width": NARROW, "sharex": True, "sharey": True, "squeeze": False}
    with drawing(1.95 * lines + 0.8, lines, ACROSS, **options) as (figure, grid):
        for axes in grid.flat[len(table) :]:
            axes.set_visible(False)
        for axes, row in zip(grid.flat, table.to_dict("records"), strict=False):
            _same_scale(axes, ends)
            axes.plot(table["simulated_gain"], table["real_gain"], "o", ms=4, color=PALE)
            _panel(axes, row, found.real.arms[row["arm"]].colour)
            axes.set_title(found.label(row["arm"]), fontsize=10, loc="left", parse_math=False)
            short_ticks(axes)
            axes.tick_params(axis="y", labelsize=SMALLEST)
            axes.xaxis.set_tick_params(labelbottom=True)
        figure.supxlabel(AXES["xlabel"], fontsize=11)
        figure.supylabel(AXES["ylabel"], fontsize=11)
        marks = [_mark("o", "mean"), _mark(".", "pair or patient"), _mark("^", "seed")]
        figure.legend(handles=marks, ncols=3, loc="outside upper center", fontsize=10)
    return Picture(figure)


def _cross(axes: Axes, row: dict[Any, Any], colour: str) -> None:
    """The mean of one method with both intervals."""
    x, y = row["simulated_gain"], row["real_gain"]
    axes.plot([row["simulated_low"], row["simulated_high"]], [y, y], color=colour, lw=1.5)
    axes.plot([x, x], [row["real_low"], row["real_high"]], color=colour, lw=1.5)
    axes.plot(x, y, "o", ms=8, color=colour, mec="white", zorder=3)


def _panel(axes: Axes, row: dict[Any, Any], colour: str) -> None:
    _cross(axes, row, colour)
    x, y = row["simulated_gain"], row["real_gain"]
    pairs, patients, seeds = (row[n] for n in ("simulated_parts", "real_parts", "real_seeds"))
    beside = BESIDE * (axes.get_xlim()[1] - axes.get_xlim()[0])
    axes.plot(pairs, [y] * len(pairs), ".", ms=5, color=colour, alpha=0.6)
    axes.plot([x - beside] * len(patients), patients, ".", ms=5, color=colour, alpha=0.6)
    axes.plot([x + beside] * len(seeds), seeds, "^", ms=4.5, color=colour)


def _ends(table: pd.DataFrame, *names: str) -> dict[str, tuple[float, float]]:
    """The range of both axes, with 0 in it and a margin."""
    found = {}
    for side in ("simulated", "real"):
        values = pd.concat([table[f"{side}_{name}"].explode() for name in names]).astype(float)
        low, high = min(0.0, values.min()), max(0.0, values.max())
        margin = 0.06 * (high - low) or 0.01
        found[side] = (low - margin, high + margin)
    return found


def _same_scale(axes: Axes, ends: dict[str, tuple[float, float]]) -> None:
    """Show these ranges, no gain on either side, and the line of equal gains."""
    axes.axhline(0, color=OURS, lw=0.8)
    axes.axvline(0, color=OURS, lw=0.8)
    axes.axline((0, 0), slope=1, color=OURS, ls="--", lw=0.8)
    axes.set_xlim(ends["simulated"])
    axes.set_ylim(ends["real"])
    axes.locator_params(axis="y", nbins=5)


def _mark(marker: str, label: str, **options: Any) -> Line2D:
    return Line2D([], [], marker=marker, ls="", label=label, **({"color": OURS} | options))
