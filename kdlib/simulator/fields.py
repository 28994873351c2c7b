"""Smooth Gaussian random fields and trilinear sampling, the two tools of every other part."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def random_field(
    rng: np.random.Generator, size_mm: np.ndarray, shape: tuple[int, ...], scale_mm: float
) -> Tensor:
    """A field of mean 0 over ``shape`` voxels that span ``size_mm``.

    Its nodes have a standard deviation of 1. Between them it is interpolated, so that of the voxels
    is about 0.84. Values ``scale_mm`` apart are nearly independent. The field is white noise on a
    grid of about that spacing, smoothed over one node and interpolated linearly.
    """
    nodes = [max(4, int(np.ceil(size / scale_mm * 1.6)) + 3) for size in size_mm]
    noise = torch.from_numpy(rng.standard_normal(nodes, dtype=np.float32))
    for axis in range(3):
        noise = 0.5 * noise + 0.25 * (noise.roll(1, axis) + noise.roll(-1, axis))
    noise = (noise - noise.mean()) / noise.std()
    return upsample(noise, shape)


def upsample(field: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Stretch ``field`` (x, y, z) to ``shape`` by linear interpolation."""
    return F.interpolate(field[None, None], size=shape, mode="trilinear", align_corners=True)[0, 0]


def sample(maps: Tensor, points: Tensor) -> Tensor:
    """Take the values (channel, x, y, z) of ``maps`` (channel, i, j, k) at ``points`` (x, y, z, 3).

    Points are voxel indices of the maps. A point outside the maps gets the value at the border.
    """
    last = torch.tensor([size - 1.0 for size in maps.shape[1:]])
    grid = (2 * points / last - 1).flip(-1)
    return F.grid_sample(maps[None], grid[None], padding_mode="border", align_corners=True)[0]
