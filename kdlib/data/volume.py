"""A scan in memory: its voxels, where they lie, and how its axes are turned."""

from dataclasses import dataclass, replace

import numpy as np
from nibabel.orientations import (
    apply_orientation,
    axcodes2ornt,
    inv_ornt_aff,
    io_orientation,
    ornt_transform,
)
from numpy.typing import NDArray

from kdlib.data.forms import Forms
from kdlib.data.grid import edges_mm, refuse_other_grid, turned_like

LPS = axcodes2ornt("LPS")


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3-D image in memory.

    Attributes:
        array: the voxels (x, y, z).
        affine: the matrix (4, 4) from voxel indices to positions in mm, in RAS+ directions.
        forms: what the file says about its place, exactly as stored. None if the volume was not
            read from a NIfTI file, or if its axes were turned.
    """

    array: NDArray
    affine: NDArray[np.float64]
    forms: Forms | None = None

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """The voxel's edge lengths in mm, in the order of the array's axes."""
        return edges_mm(self.affine)


def to_lps(volume: Volume) -> Volume:
    """Flip and reorder the axes of ``volume`` so that they point left, posterior and superior.

    No voxel is resampled. An oblique scan stays oblique: each axis gets its nearest direction.
    """
    turn = ornt_transform(io_orientation(volume.affine), LPS)
    array = np.ascontiguousarray(apply_orientation(volume.array, turn))
    return Volume(array, volume.affine @ inv_ornt_aff(turn, volume.array.shape))


def on_grid_of(original: Volume, lps_array: NDArray) -> Volume:
    """Bring an array on the grid of ``to_lps(original)`` back to the grid of ``original``.

    The result lies where ``original`` says, with the same forms.
    """
    turn = ornt_transform(LPS, io_orientation(original.affine))
    array = np.ascontiguousarray(apply_orientation(lps_array, turn))
    if array.shape != original.array.shape:
        raise ValueError(f"shape {lps_array.shape} is not that of to_lps(original)")
    return replace(original, array=array)


def onto_grid(volume: Volume, like: Volume, name: str) -> Volume:
    """Flip and reorder the axes of ``volume`` so that each index is one place in both volumes.

    Args:
        volume: what to bring onto the grid of the other.
        like: the other volume.
        name: what an error calls the other volume.

    Raises:
        InputError: the two do not have the same voxels in space. The message says how far they
            differ.
    """
    array, affine = turned_like(volume.array, volume.affine, like.affine)
    refuse_other_grid(array.shape, affine, (like.array.shape, like.affine), name)
    return Volume(array, affine)
