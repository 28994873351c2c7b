"""The figures of a study's arms. The study decides their names, their order and their colours."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kdlib.evidence import paper
from kdlib.evidence.comparisons import (
    PAIR,
    POOLED,
    pair_name,
    study_comparisons,
    subject_scores,
    summary,
)
from kdlib.evidence.paper import in_order
from kdlib.report.figures import BLACK, DARK, PALE, SMALLEST, Picture, drawing, name_rows
from kdlib.report.gains import ALL, clip, limits_of, printed_of, short_ticks
from kdlib.scores.metrics import METRIC_NAMES
from kdlib.study.arm import BOUNDS, Arm, adapting, lower_bound

Pair = tuple[str, str]

BOTH = DARK  # the colour of the difference between two methods
LONG = 16  # letters of a line, beside which two panels still have room


def dice_by_arm(scores: pd.DataFrame, arms: Mapping[str, Arm], metric: str = "dice") -> Picture:
    """One row for each arm: a dot for each subject, the mean and its 95 % interval.

    Dashed lines are the means of the bounds. Pairs are averaged within the target subject. A dot
    is a mean over seeds; the interval counts subjects and seeds.
    """
    by_arm = subject_scores(scores, metric).groupby(["target", "subject"]).mean()
    shown = {name: arm for name, arm in arms.items() if name in by_arm}
    found = summary(scores, metric).query("source == @POOLED").set_index("arm").to_dict("index")
    with drawing(0.52 * len(shown) + 0.9) as (figure, axes):
        _subjects(axes, by_arm[list(shown)], [arm.colour for arm in shown.values()])
        for row, (name, arm) in enumerate(shown.items()):
            _mean(axes, row + 0.27, found[name], arm.colour)
            if arm.role in BOUNDS:
                axes.axvline(by_arm[name].mean(), color=arm.colour, ls="--", lw=1, zorder=1)
        labels = [_with_size(by_arm[name], arm.label, by_arm) for name, arm in shown.items()]
        name_rows(axes, labels)
        axes.set_xlabel(f"{METRIC_NAMES.get(metric, metric)} on the target")
    return Picture(figure)


def _with_size(values: pd.Series, label: str, all_arms: pd.DataFrame) -> str:
    """An arm's label, folded, with its number of subjects where other arms have more."""
    few = values.count() < all_arms.count().max()
    return fill(label, LONG + LONG // 2) + (f" (n = {values.count()})" if few else "")


def _subjects(axes: Axes, by_arm: pd.DataFrame, colours: list[str]) -> None:
    """Draw the subjects' dots, each column in its own row. Dots that would overlap move aside."""
    rows = by_arm.set_axis(np.arange(by_arm.shape[1]), axis=1)
    table = rows.melt(var_name="row", value_name="value").dropna()
    table["place"] = table["row"].astype(float) - 0.15  # above the mean
    sns.swarmplot(
        table, x="value", y="place", hue="row", palette=dict(enumerate(colours)), orient="h",
        native_scale=True, size=3.6, alpha=0.6, legend=False, warn_thresh=1, ax=axes,
    )  # fmt: skip
    axes.set_ylabel("")


def _mean(axes: Axes, place: float, found: Mapping[Any, Any], colour: str) -> None:
    ends = [found["low"], found["high"]]
    axes.plot(ends, [place] * 2, color=colour, lw=2.5, solid_capstyle="round")
    axes.plot(found["mean"], place, "o", ms=8, color=colour, mec="white", zorder=3)


@contextmanager
def pair_panels(
    pairs: Sequence[Pair], names: list[str]
) -> Iterator[tuple[Figure, dict[Pair, Axes]]]:
    """A figure with a panel for each pair of clinics, two side by side, and named rows."""
    columns = min(2, len(pairs)) or 1
    lines = -(-len(pairs) // columns) or 1
    folded = [fill(name, LONG) for name in names]
    row_height = 0.12 + 0.18 * max((name.count("\n") + 1 for name in folded), default=1)
    height = lines * (row_height * len(names) + 0.8)
    with drawing(height, lines, columns, sharex=True, sharey=True, squeeze=False) as (figure, grid):
        panels = dict(zip(pairs, grid.flat, strict=False))
        for (source, target), axes in panels.items():
            name_rows(axes, folded)
            title = ALL.capitalize() if source == POOLED else pair_name(source, target)
            axes.set_title(title, fontsize=SMALLEST, parse_math=False)
        for place, axes in enumerate(grid.flat):
            axes.set_visible(place < len(pairs))
            if place + columns >= len(pairs):  # nothing stands below it
                axes.tick_params(labelbottom=True)
        yield figure, panels


def difference_intervals(
    scores: pd.DataFrame, arms: Mapping[str, Arm], metric: str = "dice"
) -> Picture:
    """The study's comparisons with their 95 % intervals: a panel for each pair, and one for all.

    Every arm that adapts is compared with the lower bound. The paper's two methods are also
    compared with each other, and that row has both names. A cross marks the paper's number for the
    pair. An interval that leaves its panel ends in an arrow.
    """
    table = study_comparisons(scores, lower_bound(arms), adapting(arms), metric)
    pairs = in_order(zip(table["source"], table["target"], strict=True))
    own = [pair for pair in pairs if POOLED not in pair]
    pairs = [(POOLED, POOLED), *own] if len(own) > 1 else own
    table = table[[pair in pairs for pair in zip(table["source"], table["target"], strict=True)]]
    rows = _compared(table, arms)
    limits = limits_of(table, own)
    with pair_panels(pairs, [label for label, _ in rows.values()]) as (figure, panels):
        for axes in panels.values():
            axes.axvline(0, color=DARK, lw=1)
            axes.set_xlim(*limits)
            short_ticks(axes)
        for _, found in table.iterrows():
            axes, row = panels[found["source"], found["target"]], (found["arm"], found["baseline"])
            place = list(rows).index(row)
            _interval(axes, place, found, rows[row][1])
            clip(axes, place, found.to_dict(), rows[row][1])
            if metric == "dice":
                axes.plot(printed_of(found, own), place, "x", ms=7, mew=2, color=BLACK)
        text = f"difference of {METRIC_NAMES.get(metric, metric)}{_from_bound(arms)}"
        figure.supxlabel(text, fontsize=11, parse_math=False)
    return Picture(figure)


def _compared(
    table: pd.DataFrame, arms: Mapping[str, Arm]
) -> dict[tuple[str, str], tuple[str, str]]:
    """Label and colour of each comparison (arm, baseline). Comparisons of two methods come last."""
    lower, order = lower_bound(arms), list(arms)
    rows = set(zip(table["arm"], table["baseline"], strict=True))
    return {
        (arm, baseline): (arms[arm].label, arms[arm].colour)
        if baseline == lower
        else (f"{arms[arm].label} − {arms[baseline].label}", BOTH)
        for arm, baseline in sorted(rows, key=lambda row: (row[1] != lower, order.index(row[0])))
    }


def _from_bound(arms: Mapping[str, Arm]) -> str:
    lower = lower_bound(arms)
    return f" from {arms[lower].label}" if lower else ""


def _interval(axes: Axes, place: int, found: pd.Series, colour: str) -> None:
    axes.plot([found["low"], found["high"]], [place] * 2, color=colour, lw=2.5)
    axes.plot(found["difference"], place, "o", ms=7, color=colour, mec="white")


def paper_and_ours(scores: pd.DataFrame, arms: Mapping[str, Arm]) -> Picture:
    """The paper's mean Dice (cross) and ours (dot) for each arm, in one panel for each pair.

    If there are several pairs, the first panel shows the mean over them.
    """
    means = subject_scores(scores).groupby(PAIR).mean()
    pairs = in_order(means.index)
    ours: dict[Any, Any] = {pair: means.T[pair] for pair in pairs}
    printed = paper.printed_results().set_index([*PAIR, "arm"])["mean"].to_dict()
    if len(pairs) > 1:
        ours = {(POOLED, POOLED): means.mean(skipna=False)} | ours
        for name in means:
            each = [printed.get((*pair, name), np.nan) for pair in pairs]
            printed[POOLED, POOLED, name] = float(np.mean(each))
    shown = {name: arm for name, arm in arms.items() if name in means}
    with pair_panels(list(ours), [arm.label for arm in shown.values()]) as (figure, panels):
        for pair, axes in panels.items():
            for row, (name, arm) in enumerate(shown.items()):
                mean, theirs = ours[pair][name], printed.get((*pair, name), np.nan)
                axes.plot([theirs, mean], [row] * 2, color=PALE, lw=2, zorder=1)
                axes.plot(mean, row, "o", ms=8, color=arm.colour, mec="white")
                axes.plot(theirs, row, "x", ms=7, mew=2, color=BLACK)
        figure.supxlabel("mean Dice: × the paper, ● ours", fontsize=11)
    return Picture(figure)
