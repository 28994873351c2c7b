"""Random changes of a batch. They are drawn from a seed, then applied to images and their maps."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn import functional as F

ROTATION = np.deg2rad(12)  # the largest angle
SCALE = 0.12  # the largest relative change of size
SHIFT = 0.05  # the largest shift, as a share of the slice
GAMMA = 0.25  # standard deviation of log gamma


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a batch of N slices, the same for an image and its maps.

    Attributes:
        affine: how each slice is moved (N, 2, 3), or None. It maps output to input coordinates,
            which are normalised as in ``torch.nn.functional.affine_grid``.
        gamma: the exponent that changes the contrast of each slice (N,), or None.
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
        """Move ``images`` (N, C, H, W) and change their contrast."""
        if self.gamma is not None:
            images = _bend(images, sent(self.gamma, images.device))
        return self._sample(images, "bilinear", "border")

    def maps(self, maps: Tensor) -> Tensor:
        """Move soft labels (N, K, H, W) as the images are moved."""
        return self._sample(maps, "bilinear", "border")

    def back(self, maps: Tensor) -> Tensor:
        """Move maps (N, K, H, W) of changed slices back to the places of the original slices.

        Voxels that had left the slice get the nearest value.
        """
        return Augmentation(_inverse(self.affine), None).maps(maps)

    def labels(self, labels: Tensor) -> Tensor:
        """Move labels (N, H, W) as the images are moved."""
        moved = self._sample(labels[:, None].float(), "nearest", "zeros")
        return moved[:, 0].to(labels.dtype)

    def _sample(self, values: Tensor, mode: str, padding: str) -> Tensor:
        if self.affine is None:
            return values
        matrices = sent(self.affine, values.device)
        grid = F.affine_grid(matrices, list(values.shape), align_corners=False)
        return F.grid_sample(values, grid, mode, padding, align_corners=False)


def sent(values: Tensor, device: torch.device) -> Tensor:
    """Small ``values`` of this computer on ``device``.

    With CUDA the computer does not wait for the GPU, which has a queue of work before the copy. The
    values are copied before this returns, so their memory may be used again.
    """
    return values.to(device, non_blocking=device.type == "cuda")


def draw(kinds: Collection[str], count: int, size: tuple[int, int], rng: Generator) -> Augmentation:
    """Draw the changes of ``count`` slices of ``size`` (H, W).

    ``kinds`` may hold "flip", "affine" and "gamma".
    """
    # Every kind is drawn, even if it is not used. So one kind can be added without changing the
    # numbers of the others.
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
    """Sampling matrices (N, 2, 3). In them W comes before H. A flip is along H, the patient's x."""
    ratio = size[0] / size[1]  # so that a slice that is not square is rotated without shear
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    rows = [[cos, -sin * ratio * flip, shift[:, 0]], [sin / ratio, cos * flip, shift[:, 1]]]
    return torch.from_numpy(np.array(rows).transpose(2, 0, 1).astype(np.float32))


def _inverse(affine: Tensor | None) -> Tensor | None:
    if affine is None:
        return None
    turned = torch.linalg.inv(affine[:, :, :2])
    return torch.cat([turned, -turned @ affine[:, :, 2:]], dim=2)


def _bend(images: Tensor, gamma: Tensor) -> Tensor:
    """Scale each channel to [0, 1], raise it to the power gamma, and scale it back to its range."""
    low = images.amin(dim=(2, 3), keepdim=True)
    span = (images.amax(dim=(2, 3), keepdim=True) - low).clamp(min=1e-6)
    return ((images - low) / span) ** gamma[:, None, None, None] * span + low
