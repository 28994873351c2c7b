"""Where a network's voxels lie in a scan: crop, pad and resample in both directions."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from kdlib.data.box import bounding_box
from kdlib.data.volume import Volume
from kdlib.recipe import Preparation


def foreground(array: NDArray) -> NDArray[np.bool_]:
    """Mark the head: voxels above a tenth of the robust range of the non-zero intensities.

    This is the rule of BET (Smith 2002, Section 2.1). Exact zeros never count: they are where a
    scan was defaced or stripped.
    """
    inside = array[array != 0]
    if not inside.size:
        return np.zeros(array.shape, dtype=bool)
    low, high = np.percentile(inside, [2, 98])
    return (array != 0) & (array > low + 0.1 * (high - low))


@dataclass(frozen=True)
class Frame:
    """Where a network's voxels lie in a scan (axes LPS): scan index = step * index + offset."""

    scan_shape: tuple[int, ...]
    shape: tuple[int, ...]
    step: tuple[float, ...]
    offset: tuple[float, ...]

    def to_network(self, array: NDArray) -> NDArray[np.float32]:
        """Average ``array``, of the scan's shape, and sample it at the network's voxels."""
        smooth = [np.sqrt(max(step**2 - 1, 0) / 12) for step in self.step]  # the SD of a box
        array = ndimage.gaussian_filter(array.astype(np.float32), smooth, truncate=3)
        return ndimage.affine_transform(
            array, np.array(self.step), self.offset, self.shape, order=1, cval=0.0
        )

    def to_scan(self, array: NDArray) -> NDArray[np.float32]:
        """Sample ``array``, of the network's shape, at the scan's voxels. Outside the crop it is 0.

        Cubic splines are used, so values may lie a little outside the array's range. Linear
        interpolation would cut every peak: a lesion of a few voxels would lose half its size.
        """
        back = 1 / np.array(self.step)
        only_cropped = self.step == (1.0, 1.0, 1.0) and all(o == round(o) for o in self.offset)
        return ndimage.affine_transform(
            array.astype(np.float32), back, -np.array(self.offset) * back, self.scan_shape,
            order=1 if only_cropped else 3, mode="constant", cval=0.0,
        )  # fmt: skip

    def dense(self) -> "Frame":
        """All ``shifted`` windows together. Its voxels are about as fine as the scan's."""
        count = self._shifts()
        step = np.array(self.step) / count
        offset = np.array(self.offset) - step * (count - 1) / 2
        shape = np.array(self.shape) * count
        return replace(
            self,
            shape=tuple(shape.tolist()),
            step=tuple(step.tolist()),
            offset=tuple(offset.tolist()),
        )

    def shifted(self) -> Iterator[tuple[tuple[slice, ...], "Frame"]]:
        """Yield this window moved by parts of a voxel, each with its places in ``dense``."""
        dense, count = self.dense(), self._shifts()
        for shift in np.ndindex(*count):
            places = tuple(slice(s, None, n) for s, n in zip(shift, count, strict=True))
            offset = np.array(dense.offset) + np.array(dense.step) * shift
            yield places, replace(self, offset=tuple(offset.tolist()))

    def _shifts(self) -> NDArray[np.int_]:
        """How many of the scan's voxels fit into a network's voxel along each axis; at most 3."""
        return np.round(self.step).clip(1, 3).astype(int)


def frame(scan: Volume, preparation: Preparation) -> Frame:
    """The network's window onto ``scan`` (axes LPS): all slices, with the head in the centre."""
    spacing = np.array(scan.spacing_mm)
    step = np.array(preparation.voxel_mm) / spacing if preparation.voxel_mm else np.ones(3)
    depth = max(1, round(scan.array.shape[2] / step[2]))
    shape = np.array([*preparation.size, depth])
    x, y, _ = bounding_box(foreground(scan.array))
    middles = [(side.start + side.stop - 1) / 2 for side in (x, y)]
    centre = np.array([*middles, (scan.array.shape[2] - 1) / 2])
    offset = centre - step * (shape - 1) / 2
    whole = np.isclose(step, 1)  # no resampling along this axis: whole voxels are cut or added
    return Frame(
        scan.array.shape,
        tuple(int(edge) for edge in shape),
        tuple(float(s) for s in np.where(whole, 1, step)),
        tuple(float(o) for o in np.where(whole, np.floor(offset + 0.5), offset)),
    )
