"""Pictures of an answer to a scan for a page: grey slices, and over them the lesions' borders."""

from base64 import b64encode
from html import escape
from io import BytesIO

import matplotlib.image
import numpy as np
from numpy.typing import NDArray

from kdlib.data.box import bounding_box, grey
from kdlib.data.frame import foreground
from kdlib.data.volume import Volume, to_lps
from kdlib.own_scans.segmentation import Answer
from kdlib.scores.metrics import Mask

SHOWN_SHARES = (0.15, 0.5, 0.85)  # slices at these shares of the lesion volume, from below


def picture(flair: NDArray, masks: dict[str, Mask], spacing_mm: tuple[float, float]) -> str:
    """A slice (x, y) of axes LPS as SVG: the FLAIR in grey, the border of each mask over it."""
    width, height = flair.shape
    x, y = spacing_mm
    buffer = BytesIO()
    matplotlib.image.imsave(buffer, flair.T, cmap="gray", vmin=0, vmax=255, format="png")
    image = f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"
    borders = "".join(f'<path class="{name}" d="{border(m)}"/>' for name, m in masks.items())
    return (
        f'<svg viewBox="0 0 {width * x:.2f} {height * y:.2f}" role="img">'
        f'<g transform="scale({x:.4f} {y:.4f})"><image href="{image}" width="{width}" '
        f'height="{height}" preserveAspectRatio="none"/>{borders}</g></svg>'
    )


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


def section(answer: Answer, place: str) -> str:
    """One scan: its pictures, from the feet upwards; ``place``: the id to link to."""
    flair = to_lps(answer.flair)
    masks = {
        name: to_lps(Volume(mask, answer.flair.affine)).array for name, mask in answer.masks.items()
    }
    head = foreground(flair.array)
    lesion = np.any(list(masks.values()), axis=0)
    here = lesion & head
    weight = (here if here.any() else head).sum(axis=(0, 1)).astype(float)
    x, y, _ = bounding_box(head, margin=4)
    shades = grey(flair.array, head, float(np.percentile(flair.array, 1)))
    figures = []
    for z in shown_slices(weight):
        plane = (x, y, z)
        borders = {name: mask[plane] for name, mask in masks.items()}
        drawn = picture(shades[plane], borders, flair.spacing_mm[:2])
        which = f"slice {z + 1} of {flair.array.shape[2]}"
        figures.append(f"<figure>{drawn}<figcaption>{which}</figcaption></figure>")
    name = escape(answer.facts["subject"])
    none = "" if lesion.any() else "<p>No lesion found.</p>"
    pictures = f"<div class='row'>{''.join(figures)}</div>"
    return f"<section id='{place}'><h3>{name}</h3>{none}{pictures}</section>"
