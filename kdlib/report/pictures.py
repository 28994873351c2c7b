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

from kdlib.data.box import bounding_box
from kdlib.data.labels import THRESHOLD, Label
from kdlib.report.figures import SCANS, STYLE, Picture
from kdlib.study.arm import Arm, adapting, featured, lower_bound, upper_bound

if TYPE_CHECKING:
    from kdlib.data.subjects import LabelledScan

Slice = NDArray[np.uint8]
ERRORS = {"found": "#56b4e9", "missed": "#e69f00", "false": "#f0579b"}
TRUTH = "#56b4e9"
SIDE_BY_SIDE = 3  # pictures: with more of them small lesions could not be seen
FINE = 4  # points of a border for each edge of a voxel
PANEL = 2.75  # inches of a picture's width
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
    """For each subject: FLAIR, truth, and each arm's answer by what it found, missed, made up.

    ``examples``: of each subject (its name) what ``Results.example`` gives. ``arms``: the title of
    each arm by its name. Three pictures stand side by side, so that small lesions can be seen.
    """
    panels = 2 + len(arms)
    lines = -(-panels // SIDE_BY_SIDE)
    shape = (lines * len(examples), SIDE_BY_SIDE)
    with mpl.rc_context(STYLE | SCANS):
        size = (PANEL * shape[1], 1.2 * PANEL * shape[0] + 0.4)
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(*shape, squeeze=False)
        for rows, (name, example) in zip(
            np.split(grid, len(examples)), examples.items(), strict=True
        ):
            _subject(rows.ravel(), name, example, arms)
        _legend(figure)
    return Picture(figure, "png")


def _subject(
    panels: NDArray, name: str, example: dict[str, Slice], arms: Mapping[str, str]
) -> None:
    window = head_window(example["flair"])
    flair, truth = example["flair"][window], example["truth"][window]
    titles = ["FLAIR", "truth", *arms.values()]
    for axes, title in zip(panels, titles, strict=False):
        show_slice(axes, flair)
        axes.set_title(fill(title, 24), fontsize=14, parse_math=False)
    for axes in panels[len(titles) :]:
        axes.set_visible(False)
    panels[0].set_ylabel(name, fontsize=13, parse_math=False)
    _paint(panels[1], truth == Label.LESION, TRUTH)
    for axes, arm in zip(panels[2:], arms, strict=False):
        for kind, voxels in overlap(truth, example[arm][window]).items():
            _paint(axes, voxels, ERRORS[kind])


def compared(subject: "LabelledScan", answers: dict[str, Slice]) -> Picture:
    """The ``example_slice`` of a subject: FLAIR, truth, and named answers (0 to 255) to it."""
    from kdlib.scores.example import example_scan  # it loads torch, which few chapters need

    example = example_scan(subject.scan.read()[0], subject.read_labels())
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
    """Tint voxels and draw their border, dark outside, so that it is seen on white lesions too."""
    shown = np.ma.masked_where(~voxels.T, voxels.T.astype(float))
    axes.imshow(shown, cmap=ListedColormap([to_rgb(colour)]), alpha=0.35, interpolation="nearest")
    if not voxels.any():
        return
    window = bounding_box(voxels, margin=1)
    fine = np.kron(voxels[window].T, np.ones((FINE, FINE)))  # the contour follows the voxels' edges
    x, y = (np.arange(w.start * FINE, w.stop * FINE) / FINE - 0.5 + 0.5 / FINE for w in window)
    axes.contour(x, y, fine, levels=[0.5], colors=["black"], linewidths=2.2)
    axes.contour(x, y, fine, levels=[0.5], colors=[colour], linewidths=1.3)


def _legend(figure: Figure) -> None:
    handles = [Patch(color=colour, label=f"{kind} lesion") for kind, colour in ERRORS.items()]
    figure.legend(
        handles=handles, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 0.01), fontsize=13
    )
