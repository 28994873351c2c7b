"""The threshold explorer: what it costs to be cautious, on the slices that a study saved."""

import numpy as np
import traitlets
from numpy.typing import NDArray

from kdlib.record.arrays import Arrays, Key
from kdlib.record.results import Results
from kdlib.report.figures import Picture, drawing
from kdlib.report.pictures import overlap, show_slice
from kdlib.report.widgets.base import Explorer, greys_and_others, script, source
from kdlib.report.widgets.pairs import COLOURS
from kdlib.study.arm import featured, lower_bound

MOST_ARMS = 4
SHOWN = (0.1, 0.5, 0.9)  # thresholds of the still picture


class ThresholdExplorer(Explorer):
    """Lists for the pair, the method and the subject, and a slider for the threshold (0 to 1).

    ``pair`` is "source target".
    """

    _esm = script("slices.js", "threshold.js")
    _css = source("explorers.css")
    budget = 1_500_000
    pair = traitlets.Unicode().tag(sync=True)
    arm = traitlets.Unicode().tag(sync=True)
    subject = traitlets.Unicode().tag(sync=True)
    threshold = traitlets.Float(0.5).tag(sync=True)


def threshold_explorer(results: Results) -> ThresholdExplorer:
    """Make the explorer of the saved probabilities of up to four arms that see pooled scans."""
    arms = _arms(results)
    arrays, runs = Arrays(), []
    for pair in results.pairs:
        for subject in results.subjects(*pair):
            example = results.example(*pair, subject)
            scan = {part: Key((pair[1], subject), part) for part in ("flair", "truth")}
            arrays |= {key: example[part].T for part, key in scan.items()}
            for arm in (name for name in arms if name in example):
                answer = Key((*pair, subject), arm)
                arrays[answer] = _rounded(example[arm].T)
                names = {"source": pair[0], "target": pair[1], "arm": arm, "subject": subject}
                parts = {part: str(key) for part, key in (scan | {"answer": answer}).items()}
                runs.append(names | parts)
    pair, arm = results.pairs[0], list(arms)[-1]
    subject = results.subjects(*pair)[-1]

    return ThresholdExplorer(
        *greys_and_others(arrays),
        _still(results.example(*pair, subject), arm),
        f"The answer of {arms[arm]} to subject {subject} of {pair[1].capitalize()}, cut at three "
        "thresholds. With a low threshold more lesion is found, and more is marked that is none.",
        facts={"runs": runs, "arms": list(map(list, arms.items())), "colours": COLOURS},
        kind="threshold",
        pair=" ".join(pair),
        arm=arm,
        subject=subject,
    )


def _arms(results: Results) -> dict[str, str]:
    """The labels of the lower bound, of AdaBN and of the featured arms, at most four, by name."""
    norms = [name for name, arm in results.arms.items() if arm.method == "adabn"]
    names = dict.fromkeys([lower_bound(results.arms), *norms, *featured(results.arms)])
    held = results.example(*results.pairs[0], results.subjects(*results.pairs[0])[-1])
    kept = [name for name in names if name is not None and name in held]
    return {name: results.arms[name].label for name in kept[:MOST_ARMS]}


def _rounded(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each probability at the highest threshold of the slider that it reaches, as it packs better.

    So no voxel is on another side of a threshold than before.
    """
    cuts = np.array([0, *np.floor(np.arange(1, 100) / 100 * 255 + 0.5)], np.uint8)
    return cuts[np.searchsorted(cuts, array, side="right") - 1]


def _still(example: dict[str, NDArray[np.uint8]], arm: str) -> Picture:
    with drawing(2.6, 1, len(SHOWN), scans=True) as (figure, grid):
        for axes, threshold in zip(np.ravel(grid), SHOWN, strict=True):
            show_slice(axes, example["flair"])
            cut = (example[arm] >= round(threshold * 255)).astype(np.uint8) * 255
            for kind, voxels in overlap(example["truth"], cut).items():
                if voxels.any():
                    axes.contour(voxels.T, levels=[0.5], colors=[COLOURS[kind]], linewidths=1)
            axes.set_title(f"threshold {threshold:g}")
    return Picture(figure, "png")
