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
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from kdlib.files import atomic

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


def name_rows(axes: Axes, names: list[str]) -> None:
    """Name the rows, the first on top."""
    # A name is a user's text: a "$" in it begins no formula.
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def training_curve(history: pd.DataFrame) -> Picture:
    """Mean losses along a training, one line a loss; ``history`` as ``Run.history``.

    Beside a discriminator's loss a dashed line says where it guesses: log 2.
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
        axes.set_xticks([0, 1], names, parse_math=False)
        axes.set_xlim(-0.25, 1.25)
        axes.set_ylabel("Dice")
        axes.legend()
    return Picture(figure)
