"""Where a network's voxels lie in a scan: crop, pad and resample in both directions."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from kdlib.data.box import robust_box
from kdlib.data.head import Mask, foreground
from kdlib.data.volume import Volume
from kdlib.recipe import Preparation

LEFT_OUT = 0.03  # of a head; so much skin and fat may lie outside one window


@dataclass(frozen=True)
class Frame:
    """Where a network's voxels lie in a scan (axes LPS): scan index = step * index + offset."""

    scan_shape: tuple[int, ...]
    shape: tuple[int, ...]
    step: tuple[float, ...]
    offset: tuple[float, ...]

    def to_network(self, array: NDArray, outside: float = 0.0) -> NDArray[np.float32]:
        """Average ``array``, of the scan's shape, and sample it at the network's voxels.

        Voxels that lie outside the scan get the value ``outside``.
        """
        if self._only_cropped:
            return _cropped(array, self._whole_offset, self.shape, outside)
        smooth = [np.sqrt(max(step**2 - 1, 0) / 12) for step in self.step]  # the SD of a box
        array = ndimage.gaussian_filter(array.astype(np.float32), smooth, truncate=3)
        return ndimage.affine_transform(
            array, np.array(self.step), self.offset, self.shape, order=1, cval=outside
        )

    def to_scan(self, array: NDArray) -> NDArray[np.float32]:
        """Sample ``array``, of the network's shape, at the scan's voxels. Outside the crop it is 0.

        Cubic splines are used, so values may lie a little outside the array's range. Linear
        interpolation would cut every peak: a lesion of a few voxels would lose half its size.
        """
        if self._only_cropped:
            return _cropped(array, -self._whole_offset, self.scan_shape, 0.0)
        back = 1 / np.array(self.step)
        return ndimage.affine_transform(
            array.astype(np.float32), back, -np.array(self.offset) * back, self.scan_shape,
            order=3, mode="constant", cval=0.0,
        )  # fmt: skip

    @property
    def _only_cropped(self) -> bool:
        """Whether the network's voxels are voxels of the scan, so that nothing is resampled."""
        return self.step == (1.0, 1.0, 1.0) and all(o == round(o) for o in self.offset)

    @property
    def _whole_offset(self) -> NDArray[np.int_]:
        return np.round(self.offset).astype(int)

    @property
    def covered(self) -> tuple[slice, ...]:
        """The box of the scan's voxels that the window holds."""
        first = np.ceil(np.array(self.offset)).clip(0).astype(int)
        last = np.floor(np.array(self.offset) + np.array(self.step) * (np.array(self.shape) - 1))
        stop = np.minimum(last.astype(int) + 1, self.scan_shape)
        return tuple(slice(*ends) for ends in zip(first.tolist(), stop.tolist(), strict=True))

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


def _cropped(
    array: NDArray, first: NDArray[np.int_], shape: tuple[int, ...], outside: float
) -> NDArray[np.float32]:
    """The box of ``shape`` that begins at ``first``. What lies outside ``array`` is ``outside``."""
    result = np.full(shape, outside, np.float32)
    start, stop = first.clip(0), np.minimum(first + shape, array.shape)
    if (stop > start).all():
        here = tuple(map(slice, start - first, stop - first))
        # Adding zero takes the sign of a negative zero away, as a resampling does.
        result[here] = array[tuple(map(slice, start, stop))].astype(np.float32) + np.float32(0)
    return result


def frame(scan: Volume, preparation: Preparation, inside: Mask | None = None) -> Frame:
    """The network's window onto ``scan`` (axes LPS): all slices, with the head in the centre.

    ``inside`` marks the head. By default ``foreground`` finds it.
    """
    spacing = np.array(scan.spacing_mm)
    step = np.array(preparation.voxel_mm) / spacing if preparation.voxel_mm else np.ones(3)
    depth = max(1, round(scan.array.shape[2] / step[2]))
    shape = np.array([*preparation.size, depth])
    x, y, _ = robust_box(foreground(scan.array) if inside is None else inside)
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


def left_out(window: Frame, inside: Mask, axes: tuple[int, ...] = (0, 1)) -> float:
    """The share of the head that lies outside a window along one of the ``axes``."""
    box = [side if axis in axes else slice(None) for axis, side in enumerate(window.covered)]
    held, whole = int(inside[tuple(box)].sum()), int(inside.sum())
    return 1 - held / whole if whole else 0.0


def frames(scan: Volume, preparation: Preparation, inside: Mask) -> list[Frame]:
    """The windows that a head needs, those nearest to its centre first.

    One window is enough if at most ``LEFT_OUT`` of the head lies outside along each axis. If not,
    more windows are laid beside it, so that all of the head is seen.
    """
    middle = frame(scan, preparation, inside)
    moves = [_moves(middle, inside, axis) for axis in (0, 1)]
    pairs = sorted(product(*moves), key=lambda pair: (np.hypot(pair[0], pair[1]), pair))
    x, y, z = middle.offset
    return [replace(middle, offset=(x + right, y + down, z)) for right, down in pairs]


def _moves(window: Frame, inside: Mask, axis: int) -> list[float]:
    """How far the windows along an axis are moved, in the scan's voxels."""
    if left_out(window, inside, (axis,)) <= LEFT_OUT:
        return [0.0]
    side, here = robust_box(inside)[axis], window.covered[axis]
    before, after = max(0, here.start - side.start), max(0, side.stop - here.stop)
    length = window.step[axis] * (window.shape[axis] - 1)
    moves = [0.0]
    for excess, sign in ((before, -1), (after, 1)):
        count = int(np.ceil(excess / length))
        moves += [float(sign * np.ceil(excess * (n + 1) / count)) for n in range(count)]
    return moves
