"""Random changes of a batch. They are drawn from a seed, then applied to images and their maps."""

from collections.abc import Collection
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn import functional as F

ROTATION = np.deg2rad(12)  # the largest angle
SCALE = 0.12  # the largest relative change of size
SHIFT = 0.05  # the largest shift, as a share of the slice
GAMMA = 0.25  # standard deviation of log gamma
# The strong kinds are those of BigAug (Zhang et al. 2020). Their sizes are our choice: BigAug draws
# each kind for half of its images and then more strongly. Here all slices are changed, a little.
BRIGHTNESS = 0.1  # the largest change, as a share of the image's range
SHARPNESS = 1.0  # the largest part of the blurred image that is mixed in or taken out
NOISE = 0.05  # the largest standard deviation, as a share of the image's range
IMAGES = 2  # images of a slice, at most


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a batch of N slices, the same for an image and its maps.

    Attributes:
        affine: how each slice is moved (N, 2, 3), or None. It maps output to input coordinates,
            which are normalised as in ``torch.nn.functional.affine_grid``.
        gamma: the exponent that changes the contrast of each slice (N,), or None.
        blur: the part of the blurred slice that is mixed in (N,), or None. Below 0 it is taken out,
            which sharpens.
        added: what is added to the images (N, 2, H, W), as a share of their range, or None.
    """

    affine: Tensor | None = None
    gamma: Tensor | None = None
    blur: Tensor | None = None
    added: Tensor | None = None

    def first(self, count: int) -> "Augmentation":
        """The changes of the first ``count`` slices."""
        drawn = (getattr(self, field.name) for field in fields(self))
        return Augmentation(*(None if some is None else some[:count] for some in drawn))

    def images(self, images: Tensor) -> Tensor:
        """Move ``images`` (N, C, H, W) and change their contrast, sharpness, brightness and noise.

        Noise comes last, so that it is as fine as that of a scanner.
        """
        if self.gamma is not None:
            images = _bend(images, sent(self.gamma, images.device))
        images = self._sample(images, "bilinear", "border")
        if self.blur is not None:
            part = sent(self.blur, images.device)[:, None, None, None]
            images = images.lerp(_blurred(images), part)
        if self.added is not None:
            _, span = _range(images)
            images = images + span * sent(self.added, images.device)[:, : images.shape[1]]
        return images

    def maps(self, maps: Tensor) -> Tensor:
        """Move soft labels (N, K, H, W) as the images are moved."""
        return self._sample(maps, "bilinear", "border")

    def back(self, maps: Tensor) -> Tensor:
        """Move maps (N, K, H, W) of changed slices back to the places of the original slices.

        Voxels that had left the slice get the nearest value.
        """
        return Augmentation(_inverse(self.affine)).maps(maps)

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

    ``kinds`` may hold "flip", "affine", "gamma", "sharpness", "brightness" and "noise".
    """
    # Every kind is drawn, even if it is not used. So one kind can be added without changing the
    # numbers of the others.
    flip = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    angle = rng.uniform(-ROTATION, ROTATION, count)
    scale = rng.uniform(1 - SCALE, 1 + SCALE, count)
    shift = rng.uniform(-2 * SHIFT, 2 * SHIFT, (count, 2))
    gamma = np.exp(rng.normal(0, GAMMA, count))
    blur = rng.uniform(-SHARPNESS, SHARPNESS, count)
    brightness = rng.uniform(-BRIGHTNESS, BRIGHTNESS, (count, 1, 1, 1))
    if "flip" not in kinds:
        flip[:] = 1
    if "affine" not in kinds:
        angle[:], scale[:], shift[:] = 0, 1, 0
    moves = {"flip", "affine"} & set(kinds)
    return Augmentation(
        _matrices(flip, angle, scale, shift, size) if moves else None,
        torch.from_numpy(gamma.astype(np.float32)) if "gamma" in kinds else None,
        torch.from_numpy(blur.astype(np.float32)) if "sharpness" in kinds else None,
        _added(
            brightness if "brightness" in kinds else None, "noise" in kinds, (count, *size), rng
        ),
    )


def _added(
    brightness: np.ndarray | None, noisy: bool, shape: tuple[int, int, int], rng: Generator
) -> Tensor | None:
    """What is added to each voxel (N, 2, H, W). It is drawn last, for a noise field is long."""
    if brightness is None and not noisy:
        return None
    count, *size = shape
    added = np.zeros((count, IMAGES, *size), np.float32)
    if brightness is not None:
        added += brightness.astype(np.float32)
    if noisy:
        sd = rng.uniform(0, NOISE, (count, 1, 1, 1)).astype(np.float32)
        added += sd * rng.standard_normal(added.shape, dtype=np.float32)
    return torch.from_numpy(added)


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
    low, span = _range(images)
    return ((images - low) / span) ** gamma[:, None, None, None] * span + low


def _range(images: Tensor) -> tuple[Tensor, Tensor]:
    """The lowest value of each channel (N, C, 1, 1), and how far the highest one is above it."""
    low = images.amin(dim=(2, 3), keepdim=True)
    return low, (images.amax(dim=(2, 3), keepdim=True) - low).clamp(min=1e-6)


def _blurred(images: Tensor) -> Tensor:
    """The images (N, C, H, W); each voxel is the mean of itself and its eight neighbours."""
    return F.avg_pool2d(F.pad(images, (1, 1, 1, 1), "replicate"), 3, stride=1)
