"""Scans made ready for a network, and a network's answer back on the scan's own grid.

A network sees axial slices, (x to the left, y to the back), centred on the head. ``Slices`` are
images alone; ``LabelledSlices`` carry labels beside them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from kdlib.data.volume import Volume, on_grid_of, to_lps
from kdlib.recipe import Preparation

BRIGHTEST = 8.0  # standard deviations; beyond lies no tissue
HEAD_SHARE = 0.01  # a slice holds head where at least this share of its voxels is foreground


@dataclass(frozen=True)
class Slices:
    """Images without labels: ``images`` (N, C, H, W) float32, all on one device."""

    images: Tensor

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class LabelledSlices:
    """Slices and, beside each, its ``labels`` (N, H, W) uint8: 0, 1 WMH, 2 other pathology."""

    slices: Slices
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def pool(parts: Sequence[Slices]) -> Slices:
    """Several sets of slices as one."""
    return Slices(torch.cat([part.images for part in parts]))


def pool_labelled(parts: Sequence[LabelledSlices]) -> LabelledSlices:
    """Several sets of labelled slices as one."""
    return LabelledSlices(
        pool([part.slices for part in parts]), torch.cat([part.labels for part in parts])
    )


def foreground(array: NDArray) -> NDArray[np.bool_]:
    """The head: voxels above a tenth of the robust range of the non-zero intensities.

    Exact zeros (defaced or stripped) never count (the rule of BET, Smith 2002, Section 2.1).
    """
    inside = array[array != 0]
    if not inside.size:
        return np.zeros(array.shape, dtype=bool)
    low, high = np.percentile(inside, [2, 98])
    return (array != 0) & (array > low + 0.1 * (high - low))


def normalise(array: NDArray, inside: NDArray[np.bool_], kind: str) -> NDArray[np.float32]:
    """Centre and scale by the voxels ``inside``, their tails beyond 0.5 and 99.5 percent clipped.

    ``"z-score"`` by mean and standard deviation, ``"robust"`` by median and interquartile range,
    ``"none"`` leaves the scanner's intensities as they are. The clipping is of the statistics, not
    of the bright voxels: with few lesions they are all in the top half percent, and one value with
    the brightest cortex. The result ends at ``BRIGHTEST``, and below at the 0.5 percentile.
    """
    head = array[inside]
    if kind == "none" or not head.size:
        return array.astype(np.float32)
    low, high = np.percentile(head, [0.5, 99.5])
    head = head.clip(low, high)
    centre, scale = head.mean(), head.std()
    if kind == "robust":
        lower, centre, upper = np.percentile(head, [25, 50, 75])
        scale = (upper - lower) / 1.349  # equals the SD of a normal distribution
    scaled = (array.clip(min=low) - centre) / max(scale, 1e-6)
    return scaled.clip(max=BRIGHTEST).astype(np.float32)


@dataclass(frozen=True)
class Frame:
    """Where a network's voxels lie in a scan (axes LPS): scan index = step * index + offset."""

    scan_shape: tuple[int, ...]
    shape: tuple[int, ...]
    step: tuple[float, ...]
    offset: tuple[float, ...]

    def to_network(self, array: NDArray) -> NDArray[np.float32]:
        """``array`` of the scan's shape, averaged and sampled at the network's voxels."""
        smooth = [np.sqrt(max(step**2 - 1, 0) / 12) for step in self.step]  # a box's width as SD
        array = ndimage.gaussian_filter(array.astype(np.float32), smooth, truncate=3)
        return ndimage.affine_transform(
            array, np.array(self.step), self.offset, self.shape, order=1, cval=0.0
        )

    def to_scan(self, array: NDArray) -> NDArray[np.float32]:
        """``array`` of the network's shape, on the scan's voxels; 0 outside the crop.

        By cubic splines, which may reach a little beyond the array's range: straight lines between
        voxels cut every peak, so that a lesion of a few voxels would come back at half its size.
        """
        back = 1 / np.array(self.step)
        only_cropped = self.step == (1.0, 1.0, 1.0) and all(o == round(o) for o in self.offset)
        return ndimage.affine_transform(
            array.astype(np.float32), back, -np.array(self.offset) * back, self.scan_shape,
            order=1 if only_cropped else 3, mode="constant", cval=0.0,
        )  # fmt: skip

    def dense(self) -> "Frame":
        """All ``shifted`` windows interleaved: voxels about as fine as the scan's."""
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
        """This window moved by parts of a voxel, each with the places it fills in ``dense``."""
        dense, count = self.dense(), self._shifts()
        for shift in np.ndindex(*count):
            places = tuple(slice(s, None, n) for s, n in zip(shift, count, strict=True))
            offset = np.array(dense.offset) + np.array(dense.step) * shift
            yield places, replace(self, offset=tuple(offset.tolist()))

    def _shifts(self) -> NDArray[np.int_]:
        """How many of the scan's voxels the network's span along each axis, but 3 at the most."""
        return np.round(self.step).clip(1, 3).astype(int)


def frame(scan: Volume, preparation: Preparation) -> Frame:
    """The network's window onto ``scan`` (axes LPS): in-plane centred on the head, all slices."""
    spacing = np.array(scan.spacing_mm)
    step = np.array(preparation.voxel_mm) / spacing if preparation.voxel_mm else np.ones(3)
    depth = max(1, round(scan.array.shape[2] / step[2]))
    shape = np.array([*preparation.size, depth])
    low, high = _extent(foreground(scan.array))
    centre = np.array([*((low + high) / 2)[:2], (scan.array.shape[2] - 1) / 2])
    offset = centre - step * (shape - 1) / 2
    whole = np.isclose(step, 1)  # no resampling along this axis: crop and pad by whole voxels
    return Frame(
        scan.array.shape,
        tuple(int(edge) for edge in shape),
        tuple(float(s) for s in np.where(whole, 1, step)),
        tuple(float(o) for o in np.where(whole, np.floor(offset + 0.5), offset)),
    )


def _extent(mask: NDArray[np.bool_]) -> tuple[NDArray, NDArray]:
    """The first and last index of ``mask`` along each axis; the whole array where it is empty."""
    if not mask.any():
        return np.zeros(mask.ndim), np.array(mask.shape) - 1.0
    spans = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    return np.array([span[0] for span in spans]), np.array([span[-1] for span in spans])


@dataclass(frozen=True)
class Prepared:
    """A scan as a network sees it: ``images`` (D, C, H, W), and which of its slices hold head."""

    window: Frame
    images: Tensor
    holds_head: Tensor


def prepare(
    scan: Sequence[Volume], preparation: Preparation, window: Frame | None = None
) -> Prepared:
    """Every slice of a scan (FLAIR first, one grid, any orientation) made ready for a network.

    ``window``: where the network's voxels lie, if not where ``frame`` puts them.
    """
    volumes = [to_lps(volume) for volume in scan]
    window = window or frame(volumes[0], preparation)
    sampled = [window.to_network(volume.array) for volume in volumes]
    heads = [foreground(array) for array in sampled]
    images = np.stack(
        [normalise(*pair, preparation.normalisation) for pair in zip(sampled, heads, strict=True)]
    )
    return Prepared(
        window,
        torch.from_numpy(images.transpose(3, 0, 1, 2).copy()),
        torch.from_numpy(heads[0].mean(axis=(0, 1)) >= HEAD_SHARE),
    )


def network_labels(labels: Volume, window: Frame) -> Tensor:
    """The labels on the network's voxels, (D, H, W) uint8: a class where it fills half a voxel."""
    array = to_lps(labels).array
    result = np.zeros(window.shape, dtype=np.uint8)
    for label in (2, 1):
        result[window.to_network(array == label) >= 0.5] = label
    return torch.from_numpy(result.transpose(2, 0, 1).copy())


def on_own_grid(scan: Volume, window: Frame, probability: NDArray[np.float32]) -> Volume:
    """Lesion probability (x, y, z) of ``window`` as a volume on the scan's own grid and affine."""
    return on_grid_of(scan, window.to_scan(probability).clip(0, 1))
