"""The charts of the book and the report: one style, colours that colour-blind readers tell apart.

Every function takes saved results and gives a ``Picture``, which a notebook shows as SVG (charts)
or PNG (scans). Five inches wide with 11 point letters, so that a phone's screen still reads.
"""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from kdlib.evidence import paper
from kdlib.evidence.comparisons import PAIR, POOLED, comparisons, subject_scores
from kdlib.evidence.statistics import bootstrap_interval
from kdlib.files import atomic
from kdlib.report.tables import ARM_ORDER
from kdlib.scores.metrics import METRIC_NAMES

# Wong, Nature Methods 8 (2011): told apart by readers with any common colour blindness.
COLOURS = {
    "L-bound": "#8c8c8c",
    "ADA": "#d55e00",
    "KD": "#0072b2",
    "U-bound": "#222222",
    "KD on the fly": "#56b4e9",
    "ADA on the fly": "#e69f00",
    "ADA then KD": "#009e73",
}
CLINIC_COLOURS = {"utrecht": "#0072b2", "singapore": "#d55e00", "amsterdam": "#009e73"}
WIDTH = 5.0  # inches
STYLE: Any = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "figure.facecolor": "white",
    "svg.hashsalt": "kdlib",  # the same results give the same file
}


@dataclass(frozen=True)
class Picture:
    """A figure and how it is shown."""

    figure: Figure
    kind: Literal["svg", "png"] = "svg"

    def data(self) -> bytes:
        """The picture as a file's bytes."""
        buffer = BytesIO()
        metadata = {"Date": None} if self.kind == "svg" else {}
        with mpl.rc_context(STYLE):
            self.figure.savefig(
                buffer, format=self.kind, dpi=100, bbox_inches="tight", metadata=metadata
            )
        return buffer.getvalue() if self.kind == "svg" else _few_colours(buffer)

    def save(self, path: Path | str) -> None:
        """Write the picture, whole or not at all."""
        with atomic(Path(path)) as temporary:
            temporary.write_bytes(self.data())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        data = self.data()
        if self.kind == "svg":
            return {"image/svg+xml": data.decode()}
        return {"image/png": base64.b64encode(data).decode()}


def _few_colours(png: BytesIO) -> bytes:
    """The picture in 96 colours, a third of the bytes: scans are grey with three colours on."""
    small = BytesIO()
    Image.open(png).convert("RGB").quantize(
        96, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    ).save(small, "PNG", optimize=True)
    return small.getvalue()


@contextmanager
def drawing(height: float, rows: int = 1, columns: int = 1, **options: Any) -> Iterator[Any]:
    """A new figure in the book's style with its axes, ``height`` inches high."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        yield figure, figure.subplots(rows, columns, **options)


def dice_by_arm(scores: pd.DataFrame, metric: str = "dice") -> Picture:
    """A row per arm: a dot per subject, the mean and its 95 % interval; lines at both bounds.

    Pairs are averaged within the target subject, as are seeds.
    """
    by_arm = subject_scores(scores, metric).groupby(["target", "subject"]).mean()
    arms = [arm for arm in ARM_ORDER if arm in by_arm]
    with drawing(0.45 * len(arms) + 0.9) as (figure, axes):
        for row, arm in enumerate(arms):
            _arm_row(axes, row, by_arm[arm].dropna(), COLOURS[arm])
        for bound in ("L-bound", "U-bound"):
            if bound in arms:
                axes.axvline(by_arm[bound].mean(), color=COLOURS[bound], ls="--", lw=1, zorder=1)
        name_rows(axes, [_with_size(by_arm, arm) for arm in arms])
        axes.set_xlabel(f"{METRIC_NAMES.get(metric, metric)} on the target")
    return Picture(figure)


def _with_size(by_arm: pd.DataFrame, arm: str) -> str:
    """An arm's name, with its number of subjects where others have more."""
    tested = by_arm.count()
    return arm if tested[arm] == tested.max() else f"{arm} (n = {tested[arm]})"


def _arm_row(axes: Axes, row: int, values: pd.Series, colour: str) -> None:
    """Dots above, mean and interval below the row's line."""
    offsets = np.linspace(-0.28, -0.12, 4)[np.arange(len(values)) % 4]
    axes.scatter(values, row + offsets, s=14, color=colour, alpha=0.55, lw=0)
    clinics = values.index.get_level_values("target").to_numpy()
    mean, low, high = bootstrap_interval(values.to_numpy(float), clinics)
    axes.plot([low, high], [row + 0.16] * 2, color=colour, lw=2.5, solid_capstyle="round")
    axes.plot(mean, row + 0.16, "o", ms=8, color=colour, mec="white", zorder=3)


def name_rows(axes: Axes, names: list[str]) -> None:
    """Name the rows, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def difference_intervals(scores: pd.DataFrame, metric: str = "dice") -> Picture:
    """KD - L-bound, ADA - L-bound and KD - ADA with their 95 % intervals, pair by pair.

    A cross marks the difference that the paper printed for the pair.
    """
    table = comparisons(scores, metric)
    table = table[table["source"] != POOLED].reset_index(drop=True)
    names = [f"{row.arm} − {row.baseline}\n{_pair(row)}" for row in table.itertuples()]
    with drawing(0.55 * len(names) + 0.9) as (figure, axes):
        axes.axvline(0, color="#444444", lw=1)
        for place, row in table.iterrows():
            colour = COLOURS[row["arm"]] if row["baseline"] == "L-bound" else "#cc79a7"
            axes.plot([row["low"], row["high"]], [place] * 2, color=colour, lw=2.5)
            axes.plot(row["difference"], place, "o", ms=7, color=colour, mec="white")
            if metric == "dice":
                axes.plot(_printed(row), place, "x", ms=7, mew=2, color="#222222")
        name_rows(axes, names)
        axes.set_xlabel(f"difference of {METRIC_NAMES.get(metric, metric)}")
        axes.locator_params(axis="x", nbins=5)
    return Picture(figure)


def _printed(row: pd.Series) -> float:
    """The paper's difference of the same arms in the same pair; NaN if it has none."""
    pair = (row["source"], row["target"])
    if pair not in paper.PAIRS:
        return float("nan")
    return paper.printed_difference(row["arm"], row["baseline"], (pair,))


def _pair(row: Any) -> str:
    return f"{row.source.capitalize()} to {row.target.capitalize()}"


def paper_and_ours(scores: pd.DataFrame) -> Picture:
    """The mean Dice of every arm and pair: the paper's (cross) and ours (dot), a panel a pair."""
    ours = subject_scores(scores).groupby(PAIR).mean()
    printed = paper.printed_results().set_index([*PAIR, "arm"])["mean"]
    arms = [arm for arm in ARM_ORDER if arm in ours and arm != "ADA then KD"]
    columns = min(2, len(ours))
    rows = -(-len(ours) // columns)
    height = rows * (0.3 * len(arms) + 0.8)
    with drawing(height, rows, columns, sharex=True, sharey=True, squeeze=False) as (figure, grid):
        for axes, (source, target) in zip(grid.flat, ours.index.to_list(), strict=False):
            means = ours.loc[(source, target)]
            for row, arm in enumerate(arms):
                theirs = printed.get((source, target, arm), np.nan)
                axes.plot([theirs, means[arm]], [row] * 2, color="#cccccc", lw=2, zorder=1)
                axes.plot(theirs, row, "x", ms=7, mew=2, color="#222222")
                axes.plot(means[arm], row, "o", ms=8, color=COLOURS[arm], mec="white")
            name_rows(axes, arms)
            axes.set_title(f"{source.capitalize()} to {target.capitalize()}", fontsize=11)
        for axes in list(grid.flat)[len(ours) :]:
            axes.set_visible(False)
        figure.supxlabel("mean Dice: × the paper, ● ours", fontsize=11)
    return Picture(figure)


def training_curve(history: pd.DataFrame) -> Picture:
    """Mean losses along a training, one line a loss; ``history`` as ``Run.history``.

    Beside a discriminator's loss a dashed line says where it guesses: log 2.
    """
    losses = [name for name in history if name not in ("step", "learning_rate")]
    with drawing(2.8) as (figure, axes):
        if "domain" in losses:
            axes.axhline(np.log(2), color="#d55e00", ls="--", lw=1)
        for name, colour in zip(losses, ("#0072b2", "#d55e00", "#009e73"), strict=False):
            axes.plot(history["step"], history[name], color=colour, lw=1.8, label=name)
        axes.set_xlabel("optimiser step")
        axes.set_ylabel("loss")
        axes.legend()
    return Picture(figure)


def curves(functions: dict[str, Callable[[Any], Any]], x: Any, x_name: str, y_name: str) -> Picture:
    """Named functions of ``x``, from dark to light."""
    shades = mpl.colormaps["viridis"](np.linspace(0, 0.85, len(functions)))
    with drawing(3.2) as (figure, axes):
        for (name, function), shade in zip(functions.items(), shades, strict=True):
            axes.plot(x, function(x), color=shade, lw=2, label=name)
        axes.set_xlabel(x_name)
        axes.locator_params(axis="x", nbins=6)
        axes.set_ylabel(y_name)
        if len(functions) > 1:
            axes.legend()
    return Picture(figure)


def before_and_after(before: pd.DataFrame, after: pd.DataFrame, names: tuple[str, str]) -> Picture:
    """Dice of each tested subject in two runs' ``scores``, joined by a line."""
    both = before.merge(after, on="subject", suffixes=("_before", "_after"))
    values = both[["dice_before", "dice_after"]].to_numpy().T
    with drawing(3.2) as (figure, axes):
        axes.plot([0, 1], values, "o-", color="#bbbbbb", ms=5, lw=1)
        axes.plot([0, 1], values.mean(axis=1), "o-", color="#0072b2", ms=9, lw=2.5, label="mean")
        axes.set_xticks([0, 1], names)
        axes.set_xlim(-0.25, 1.25)
        axes.set_ylabel("Dice")
        axes.legend()
    return Picture(figure)
