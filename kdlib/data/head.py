"""Tell the head from what is around it: air, noise, artefacts, and what a program filled in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from kdlib.data.box import robust_box

Mask = NDArray[np.bool_]

FILL_SHARE = 0.01  # of the image's faces; a value that fills less of them is no fill value
HARDLY = 0.2  # of the image's faces
WAVES = 0.01  # of the range of intensities
FLAT = 0.5  # of a fill value's voxels on the faces, at least this share has equal neighbours
# How many of the 27 voxels around a voxel are marked too. A sheet of one voxel has 9.
SHEET, REGION = 8, 10
LARGE = 0.02  # of the head's largest part; what is smaller is noise or an artefact
DARKEST = 0.5  # percentile of the head; nothing in an image is darker


@dataclass(frozen=True, eq=False)
class Head:
    """An image in which nothing is darker than its air, and where its head lies.

    Attributes:
        image: the intensities, of the scan's shape. Air has the value ``air`` and no noise.
        inside: which voxels are head.
        air: the lowest value of ``image``.
    """

    image: NDArray
    inside: Mask
    air: float


def find_head(array: NDArray) -> Head:
    """Find the head in an image (x, y, z) and make everything around it equally dark.

    The result does not depend on how a scanner or a program scaled the intensities, nor on the
    value that it filled the surroundings with. A few bright voxels and noise in the air hardly
    change it.
    """
    filled = filling(array)
    inside = _inside(array, ~filled)
    if not inside.any():
        return Head(array, inside, float(array.min()))
    air = float(np.percentile(array[inside], DARKEST))
    around = _grown(_grown(inside)) & ~filled
    return Head(np.where(around, array, air).clip(min=air), inside, air)


def foreground(array: NDArray) -> Mask:
    """Mark the head: voxels above a tenth of the robust range of the intensities.

    This is the rule of BET (Smith 2002, Section 2.1). Voxels that a program filled in never count,
    nor do small islands, which are noise or artefacts.
    """
    return _inside(array, ~filling(array))


def _inside(array: NDArray, given: Mask) -> Mask:
    """The head among the ``given`` voxels.

    It is sought twice. The second time the range is that of the box around the head, so that it
    does not depend on how much air the scan has.
    """
    box: tuple[slice, ...] = (slice(None),) * array.ndim
    inside = np.zeros(array.shape, dtype=bool)
    for _ in range(2):
        values = array[box][given[box]]
        if not values.size:
            return inside
        low, high = np.percentile(values, [2, 98])
        inside = _without_islands(given & (array > low + 0.1 * (high - low)))
        box = robust_box(inside)
    return inside


def _without_islands(mask: Mask) -> Mask:
    """The ``mask`` near its large parts alone."""
    parts, count = ndimage.label(_neighbours(mask) > SHEET)
    if not count:
        return mask
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    large = (sizes >= LARGE * sizes.max())[parts]
    return mask & _grown(large)


def _neighbours(mask: Mask) -> NDArray[np.uint8]:
    """How many of the 3 x 3 x 3 voxels around each voxel are marked.

    The voxels on the faces of an image count as if they were there outside too. SciPy's filters
    count the same, but they take ten times as long.
    """
    count = mask.view(np.uint8)
    for axis in range(mask.ndim):
        before, count = count.swapaxes(0, axis), count.copy()
        after = count.swapaxes(0, axis)
        after[1:] += before[:-1]
        after[:-1] += before[1:]
        after[0] += before[0]
        after[-1] += before[-1]
    return count


def _grown(mask: Mask) -> Mask:
    """The mask with the six voxels beside each of its voxels, as a dilation by a cross."""
    grown = mask.copy()
    for axis in range(mask.ndim):
        before, after = mask.swapaxes(0, axis), grown.swapaxes(0, axis)
        after[1:] |= before[:-1]
        after[:-1] |= before[1:]
    return grown


def filling(array: NDArray) -> Mask:
    """Mark the regions that a program filled with one value, as in padding or defacing.

    A fill value is found on the faces of the image, where it is flat: noise is not. It fills whole
    regions. Tissue that happens to have this value does not. If hardly any part of the faces is
    exactly flat, small waves are allowed, as a resampling by splines leaves them.
    """
    filled = _exact_filling(array)
    flat = np.mean(np.concatenate([face.ravel() for face in _faces(filled)]))
    return filled if flat > HARDLY else filled | _exact_filling(_in_steps(array))


def _in_steps(array: NDArray) -> NDArray:
    """The image in steps of ``WAVES`` of its range. The middle of its faces is at 0."""
    some = array.ravel()[:: max(1, array.size // 10**6)]
    low, high = np.percentile(some, [1, 99])
    middle = np.median(np.concatenate([face.ravel() for face in _faces(array)]))
    return np.rint((array - middle) / max(WAVES * float(high - low), np.finfo(np.float32).tiny))


def _exact_filling(array: NDArray) -> Mask:
    filled = np.zeros(array.shape, dtype=bool)
    for value in _fill_values(array):
        equal = array == value
        filled |= equal & (_neighbours(_neighbours(equal) > REGION) > 0)
    return filled


def without_nan_outside(array: NDArray) -> NDArray:
    """The same image with its lowest value instead of the NaN that reaches the image's faces.

    Some programs write NaN outside the head. NaN inside the head stays, since it hides something.
    """
    nan = np.isnan(array)
    if not nan.any() or not np.isfinite(array).any():
        return array
    parts, _ = ndimage.label(nan)
    outside = np.unique(np.concatenate([face.ravel() for face in _faces(parts)]))
    return np.where(nan & np.isin(parts, outside), array[np.isfinite(array)].min(), array)


def _faces(array: NDArray) -> list[NDArray]:
    """The outermost planes of an image. A single slice is no face."""
    axes = [axis for axis in range(array.ndim) if array.shape[axis] > 1]
    return [np.moveaxis(array, axis, 0)[end] for axis in axes for end in (0, -1)]


def fill_value(array: NDArray) -> float:
    """The lowest value that a program filled parts of an image's faces with; 0 if none did."""
    return min(map(float, _fill_values(array)), default=0.0)


def _fill_values(array: NDArray) -> list[float]:
    """The values that fill a part of the image's faces without any noise."""
    faces = _faces(array)
    values = np.concatenate([face.ravel() for face in faces])
    flat = np.concatenate([_flat(face).ravel() for face in faces])
    found, counts = np.unique(values, return_counts=True)
    often = found[counts >= FILL_SHARE * values.size]
    return [value for value in often if flat[values == value].mean() >= FLAT]


def _flat(face: NDArray) -> Mask:
    """Which pixels of a face have the same value as all their neighbours."""
    return ndimage.maximum_filter(face, 3) == ndimage.minimum_filter(face, 3)
