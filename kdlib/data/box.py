"""Cut an image to the part that is marked, and turn intensities into grey levels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WHITE_PERCENTILE = 99.8  # intensities above this percentile are shown white


def bounding_box(mask: NDArray[np.bool_], margin: int | Sequence[int] = 0) -> tuple[slice, ...]:
    """The smallest box that holds every marked voxel, with ``margin`` voxels around it.

    ``mask`` may have any number of axes. ``margin`` is one number, or one for each axis. The box
    never leaves the image. If no voxel is marked, it is the whole image.
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


def robust_box(mask: NDArray[np.bool_], share: float = 0.005) -> tuple[slice, ...]:
    """The box of the marked voxels without the outermost ``share`` of them at each side.

    A few voxels far from the others do not move it, unlike ``bounding_box``.
    """
    if not mask.any():
        return bounding_box(mask)
    box = []
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        below = np.cumsum(mask.sum(axis=others)) / mask.sum()
        first, last = np.searchsorted(below, [share, 1 - share])
        box.append(slice(int(first), int(last) + 1))
    return tuple(box)


def grey(array: NDArray, inside: NDArray[np.bool_], black: float = 0.0) -> NDArray[np.uint8]:
    """Map intensities to grey levels: ``black`` becomes 0, the bright end of ``inside`` 255.

    The bright end is the ``WHITE_PERCENTILE`` of ``array[inside]``. The result is 0 everywhere if
    no voxel is ``inside``, or if none of them is brighter than ``black``.
    """
    white = float(np.percentile(array[inside], WHITE_PERCENTILE)) if inside.any() else black
    return grey_between(array, black, white)


def grey_between(array: NDArray, black: float, white: float) -> NDArray[np.uint8]:
    """Map intensities to grey levels: ``black`` and below become 0, ``white`` and above 255.

    The result is 0 everywhere if ``white`` is not above ``black``.
    """
    if white <= black:
        return np.zeros(array.shape, np.uint8)
    return ((array - black) / (white - black) * 255).clip(0, 255).round().astype(np.uint8)
