"""Where a subject lies in a scan, and the template's maps at its samples."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from kdlib.data.box import bounding_box
from kdlib.simulator.fields import sample
from kdlib.simulator.geometry import Grid, draw_pose, voxel_points
from kdlib.simulator.template import DISTANCES

_AROUND_MM = 6.0  # how far beyond the average brain's surface a subject's own may lie


@dataclass(frozen=True)
class Place:
    """Where a subject lies in a scan: a pose, and the brain's box with samples of its own.

    ``points`` (MNI mm), ``ventricle_mm``, ``brain_mm``: of the scan's voxels; ``fine_points`` and
    ``maps`` (the template's ``Channel``s): of the samples in the box.
    """

    scan: Grid
    points: Tensor
    ventricle_mm: Tensor
    brain_mm: Tensor
    box: tuple[slice, ...]
    brain: Grid
    fine_points: Tensor
    maps: Tensor

    def whole(self, part: Tensor) -> Tensor:
        """``part`` (x, y, z) of the box in the whole scan, zeros around it."""
        return self.scan.whole(self.box, part)


def draw_place(
    rng: np.random.Generator, scan: Grid, template: Tensor, enlargement_mm: float
) -> Place:
    """A random pose of the brain in ``scan``, its ventricles wider by about ``enlargement_mm``."""
    pose = draw_pose(rng, scan, template, enlargement_mm)
    points = pose.points(scan.points_mm())
    ventricle_mm, brain_mm = sample(template[DISTANCES], voxel_points(points))
    box = bounding_box((brain_mm < _AROUND_MM).numpy())
    # For the partial volume of thick slices. An odd number leaves few voxels half lesion, half not,
    # whose label is a coin's toss; challenge-size grids have too many voxels for three.
    brain = scan.part(box, layers=3 if scan.coarse else 2)
    fine_points = pose.points(brain.points_mm())
    maps = sample(template, voxel_points(fine_points))
    return Place(scan, points, ventricle_mm, brain_mm, box, brain, fine_points, maps)
