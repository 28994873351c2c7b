"""A whole head on a small grid: how the brain network sees a scan, and the way back.

The steps are few and plain, so that other languages can repeat them:

1. What a program filled in around the head becomes 0. Along each axis (left, back, up) the scan is
   resampled to voxels of ``VOXEL_MM``. A new voxel is a weighted mean of the old ones: the weight
   falls linearly to 0 over one voxel, old or new, whichever is larger. So thin slices are averaged
   and thick ones are interpolated.
2. ``find_head`` tells the head from air, and makes the air equally dark.
3. A window of ``SHAPE`` is cut out. It is centred on the head in plane. Its top lies ``ABOVE``
   voxels above the top of the head, since the neck may be of any length.
4. Intensities are scaled: air becomes 0, the ``BRIGHT`` percentile of the head in the window
   becomes 1. Values outside of this range are cut off.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdlib.data.box import robust_box
from kdlib.data.head import fill_value, find_head
from kdlib.data.volume import Volume

VOXEL_MM = 3.0
SHAPE = (64, 80, 64)
ABOVE = 2  # voxels of the window above the head
BRIGHT = 98.0  # percentile; the brightest fat may be cut off, but not the brain
AROUND = 0.005  # share of a head's voxels at each side of it that do not count for the window

Image = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Window:
    """The network's view of a coarse image.

    Attributes:
        image: the intensities (64, 80, 64) in [0, 1]. Air is 0.
        first: the index in the coarse image of the window's first voxel. It may be negative.
    """

    image: Image
    first: tuple[int, int, int]


def coarse_image(scan: Volume) -> Image:
    """The whole of a scan (axes LPS) with voxels of 3 mm; both have the same middle.

    It is shifted so that what a program filled in is 0: means of zeros are exactly 0.
    """
    image = scan.array.astype(np.float32)
    image = image - np.float32(fill_value(image))
    for axis, (size, edge) in enumerate(zip(scan.array.shape, scan.spacing_mm, strict=True)):
        step = VOXEL_MM / edge
        image = along(image, axis, weights(size, max(1, round(size / step)), step))
    return image


def on_scan(coarse: Image, scan: Volume) -> Image:
    """Bring ``coarse``, on the grid of ``coarse_image(scan)``, to the voxels of ``scan``."""
    for axis, (size, edge) in enumerate(zip(scan.array.shape, scan.spacing_mm, strict=True)):
        coarse = along(coarse, axis, weights(coarse.shape[axis], size, edge / VOXEL_MM))
    return coarse


def weights(old: int, new: int, step: float) -> Image:
    """The matrix (new, old) that turns ``old`` samples along an axis into ``new`` ones.

    The new samples are ``step`` old ones apart, and have the same middle. Each row sums to 1.

    >>> weights(4, 2, 2.0)
    array([[0.42857143, 0.42857143, 0.14285715, 0.        ],
           [0.        , 0.14285715, 0.42857143, 0.42857143]], dtype=float32)
    """
    places = (np.arange(new) - (new - 1) / 2) * step + (old - 1) / 2
    # Beyond the middle of the first and of the last sample the nearest one counts.
    away = np.abs(places.clip(0, old - 1)[:, None] - np.arange(old))
    matrix = (1 - away / max(step, 1.0)).clip(min=0)
    return (matrix / matrix.sum(axis=1, keepdims=True)).astype(np.float32)


def along(image: Image, axis: int, matrix: Image) -> Image:
    """Multiply an image (x, y, z) by ``matrix`` (new, old) along one of its axes."""
    return np.moveaxis(np.tensordot(matrix, image, (1, axis)), 0, axis)


def window(coarse: Image) -> Window:
    """Cut the head out of a coarse image (axes LPS, any size), and scale its intensities."""
    head = find_head(coarse)
    first = _first(head.inside)
    cut = cut_out(head.image, first, head.air)
    inside = cut_out(head.inside, first, False)
    bright = np.percentile(cut[inside], BRIGHT) if inside.any() else head.air
    scale = max(float(bright) - head.air, float(np.finfo(np.float32).tiny))
    return Window(((cut - head.air) / scale).clip(0, 1).astype(np.float32), first)


def cut_out(array: NDArray, first: tuple[int, ...], outside: float) -> NDArray:
    """The voxels of a window that starts at ``first``. Beyond the array they are ``outside``."""
    result = np.full(SHAPE, outside, array.dtype)
    here, there = _overlap(array.shape, first)
    result[here] = array[there]
    return result


def put_back(part: Image, first: tuple[int, ...], shape: tuple[int, ...]) -> Image:
    """A coarse image of ``shape`` that holds ``part``, a window's content, and 0 around it."""
    result = np.zeros(shape, np.float32)
    here, there = _overlap(shape, first)
    result[there] = part[here]
    return result


def _overlap(
    shape: tuple[int, ...], first: tuple[int, ...]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The part that a window and an image share: its places in the window, and in the image."""
    low = [max(0, start) for start in first]
    high = [
        max(least, min(size, start + length))
        for least, size, start, length in zip(low, shape, first, SHAPE, strict=True)
    ]
    there = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    here = tuple(slice(a - s, b - s) for a, b, s in zip(low, high, first, strict=True))
    return here, there


def _first(inside: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Where the window starts, if ``inside`` marks the head in the coarse image."""
    top = robust_box(inside, AROUND / 5)[2].stop
    bottom = top + ABOVE - SHAPE[2]
    x, y, _ = robust_box(inside[:, :, max(0, bottom) : top], AROUND)
    left, front = (
        (side.start + side.stop - size) // 2 for side, size in zip((x, y), SHAPE, strict=False)
    )
    return left, front, bottom
