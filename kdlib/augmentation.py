"""Random changes of a batch: drawn first from a seed, then applied to images and their maps."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn import functional as F

ROTATION = np.deg2rad(12)  # largest angle
SCALE = 0.12  # largest relative change of size
SHIFT = 0.05  # largest shift, as a share of the slice
GAMMA = 0.25  # standard deviation of log gamma


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a batch of N slices, the same for an image and its maps.

    Attributes:
        affine: how each slice is moved (N, 2, 3), or None. It maps output to input in normalised
            coordinates, as ``torch`` samples.
        gamma: how the contrast of each slice is bent (N,), or None.
    """

    affine: Tensor | None
    gamma: Tensor | None

    def first(self, count: int) -> "Augmentation":
        """The changes of the first ``count`` slices."""
        return Augmentation(
            None if self.affine is None else self.affine[:count],
            None if self.gamma is None else self.gamma[:count],
        )

    def images(self, images: Tensor) -> Tensor:
        """Move ``images`` (N, C, H, W) and bend their contrast."""
        if self.gamma is not None:
            images = _bend(images, self.gamma.to(images.device))
        return self._sample(images, "bilinear", "border")

    def maps(self, maps: Tensor) -> Tensor:
        """Move soft labels (N, K, H, W) like the images."""
        return self._sample(maps, "bilinear", "border")

    def back(self, maps: Tensor) -> Tensor:
        """Move maps (N, K, H, W) of changed slices back to where the slices were.

        What had left the slice is filled with the nearest values.
        """
        return Augmentation(_inverse(self.affine), None).maps(maps)

    def labels(self, labels: Tensor) -> Tensor:
        """Move labels (N, H, W) like the images."""
        moved = self._sample(labels[:, None].float(), "nearest", "zeros")
        return moved[:, 0].to(labels.dtype)

    def _sample(self, values: Tensor, mode: str, padding: str) -> Tensor:
        if self.affine is None:
            return values
        matrices = self.affine.to(values.device)
        grid = F.affine_grid(matrices, list(values.shape), align_corners=False)
        return F.grid_sample(values, grid, mode, padding, align_corners=False)


def draw(kinds: Collection[str], count: int, size: tuple[int, int], rng: Generator) -> Augmentation:
    """Draw the changes of ``count`` slices of ``size`` (H, W); kinds: "flip", "affine", "gamma"."""
    # Every kind is drawn, used or not: switching one on leaves the others as they were.
    flip = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    angle = rng.uniform(-ROTATION, ROTATION, count)
    scale = rng.uniform(1 - SCALE, 1 + SCALE, count)
    shift = rng.uniform(-2 * SHIFT, 2 * SHIFT, (count, 2))
    gamma = np.exp(rng.normal(0, GAMMA, count))
    if "flip" not in kinds:
        flip[:] = 1
    if "affine" not in kinds:
        angle[:], scale[:], shift[:] = 0, 1, 0
    moves = {"flip", "affine"} & set(kinds)
    return Augmentation(
        _matrices(flip, angle, scale, shift, size) if moves else None,
        torch.from_numpy(gamma.astype(np.float32)) if "gamma" in kinds else None,
    )


def _matrices(
    flip: np.ndarray, angle: np.ndarray, scale: np.ndarray, shift: np.ndarray, size: tuple[int, int]
) -> Tensor:
    """Sampling matrices (N, 2, 3); the last image axis comes first, the flip is of the first."""
    ratio = size[0] / size[1]  # keeps a rotation a rotation on a slice that is not square
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    rows = [[cos, -sin * ratio * flip, shift[:, 0]], [sin / ratio, cos * flip, shift[:, 1]]]
    return torch.from_numpy(np.array(rows).transpose(2, 0, 1).astype(np.float32))


def _inverse(affine: Tensor | None) -> Tensor | None:
    if affine is None:
        return None
    turned = torch.linalg.inv(affine[:, :, :2])
    return torch.cat([turned, -turned @ affine[:, :, 2:]], dim=2)


def _bend(images: Tensor, gamma: Tensor) -> Tensor:
    """Raise each channel, scaled to [0, 1], to the power gamma; its range stays."""
    low = images.amin(dim=(2, 3), keepdim=True)
    span = (images.amax(dim=(2, 3), keepdim=True) - low).clamp(min=1e-6)
    return ((images - low) / span) ** gamma[:, None, None, None] * span + low
