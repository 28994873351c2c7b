"""Pictures of scans: slices as a radiologist sees them, with the answers in colour.

Slices are (x, y) with axes LPS. The patient's left is on the right, and the face is up.
"""

from collections.abc import Mapping
from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from kdlib.data.box import bounding_box, grey
from kdlib.data.labels import Label
from kdlib.report.figures import STYLE, Picture
from kdlib.scores.metrics import THRESHOLD
from kdlib.study.arm import Arm, adapting, featured, lower_bound, upper_bound

if TYPE_CHECKING:
    from kdlib.data.clinics import LabelledScan

Slice = NDArray[np.uint8]
ERRORS = {"found": "#56b4e9", "missed": "#e69f00", "false": "#f0579b"}
TRUTH = "#56b4e9"
SIDE_BY_SIDE = 4  # arms: with more of them the letters would be too small to read
GREY_THRESHOLD = round(THRESHOLD * 255)  # for probabilities that are stored as 0 to 255


def overlap(truth: Slice, probability: Slice) -> dict[str, NDArray[np.bool_]]:
    """Which voxels of an answer are ``found``, ``missed`` and ``false`` lesion.

    ``truth`` holds labels. Voxels of other pathology (2) do not count, as in the scores.
    """
    lesion, answer = (
        truth == Label.LESION,
        (probability >= GREY_THRESHOLD) & (truth != Label.OTHER_PATHOLOGY),
    )
    return {"found": lesion & answer, "missed": lesion & ~answer, "false": answer & ~lesion}


def first_arms(arms: Mapping[str, Arm]) -> dict[str, str]:
    """The labels of the lower bound and of the arms that the paper puts first, by name."""
    return _labels(arms, lower_bound(arms), *featured(arms))


def other_arms(arms: Mapping[str, Arm]) -> dict[str, str]:
    """The labels of both bounds and of the other arms that adapt to pooled scans, by name."""
    first = featured(arms)
    others = [n for n in adapting(arms) if n not in first and not arms[n].on_the_fly]
    return _labels(arms, lower_bound(arms), upper_bound(arms), *others)


def _labels(arms: Mapping[str, Arm], *names: str | None) -> dict[str, str]:
    return {name: arms[name].label for name in names if name is not None}


def segmentations(examples: dict[str, dict[str, Slice]], arms: Mapping[str, str]) -> Picture:
    """A row per subject: FLAIR, truth, and each arm's answer by what it found, missed, made up.

    ``examples``: of each subject (its row's name) what ``Results.example`` gives. ``arms``: the
    title of each arm by its name. Four arms stand side by side; the next four have rows below.
    """
    names = list(arms)
    blocks = [names[at : at + SIDE_BY_SIDE] for at in range(0, len(names), SIDE_BY_SIDE)] or [[]]
    shape = (len(blocks) * len(examples), 2 + len(blocks[0]))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(1.9 * shape[1], 2.35 * shape[0] + 0.4), layout="constrained")
        grid = figure.subplots(*shape, squeeze=False)
        for block, rows in zip(blocks, np.split(grid, len(blocks)), strict=True):
            for row, (name, example) in zip(rows, examples.items(), strict=True):
                _row(row, name, example, block)
            for axes, title in zip(
                rows[0], ["FLAIR", "truth", *(arms[name] for name in block)], strict=False
            ):
                axes.set_title(fill(title, 18), fontsize=14, parse_math=False)
        _legend(figure)
    return Picture(figure, "png")


def _row(row: NDArray, name: str, example: dict[str, Slice], arms: list[str]) -> None:
    window = head_window(example["flair"])
    flair, truth = example["flair"][window], example["truth"][window]
    for axes in row:
        show_slice(axes, flair)
    row[0].set_ylabel(name, fontsize=13, parse_math=False)
    _paint(row[1], truth == Label.LESION, TRUTH)
    for axes in row[2 + len(arms) :]:
        axes.set_visible(False)
    for axes, arm in zip(row[2:], arms, strict=False):
        for kind, voxels in overlap(truth, example[arm][window]).items():
            _paint(axes, voxels, ERRORS[kind])


def compared(subject: "LabelledScan", answers: dict[str, Slice]) -> Picture:
    """The ``example_slice`` of a subject: FLAIR, truth, and named answers (0 to 255) to it."""
    from kdlib.data.volume import to_lps  # it loads torch, which few chapters need
    from kdlib.scores.scoring import example_slice

    labels, flair = subject.read_labels(), to_lps(subject.scan.read()[0]).array
    place = example_slice(labels)
    truth = to_lps(labels).array[:, :, place]
    example = {"flair": grey(flair, flair > 0)[:, :, place], "truth": truth.astype(np.uint8)}
    titles = {name: name for name in answers}
    return segmentations({f"subject {subject.scan.subject}": example | answers}, titles)


def show_slice(axes: Axes, flair: Slice) -> None:
    """Show a slice in grey, without ticks."""
    axes.imshow(flair.T, cmap="gray", vmin=0, vmax=255, interpolation="bilinear")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def outline(axes: Axes, voxels: NDArray[np.bool_]) -> None:
    """Draw the border of ``voxels`` over a slice."""
    if voxels.any():
        axes.contour(voxels.T.astype(float), levels=[0.5], colors=[TRUTH], linewidths=0.9)


def head_window(flair: Slice, margin: int = 2) -> tuple[slice, slice]:
    """The part of a slice that holds the head."""
    x, y = bounding_box(flair > 20, margin)
    return x, y


def _paint(axes: Axes, voxels: NDArray[np.bool_], colour: str) -> None:
    shown = np.ma.masked_where(~voxels.T, voxels.T.astype(float))
    axes.imshow(shown, cmap=ListedColormap([to_rgb(colour)]), alpha=0.85, interpolation="nearest")


def _legend(figure: Figure) -> None:
    handles = [Patch(color=colour, label=f"{kind} lesion") for kind, colour in ERRORS.items()]
    figure.legend(
        handles=handles, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 0.01), fontsize=13
    )
