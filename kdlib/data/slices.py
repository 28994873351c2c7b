"""Make scans ready for a network, and bring a network's answer back to the scan's own grid.

A network sees axial slices that are centred on the head. Their x axis points left, their y axis
to the back. ``Slices`` are images alone. ``LabelledSlices`` have labels too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdlib.data.frame import Frame, frame
from kdlib.data.head import Head, find_head
from kdlib.data.labels import Label
from kdlib.data.volume import Volume, on_grid_of, to_lps
from kdlib.data.white_peak import white_peak
from kdlib.joined import joined
from kdlib.recipe import Preparation

# Raise it when a change to kdlib changes the slices that are made of a scan.
SLICES_VERSION = 2
BRIGHTEST = 8.0  # standard deviations; no tissue is brighter
HEAD_SHARE = 0.01  # a slice holds head if at least this share of its voxels is foreground


@dataclass(frozen=True)
class Slices:
    """Slices of scans, without labels.

    Attributes:
        images: (N, C, H, W) float32, all on one device. C is 1 for FLAIR and 2 for FLAIR and T1.
    """

    images: Tensor

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class LabelledSlices:
    """Slices of scans, with a label for each voxel.

    Attributes:
        slices: the N slices.
        labels: (N, H, W) uint8: 0 background, 1 lesion, 2 other pathology.
    """

    slices: Slices
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def pool(parts: Sequence[Slices]) -> Slices:
    """Join several sets of slices into one."""
    return Slices(joined(part.images for part in parts))


def normalise(array: NDArray, inside: NDArray[np.bool_], kind: str) -> NDArray[np.float32]:
    """Centre and scale an image by statistics of the voxels ``inside``.

    For the statistics, values are clipped at the 0.5 and 99.5 percentiles. The result itself is cut
    off at the 0.5 percentile and at ``BRIGHTEST``, but not at the 99.5 percentile: if there are few
    lesions, they all lie above it and would become as bright as the brightest cortex.

    Args:
        array: the image, of any shape.
        inside: which voxels count, in the same shape.
        kind: ``"z-score"`` uses mean and standard deviation, ``"robust"`` uses median and
            interquartile range, ``"white-peak"`` uses the white matter's peak and its width,
            ``"none"`` leaves the scanner's intensities as they are.
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
    if kind == "white-peak":
        centre, scale = white_peak(head)
    scaled = (array.clip(min=low) - centre) / (scale if scale > 0 else 1.0)
    return scaled.clip(max=BRIGHTEST).astype(np.float32)


@dataclass(frozen=True)
class Prepared:
    """A scan as a network sees it: ``images`` (D, C, H, W), and which of the D slices hold head."""

    window: Frame
    images: Tensor
    holds_head: Tensor


@dataclass(frozen=True, eq=False)
class Found:
    """A scan whose heads have been found.

    Attributes:
        volumes: its images (x, y, z), FLAIR first. Their axes are LPS.
        heads: the head in each image.
    """

    volumes: Sequence[Volume]
    heads: Sequence[Head]


def find_heads(scan: Sequence[Volume]) -> Found:
    """Find the head in each image of a scan, on one grid of any orientation."""
    volumes = [to_lps(volume) for volume in scan]
    return Found(volumes, [find_head(volume.array) for volume in volumes])


def prepare(
    scan: Sequence[Volume], preparation: Preparation, window: Frame | None = None
) -> Prepared:
    """Make every slice of a scan ready for a network.

    Args:
        scan: its images, FLAIR first, on one grid of any orientation.
        preparation: how slices are made.
        window: where the network's voxels lie. By default ``frame`` decides it.
    """
    found = find_heads(scan)
    inside = found.heads[0].inside
    return prepare_found(found, preparation, window or frame(found.volumes[0], preparation, inside))


def prepare_found(found: Found, preparation: Preparation, window: Frame) -> Prepared:
    """Make every slice of a scan ready, as ``prepare`` does."""
    heads = [window.to_network(head.inside) >= 0.5 for head in found.heads]
    images = [
        normalise(_sampled(volume, head, window, preparation), inside, preparation.normalisation)
        for volume, head, inside in zip(found.volumes, found.heads, heads, strict=True)
    ]
    return Prepared(
        window,
        torch.from_numpy(np.stack(images).transpose(3, 0, 1, 2).copy()),
        torch.from_numpy(heads[0].mean(axis=(0, 1)) >= HEAD_SHARE),
    )


def _sampled(
    volume: Volume, head: Head, window: Frame, preparation: Preparation
) -> NDArray[np.float32]:
    """An image on the network's voxels, with its air darkened unless intensities stay as is."""
    if preparation.normalisation == "none":
        return window.to_network(volume.array, outside=min(0.0, float(volume.array.min())))
    return window.to_network(head.image, outside=head.air)


def network_labels(labels: Volume, window: Frame) -> Tensor:
    """The labels on the network's voxels (D, H, W), uint8. A label has to fill half a voxel."""
    array = to_lps(labels).array
    result = np.zeros(window.shape, dtype=np.uint8)
    for label in (Label.OTHER_PATHOLOGY, Label.LESION):
        result[window.to_network(array == label) >= 0.5] = label
    return torch.from_numpy(result.transpose(2, 0, 1).copy())


def on_own_grid(scan: Volume, answers: Iterable[tuple[Frame, NDArray[np.float32]]]) -> Volume:
    """Bring lesion probabilities (x, y, z) of some windows to the scan's own grid and affine.

    Where windows overlap, the first one counts. Outside all windows the probability is 0.
    """
    result = np.zeros(to_lps(scan).array.shape, np.float32)
    for window, probability in reversed(list(answers)):
        result[window.covered] = window.to_scan(probability)[window.covered]
    return on_grid_of(scan, result.clip(0, 1))
