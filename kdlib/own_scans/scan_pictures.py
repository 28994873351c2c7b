"""Pictures of an answer to a scan: grey slices with borders of the lesions and of the brain."""

from base64 import b64encode
from io import BytesIO
from typing import NamedTuple

import matplotlib.image
import numpy as np
from numpy.typing import NDArray

from kdlib.data.box import bounding_box, grey
from kdlib.data.head import foreground
from kdlib.data.volume import Volume, to_lps
from kdlib.own_scans.segmentation import Answer
from kdlib.scores.metrics import Mask

SHOWN_SHARES = (0.15, 0.5, 0.85)  # shown: slices with these shares of the lesions below


class ScanSlice(NamedTuple):
    """A slice of a scan for a page: the FLAIR is a picture, the border of each mask is a path.

    Attributes:
        title: which slice it is, counted from the feet.
        shape: voxels along x and y, whose axes are LPS.
        spacing_mm: the edges of a voxel along x and y.
        png: the FLAIR in grey, as base64.
        borders: an SVG path for each mask, by its name. A unit is one voxel.
    """

    title: str
    shape: tuple[int, int]
    spacing_mm: tuple[float, float]
    png: str
    borders: dict[str, str]


def slices_of(answer: Answer) -> list[ScanSlice]:
    """At most three slices of a scan, which show where its lesions are."""
    flair = to_lps(answer.flair)
    brain = {} if answer.brain is None else {"brain": answer.brain}
    shown = {
        name: to_lps(Volume(mask, answer.flair.affine)).array
        for name, mask in (brain | answer.masks).items()
    }
    head = foreground(flair.array)
    here = np.any([shown[name] for name in answer.masks], axis=0) & head
    weight = (here if here.any() else head).sum(axis=(0, 1)).astype(float)
    x, y, _ = bounding_box(head, margin=4)
    shades = grey(flair.array, head, float(np.percentile(flair.array, 1)))
    return [
        ScanSlice(
            title=f"slice {z + 1} of {flair.array.shape[2]}",
            shape=shades[x, y, z].shape,
            spacing_mm=flair.spacing_mm[:2],
            png=_png(shades[x, y, z]),
            borders={name: border(mask[x, y, z]) for name, mask in shown.items()},
        )
        for z in shown_slices(weight)
    ]


def _png(shades: NDArray[np.uint8]) -> str:
    buffer = BytesIO()
    matplotlib.image.imsave(buffer, shades.T, cmap="gray", vmin=0, vmax=255, format="png")
    return b64encode(buffer.getvalue()).decode()


def border(mask: Mask) -> str:
    """The edges between the voxels (x, y) of a mask and the others, as an SVG path."""
    padded = np.pad(mask, 1)
    right = np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])
    down = np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])
    return "".join([f"M{x} {y}v1" for x, y in right] + [f"M{x} {y}h1" for x, y in down])


def shown_slices(weight: NDArray[np.floating]) -> list[int]:
    """The slices at ``SHOWN_SHARES`` of the total ``weight``, which has one number per slice."""
    summed = np.cumsum(weight)
    return sorted({int(np.searchsorted(summed, share * summed[-1])) for share in SHOWN_SHARES})
