"""The part of an image that holds what is marked, and an image in grey."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WHITE_PERCENTILE = 99.8  # of the intensities that count: white from there on


def bounding_box(mask: NDArray[np.bool_], margin: int | Sequence[int] = 0) -> tuple[slice, ...]:
    """The smallest box that holds every marked voxel, with ``margin`` voxels around it.

    ``mask`` has any number of axes; ``margin`` is one number, or one for each axis. The box ends at
    the borders of the image. It is the whole image where nothing is marked.
    """
    if not mask.any():
        return tuple(slice(0, size) for size in mask.shape)
    axes = set(range(mask.ndim))
    spans = [np.flatnonzero(mask.any(axis=tuple(axes - {axis}))) for axis in sorted(axes)]
    margins = np.broadcast_to(margin, mask.ndim)
    return tuple(
        slice(max(int(span[0] - extra), 0), min(int(span[-1] + 1 + extra), size))
        for span, extra, size in zip(spans, margins, mask.shape, strict=True)
    )


def grey(array: NDArray, inside: NDArray[np.bool_], black: float = 0.0) -> NDArray[np.uint8]:
    """Intensities as 0 (``black`` and below) to 255 (``WHITE_PERCENTILE`` of ``array[inside]``).

    All 0 where nothing is ``inside`` or nothing there is brighter than ``black``.
    """
    white = float(np.percentile(array[inside], WHITE_PERCENTILE)) if inside.any() else black
    return grey_between(array, black, white)


def grey_between(array: NDArray, black: float, white: float) -> NDArray[np.uint8]:
    """Intensities as 0 (``black`` and below) to 255 (``white`` and above).

    All 0 where ``white`` is not above ``black``.
    """
    if white <= black:
        return np.zeros(array.shape, np.uint8)
    return ((array - black) / (white - black) * 255).clip(0, 255).round().astype(np.uint8)
