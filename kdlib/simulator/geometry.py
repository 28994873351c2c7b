"""Where a scan's voxels lie in the average brain: slices, their thickness, pose and shape."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kdlib.simulator.fields import random_field, sample
from kdlib.simulator.signal import blurred
from kdlib.simulator.template import ORIGIN_MM, Channel

_COARSE = 4  # mm between the nodes of the warp
_CENTRE_MM = np.array([0.0, -18.0, 6.0])  # MNI coordinates of the brain's middle
TURNED_DEG = (4.0, 3.0, 4.0)  # how far heads are turned in the study's clinics


@dataclass(frozen=True)
class Grid:
    """A voxel grid (LPS+). Each slice has ``layers`` samples, which give its partial volume.

    Attributes:
        shape: the voxels along (x, y, z).
        spacing_mm: the edges of a voxel.
        layers: how many samples lie through each slice.
        middle_mm: the place of the grid's middle, RAS+. The middle of a whole scan is 0.
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    layers: int = 1
    middle_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def fine_shape(self) -> tuple[int, int, int]:
        """The shape in samples: the same along x and y, ``layers`` times as many along z."""
        return self.shape[0], self.shape[1], self.shape[2] * self.layers

    @property
    def coarse(self) -> bool:
        """Whether a voxel covers several voxels of a real scanner."""
        return self.spacing_mm[0] * self.spacing_mm[1] > 2

    @property
    def size_mm(self) -> np.ndarray:
        """The field of view along (x, y, z), in mm."""
        return np.array(self.shape) * np.array(self.spacing_mm)

    @property
    def fine_voxel_mm3(self) -> float:
        """The volume of one sample in mm3."""
        return float(np.prod(self.spacing_mm)) / self.layers

    def slices(self, fine: Tensor) -> Tensor:
        """Average the samples of each slice: (..., x, y, z * layers) becomes (..., x, y, z)."""
        return fine.unflatten(-1, (self.shape[2], self.layers)).mean(-1)

    def field(self, rng: np.random.Generator, scale_mm: float, fine: bool = True) -> Tensor:
        """A random field over the samples, or over the voxels. See ``random_field``."""
        return random_field(rng, self.size_mm, self.fine_shape if fine else self.shape, scale_mm)

    def blurred(self, image: Tensor, sigma_mm: float) -> Tensor:
        """Blur ``image`` (x, y, z) in the plane by a Gaussian. ``sigma_mm`` is its SD."""
        x, y, _ = self.spacing_mm
        return blurred(image, (sigma_mm / x, sigma_mm / y))

    def affine(self) -> np.ndarray:
        """The matrix (4, 4) from voxel indices to RAS+ mm."""
        affine = np.diag([*self._steps(), 1.0])
        affine[:3, 3] = self.middle_mm - affine[:3, :3] @ ((np.array(self.shape) - 1) / 2)
        return affine

    def points_mm(self, fine: bool = True) -> Tensor:
        """RAS+ coordinates (x, y, z, 3) of all samples, or of the middles of all voxels."""
        shape = self.fine_shape if fine else self.shape
        steps = np.array(self._steps()) * self.shape / shape
        axes = [
            (torch.arange(size, dtype=torch.float32) - (size - 1) / 2) * step + middle
            for size, step, middle in zip(shape, steps, self.middle_mm, strict=True)
        ]
        return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)

    def part(self, box: tuple[slice, ...], layers: int) -> "Grid":
        """The voxels in ``box``, with ``layers`` samples through each slice."""
        moved = [
            middle + ((one.start + one.stop) / 2 - size / 2) * step
            for one, size, step, middle in zip(
                box, self.shape, self._steps(), self.middle_mm, strict=True
            )
        ]
        shape = [one.stop - one.start for one in box]
        return Grid(
            (shape[0], shape[1], shape[2]), self.spacing_mm, layers, (moved[0], moved[1], moved[2])
        )

    def whole(self, box: tuple[slice, ...], part: Tensor) -> Tensor:
        """Put ``part`` (x, y, z), the content of ``box``, into the grid, with zeros around it."""
        whole = part.new_zeros(self.shape)
        whole[box] = part
        return whole

    def _steps(self) -> tuple[float, float, float]:
        return -self.spacing_mm[0], -self.spacing_mm[1], self.spacing_mm[2]


@dataclass(frozen=True)
class Pose:
    """How a subject lies in the scanner: an affine map to MNI mm, and then a warp (3, i, j, k)."""

    matrix: Tensor
    centre: Tensor
    warp: Tensor

    def points(self, points_mm: Tensor) -> Tensor:
        """Turn scanner coordinates (x, y, z, 3) in mm into MNI coordinates in mm."""
        points = points_mm @ self.matrix.T + self.centre
        return points + sample(self.warp, voxel_points(points) / _COARSE).movedim(0, -1)


def draw_pose(
    rng: np.random.Generator,
    grid: Grid,
    maps: Tensor,
    enlargement_mm: float,
    turned_deg: tuple[float, float, float] = TURNED_DEG,
) -> Pose:
    """Draw a random pose and size, and a smooth random warp that also widens the ventricles.

    The wall of the ventricles moves outwards by about ``enlargement_mm``. The movement becomes
    smaller with distance, over 15 mm. ``turned_deg`` are the standard deviations of the angles
    about the axes x, y and z.
    """
    scale = rng.normal(0.95, 0.04) * rng.normal(1.0, 0.025, 3)
    matrix = _rotation(rng.normal(0, np.deg2rad(turned_deg))) @ np.diag(1 / scale)
    tall = grid.size_mm[2] - 170  # a tall field of view shows more neck below, not more air above
    centre = _CENTRE_MM + rng.normal(0, 3, 3) - [0, 0, max(tall, 0) / 2 - 4 * (tall > 0)]
    warp = _warp(rng, maps, enlargement_mm)
    return Pose(torch.from_numpy(matrix).float(), torch.from_numpy(centre).float(), warp)


def voxel_points(points_mm: Tensor) -> Tensor:
    """Turn MNI coordinates in mm into voxel indices of the template."""
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
    distance = maps[Channel.VENTRICLE_MM, ::_COARSE, ::_COARSE, ::_COARSE]
    size, shape = np.array(maps.shape[1:]), tuple(distance.shape)
    components = [
        3.0 * random_field(rng, size, shape, 45) + 2.2 * random_field(rng, size, shape, 16)
        for _ in range(3)
    ]
    outwards = torch.stack(torch.gradient(distance, spacing=float(_COARSE)))
    reach = torch.exp(-distance.clamp(min=0) / 15) * enlargement_mm
    return torch.stack(components) - reach * outwards
