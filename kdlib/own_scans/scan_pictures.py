"""Pictures of an answer to a scan for a page: grey slices, and over them the lesions' borders."""

from base64 import b64encode
from io import BytesIO
from typing import NamedTuple

import matplotlib.image
import numpy as np
from numpy.typing import NDArray

from kdlib.data.box import bounding_box, grey
from kdlib.data.frame import foreground
from kdlib.data.volume import Volume, to_lps
from kdlib.own_scans.segmentation import Answer
from kdlib.scores.metrics import Mask

SHOWN_SHARES = (0.15, 0.5, 0.85)  # slices at these shares of the lesion volume, from below


class ScanSlice(NamedTuple):
    """A slice of a scan for a page: the FLAIR as a picture, the border of each mask as a path.

    Attributes:
        title: which slice it is; the first is at the feet.
        shape: voxels along x and y, whose axes are LPS.
        spacing_mm: the edges of a voxel along x and y.
        png: the FLAIR in grey, as base64.
        borders: SVG paths, a unit is one voxel, by whose mask it is.
    """

    title: str
    shape: tuple[int, int]
    spacing_mm: tuple[float, float]
    png: str
    borders: dict[str, str]


def slices_of(answer: Answer) -> list[ScanSlice]:
    """The slices of one scan that show where its lesions are; three at most."""
    flair = to_lps(answer.flair)
    masks = {
        name: to_lps(Volume(mask, answer.flair.affine)).array for name, mask in answer.masks.items()
    }
    head = foreground(flair.array)
    here = np.any(list(masks.values()), axis=0) & head
    weight = (here if here.any() else head).sum(axis=(0, 1)).astype(float)
    x, y, _ = bounding_box(head, margin=4)
    shades = grey(flair.array, head, float(np.percentile(flair.array, 1)))
    return [
        ScanSlice(
            title=f"slice {z + 1} of {flair.array.shape[2]}",
            shape=shades[x, y, z].shape,
            spacing_mm=flair.spacing_mm[:2],
            png=_png(shades[x, y, z]),
            borders={name: border(mask[x, y, z]) for name, mask in masks.items()},
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
    """The slices where the ``SHOWN_SHARES`` of all ``weight``, one number a slice, are reached."""
    summed = np.cumsum(weight)
    return sorted({int(np.searchsorted(summed, share * summed[-1])) for share in SHOWN_SHARES})
