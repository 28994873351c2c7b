"""The charts of the book and the report. Colour-blind readers can tell their colours apart.

Every function takes saved results and returns a ``Picture``. A notebook shows charts as SVG and
scans as PNG. Charts are five inches wide with letters of 11 points, so they can be read on a phone.
"""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from kdlib.files import atomic
from kdlib.study.arm import BOUNDS

# These colours stand out on a light page and, inverted, on a dark one. No arm has those of clinics.
PALE, BLACK, DARK = BOUNDS["lower bound"], BOUNDS["upper bound"], "#444444"
CLINIC_COLOURS = {"utrecht": "#1d5a5a", "singapore": "#cc6677", "amsterdam": "#8b6cc2"}
WIDTH = 5.0  # inches
SMALLEST = 10  # points; on a phone of 390 pixels letters of a chart then have nine
STYLE: Any = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "figure.facecolor": "none",  # the page's ground shows through; a dark page inverts charts
    "axes.facecolor": "none",
    "svg.hashsalt": "kdlib",  # so that the same results give the same file
}
# Scans stand on black, as in a reading room, on a light page and on a dark one.
INK = "#e8e8e8"
SCANS: Any = {"text.color": INK, "axes.labelcolor": INK, "axes.titlecolor": INK}
SCANS |= {"xtick.color": INK, "ytick.color": INK, "axes.edgecolor": INK}


@dataclass(frozen=True)
class Picture:
    """A figure, and the format in which it is shown."""

    figure: Figure
    kind: Literal["svg", "png"] = "svg"

    def data(self) -> bytes:
        """The picture as the bytes of a file."""
        buffer = BytesIO()
        metadata = {"Date": None} if self.kind == "svg" else {}
        with mpl.rc_context(STYLE):
            self.figure.savefig(
                buffer, format=self.kind, dpi=100, bbox_inches="tight", metadata=metadata,
                facecolor="none" if self.kind == "svg" else "black",
            )  # fmt: skip
        return buffer.getvalue() if self.kind == "svg" else _few_colours(buffer)

    def save(self, path: Path | str) -> None:
        """Write the picture to ``path``, whole or not at all."""
        with atomic(Path(path)) as temporary:
            temporary.write_bytes(self.data())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        data = self.data()
        if self.kind == "svg":
            return {"image/svg+xml": data.decode()}
        return {"image/png": base64.b64encode(data).decode()}


def _few_colours(png: BytesIO) -> bytes:
    """The picture in 96 colours, which needs a third of the bytes. Scans have few colours."""
    small = BytesIO()
    Image.open(png).convert("RGB").quantize(
        96, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    ).save(small, "PNG", optimize=True)
    return small.getvalue()


@contextmanager
def drawing(
    height: float,
    rows: int = 1,
    columns: int = 1,
    *,
    width: float = WIDTH,
    scans: bool = False,
    **options: Any,
) -> Iterator[Any]:
    """A new figure in the book's style with its axes, ``height`` and ``width`` in inches.

    With ``scans`` its letters are light, as it is shown on black.
    """
    with mpl.rc_context(STYLE | SCANS if scans else STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots(rows, columns, **options)
        if not scans:
            _keep_numbers_apart(figure)


def _keep_numbers_apart(figure: Figure) -> None:
    """Take fewer numbers on the x axes until none touches the next."""
    for most in range(8, 1, -1):
        figure.draw_without_rendering()
        crowded = [axes for axes in figure.axes if numbers_touch(axes)]
        for axes in crowded:
            axes.locator_params(axis="x", nbins=most)
        if not crowded:
            return


def numbers_touch(axes: Axes) -> bool:
    """Whether two numbers of the x axis, as it was last drawn, are less than half a letter apart.

    An axis whose places were set by hand is never said to be crowded.
    """
    if not isinstance(axes.xaxis.get_major_locator(), MaxNLocator):
        return False
    left, right = sorted(axes.get_xlim())
    labels = [one for one in axes.get_xticklabels() if left <= one.get_position()[0] <= right]
    boxes = sorted((box.x0, box.x1) for box in (label.get_window_extent() for label in labels))
    gap = SMALLEST / 2 * axes.figure.dpi / 72
    return any(after[0] - before[1] < gap for before, after in pairwise(boxes))


def name_rows(axes: Axes, names: list[str]) -> None:
    """Name the rows, the first on top."""
    # A user may have chosen the names. A "$" in them does not start a formula.
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def training_curve(history: pd.DataFrame) -> Picture:
    """The mean losses along a training, with one line for each loss.

    ``history`` is a table like ``Run.history``. For a discriminator a dashed line shows the loss of
    pure guessing, log 2.
    """
    losses = [name for name in history if name not in ("step", "learning_rate")]
    with drawing(2.8) as (figure, axes):
        if "domain" in losses:
            axes.axhline(np.log(2), color=sns.color_palette("colorblind")[1], ls="--", lw=1)
        sns.lineplot(
            history.set_index("step")[losses], estimator=None, palette="colorblind", dashes=False,
            lw=1.8, ax=axes,
        )  # fmt: skip
        axes.set(xlabel="optimiser step", ylabel="loss")
    return Picture(figure)


def curves(functions: dict[str, Callable[[Any], Any]], x: Any, x_name: str, y_name: str) -> Picture:
    """Draw named functions of ``x``, in colours from dark to light."""
    shades = mpl.colormaps["viridis"](np.linspace(0, 0.65, len(functions)))
    with drawing(3.2) as (figure, axes):
        for (name, function), shade in zip(functions.items(), shades, strict=True):
            axes.plot(x, function(x), color=shade, lw=2, label=name)
        axes.set_xlabel(x_name)
        axes.set_ylabel(y_name)
        if len(functions) > 1:
            axes.legend()
    return Picture(figure)


def before_and_after(
    before: pd.DataFrame, after: pd.DataFrame, names: tuple[str, str], colour: str = DARK
) -> Picture:
    """The Dice of each tested subject in the ``scores`` of two runs, joined by a line.

    The mean has a thick line in ``colour``, that of the second arm.
    """
    both = before.merge(after, on="subject", suffixes=("_before", "_after"))
    values = both[["dice_before", "dice_after"]].to_numpy().T
    with drawing(3.2) as (figure, axes):
        axes.plot([0, 1], values, "o-", color=PALE, ms=5, lw=1)
        axes.plot([0, 1], values.mean(axis=1), "o-", color=colour, ms=9, lw=2.5, label="mean")
        axes.set_xticks([0, 1], names, parse_math=False)
        axes.set_xlim(-0.25, 1.25)
        axes.set_ylabel("Dice")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1))
    return Picture(figure)
