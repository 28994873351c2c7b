"""What each arm gains over no adaptation, as tables, and as the figure of the first page."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from kdlib.evidence import paper
from kdlib.evidence.comparisons import POOLED, pair_name, study_comparisons
from kdlib.record.results import Results
from kdlib.report.figures import BLACK, DARK, PALE, SMALLEST, Picture, drawing, name_rows
from kdlib.study.arm import Arm, adapting, lower_bound

ALL = "all pairs"
OURS, PAPERS = DARK, BLACK
NARROW = 4.2  # inches: so narrow that a phone, which shrinks it to its screen, keeps letters large


def gains(results: Results) -> pd.DataFrame:
    """The rows of ``study_comparisons`` that compare an arm with the lower bound."""
    lower = lower_bound(results.arms)
    table = study_comparisons(results.scores, lower, adapting(results.arms))
    return table[table["baseline"].eq(lower)] if lower is not None else table.iloc[:0]


def pooled(table: pd.DataFrame, results: Results) -> dict[str, dict[Any, Any]]:
    """The rows of ``gains`` for all pairs together, by arm."""
    rows = {row["arm"]: row for row in table[table["source"].eq(POOLED)].to_dict("records")}
    return {arm: rows[arm] for arm in results.arms if arm in rows}


def gains_figure(results: Results) -> Picture | None:
    """The gain of every arm that adapts to pooled scans: ours, of each seed, and the paper's.

    With several pairs of clinics each panel is one arm, and its rows are all pairs together and
    each pair. With one pair each row is one arm. Returns None if there is nothing to compare.
    """
    table = gains(results)
    arms = {n: arm for n, arm in results.arms.items() if not arm.on_the_fly}
    table = table[table["arm"].isin(list(arms))]
    if table.empty:
        return None
    order = [name for name in arms if name in set(table["arm"])]
    if len(results.pairs) == 1:
        return _one_panel(table[table["source"].ne(POOLED)], order, results)
    return _panels(table, order, results)


def lower_label(arms: Mapping[str, Arm]) -> str:
    """What the arm is called that all others are compared with."""
    lower = lower_bound(arms)
    return arms[lower].label if lower else "no adaptation"


def printed_of(row: Any, pairs: Sequence[tuple[str, str]]) -> float:
    """What the paper printed of the same comparison; NaN if nothing.

    A row of one pair is of that pair, and a pooled row of all ``pairs``.
    """
    pair = (row["source"], row["target"])
    over = tuple(pairs) if POOLED in pair else (pair,)
    return paper.printed_difference(row["arm"], row["baseline"], over)


def _one_panel(table: pd.DataFrame, order: list[str], results: Results) -> Picture:
    rows = {row["arm"]: row for row in table.to_dict("records")}
    with drawing(0.42 * len(order) + 1.2, width=NARROW) as (figure, axes):
        for place, name in enumerate(order):
            _row(axes, place, rows[name], results.arms[name], results.pairs)
        name_rows(axes, [results.arms[name].label for name in order])
        axes.axvline(0, color=OURS, lw=1)
        _finish(figure, table, results)
    return Picture(figure)


def _panels(table: pd.DataFrame, order: list[str], results: Results) -> Picture:
    shown = [(POOLED, POOLED), *results.pairs]
    names = [ALL, *(pair_name(*pair) for pair in results.pairs)]
    height = len(order) * (0.21 * len(names) + 0.42) + 0.85
    options: dict[str, Any] = {"sharex": True, "squeeze": False, "width": NARROW}
    with drawing(height, len(order), **options) as (figure, grid):
        for axes, name in zip(grid.flat, order, strict=True):
            own = _by_pair(table[table["arm"].eq(name)])
            name_rows(axes, names)
            axes.axhspan(-0.5, 0.5, color=PALE, alpha=0.18, lw=0)
            axes.axvline(0, color=OURS, lw=1)
            axes.set_title(results.arms[name].label, fontsize=11, parse_math=False, loc="left")
            axes.set_xlim(*limits_of(table, results.pairs))
            for place, pair in enumerate(shown):
                if pair in own:
                    _row(axes, place, own[pair], results.arms[name], results.pairs)
                    clip(axes, place, own[pair], results.arms[name].colour)
        _finish(figure, table, results)
    return Picture(figure)


def _row(axes: Axes, place: int, row: Mapping[Any, Any], arm: Arm, pairs: Sequence[Any]) -> None:
    """One comparison, and the paper's cross."""
    draw_comparison(axes, place, row, arm.colour)
    printed = printed_of(row, pairs)
    if not np.isnan(printed):
        axes.plot(printed, place, "x", ms=7, mew=2, color=PAPERS)


def draw_comparison(axes: Axes, place: int, row: Mapping[Any, Any], colour: str) -> None:
    """The interval and its middle, with a tick for each seed if there are several."""
    axes.plot([row["low"], row["high"]], [place] * 2, color=colour, lw=2.5)
    if row["seeds"] > 1:
        axes.plot(row["by_seed"], [place - 0.27] * row["seeds"], "|", ms=6, mew=1.5, color=colour)
    axes.plot(row["difference"], place, "o", ms=7, color=colour, mec="white")


def limits_of(table: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> tuple[float, float]:
    """The range of all means, seeds, pooled intervals and printed numbers, with a margin.

    The interval of a single pair may leave it. With three seeds it can be so wide that nothing
    else could be read.
    """
    values = [0.0]
    for row in table.to_dict("records"):
        whole = row["source"] == POOLED or len(pairs) == 1
        values += [row["difference"], *row["by_seed"]]
        values += [row["low"], row["high"]] if whole else []
        values.append(printed_of(row, pairs))
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = 0.08 * (high - low) or 0.01
    return low - margin, high + margin


def _by_pair(table: pd.DataFrame) -> dict[tuple[str, str], dict[Any, Any]]:
    return {(row["source"], row["target"]): row for row in table.to_dict("records")}


def short_ticks(axes: Axes) -> None:
    """Short numbers below a narrow panel, so that there is room for some."""
    axes.xaxis.set_major_formatter(lambda value, _: f"{round(value, 6):g}".replace("-", "−"))
    axes.tick_params(axis="x", labelsize=SMALLEST)


def clip(axes: Axes, place: int, row: Mapping[Any, Any], colour: str) -> None:
    """Mark an interval that leaves its panel with an arrow at the edge."""
    left, right = axes.get_xlim()
    inside = 0.02 * (right - left)  # so that it does not touch the names of the rows
    ends = ((left + inside, "<", row["low"] < left), (right - inside, ">", row["high"] > right))
    for end, mark, beyond in ends:
        if beyond:
            axes.plot(end, place, mark, ms=6, color=colour)


def _finish(figure: Figure, table: pd.DataFrame, results: Results) -> None:
    label = lower_label(results.arms)
    figure.supxlabel(f"change of Dice from {label}", fontsize=11, parse_math=False)
    seeds = int(table["seeds"].max())
    marks = [Line2D([], [], color=OURS, marker="o", lw=2.5, label="ours, 95 % interval")]
    if seeds > 1:
        marks.append(Line2D([], [], color=OURS, marker="|", ls="", mew=1.5, label="one seed"))
    marks.append(Line2D([], [], color=PAPERS, marker="x", ls="", mew=2, label="the paper"))
    spacing: Any = {"columnspacing": 0.9, "handletextpad": 0.4, "handlelength": 1.3}
    figure.legend(
        handles=marks, ncols=len(marks), loc="outside upper center", fontsize=10, **spacing
    )
