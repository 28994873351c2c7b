"""Where a scan's voxels lie in the average brain: slices, their thickness, pose and shape."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kdlib.data.simulator.fields import random_field, sample
from kdlib.data.simulator.template import ORIGIN_MM

_COARSE = 4  # mm between the nodes of the warp
_CENTRE_MM = np.array([0.0, -18.0, 6.0])  # MNI coordinates of the brain's middle


@dataclass(frozen=True)
class Frame:
    """A voxel grid, LPS+, with ``layers`` samples through each slice for its partial volume."""

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    layers: int

    @property
    def fine_shape(self) -> tuple[int, int, int]:
        """The shape with the samples through each slice counted one by one."""
        return self.shape[0], self.shape[1], self.shape[2] * self.layers

    @property
    def size_mm(self) -> np.ndarray:
        """The field of view."""
        return np.array(self.shape) * np.array(self.spacing_mm)

    @property
    def fine_voxel_mm3(self) -> float:
        """The volume that one sample stands for."""
        return float(np.prod(self.spacing_mm)) / self.layers

    def slices(self, fine: Tensor) -> Tensor:
        """The mean through each slice: (..., x, y, z * layers) to (..., x, y, z)."""
        return fine.unflatten(-1, (self.shape[2], self.layers)).mean(-1)

    def field(self, rng: np.random.Generator, scale_mm: float, fine: bool = True) -> Tensor:
        """A random field over the grid; see ``random_field``."""
        return random_field(rng, self.size_mm, self.fine_shape if fine else self.shape, scale_mm)

    def affine(self) -> np.ndarray:
        """Voxel indices to RAS+ mm, the origin in the middle of the field of view."""
        x, y, z = self.spacing_mm
        affine = np.diag([-x, -y, z, 1.0])
        affine[:3, 3] = -affine[:3, :3] @ ((np.array(self.shape) - 1) / 2)
        return affine

    def points_mm(self) -> Tensor:
        """RAS+ coordinates (x, y, fine z, 3) of every sample, the middle of the grid at 0."""
        steps = (-self.spacing_mm[0], -self.spacing_mm[1], self.spacing_mm[2] / self.layers)
        axes = [
            (torch.arange(size, dtype=torch.float32) - (size - 1) / 2) * step
            for size, step in zip(self.fine_shape, steps, strict=True)
        ]
        return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)


def template_points(
    rng: np.random.Generator, frame: Frame, maps: Tensor, enlargement_mm: float
) -> Tensor:
    """MNI coordinates (x, y, fine z, 3) in mm of every sample of a new subject.

    A random pose and size, a smooth random warp, and ventricles whose wall is pushed outwards by
    about ``enlargement_mm``, which dies away over 15 mm.
    """
    scale = rng.normal(0.95, 0.04) * rng.normal(1.0, 0.025, 3)
    matrix = _rotation(rng.normal(0, np.deg2rad([4, 3, 4]))) @ np.diag(1 / scale)
    tall = frame.size_mm[2] - 170  # a tall field of view holds the neck below, not air above
    centre = _CENTRE_MM + rng.normal(0, 3, 3) - [0, 0, max(tall, 0) / 2 - 4 * (tall > 0)]
    points = frame.points_mm() @ torch.tensor(matrix.T, dtype=torch.float32)
    points += torch.tensor(centre, dtype=torch.float32)
    warp = _warp(rng, maps, enlargement_mm)
    return points + sample(warp, (points - _origin()) / _COARSE).movedim(0, -1)


def voxel_points(points_mm: Tensor) -> Tensor:
    """MNI mm to voxel indices of the template."""
    return points_mm - _origin()


def _origin() -> Tensor:
    return torch.tensor(ORIGIN_MM, dtype=torch.float32)


def _rotation(angles: np.ndarray) -> np.ndarray:
    (a, b, c), (d, e, f) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, a, -d], [0, d, a]])
    about_y = np.array([[b, 0, e], [0, 1, 0], [-e, 0, b]])
    about_z = np.array([[c, -f, 0], [f, c, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def _warp(rng: np.random.Generator, maps: Tensor, enlargement_mm: float) -> Tensor:
    distance = maps[4, ::_COARSE, ::_COARSE, ::_COARSE]
    size, shape = np.array(maps.shape[1:]), tuple(distance.shape)
    components = [
        3.0 * random_field(rng, size, shape, 45) + 1.6 * random_field(rng, size, shape, 16)
        for _ in range(3)
    ]
    outwards = torch.stack(torch.gradient(distance, spacing=float(_COARSE)))
    reach = torch.exp(-distance.clamp(min=0) / 15) * enlargement_mm
    return torch.stack(components) - reach * outwards
