"""Where a subject lies in a scan, and the template's maps at its samples."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from kdlib.data.box import bounding_box
from kdlib.simulator.fields import sample
from kdlib.simulator.geometry import TURNED_DEG, Grid, draw_pose, voxel_points
from kdlib.simulator.template import DISTANCES

_AROUND_MM = 6.0  # a subject's brain may reach so far beyond the surface of the average brain


@dataclass(frozen=True)
class Place:
    """Where a subject lies in a scan. A box around the brain has finer samples than the scan.

    Attributes:
        scan: the grid of the whole scan.
        points: MNI coordinates of the scan's voxels in mm (x, y, z, 3).
        ventricle_mm: their signed distance to the ventricles (x, y, z).
        brain_mm: their signed distance to the brain's surface (x, y, z).
        box: the part of the scan that holds the brain.
        brain: the grid of this box.
        fine_points: MNI coordinates of the samples in the box in mm (x, y, fine z, 3).
        maps: the template's ``Channel`` maps at these samples (channel, x, y, fine z).
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
        """Put ``part`` (x, y, z), the content of the box, into the scan, with zeros around it."""
        return self.scan.whole(self.box, part)


def draw_place(
    rng: np.random.Generator,
    scan: Grid,
    template: Tensor,
    enlargement_mm: float,
    *,
    layers: int | None = None,
    turned_deg: tuple[float, float, float] = TURNED_DEG,
) -> Place:
    """Draw a random pose of the brain in ``scan``. ``enlargement_mm`` widens its ventricles.

    ``layers`` is how many samples lie through each slice; None: as in the study's clinics.
    ``turned_deg`` says how far heads are turned; see ``draw_pose``.
    """
    pose = draw_pose(rng, scan, template, enlargement_mm, turned_deg)
    points = pose.points(scan.points_mm())
    ventricle_mm, brain_mm = sample(template[DISTANCES], voxel_points(points))
    box = bounding_box((brain_mm < _AROUND_MM).numpy())
    # Several samples give the partial volume of thick slices. If their number is odd, few voxels
    # are exactly half lesion, where the label is a matter of chance. Three samples would be too
    # much work on the challenge's own grids.
    brain = scan.part(box, layers=layers or (3 if scan.coarse else 2))
    fine_points = pose.points(brain.points_mm())
    maps = sample(template, voxel_points(fine_points))
    return Place(scan, points, ventricle_mm, brain_mm, box, brain, fine_points, maps)
