"""Grids of voxels: how large their voxels are, where they lie, and whether two are the same."""

import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from numpy.typing import NDArray

from kdlib.errors import InputError

Affine = NDArray[np.float64]
ALIKE = 0.01  # two edges are of one length if they differ by less than this share


def edges_mm(affine: Affine) -> tuple[float, float, float]:
    """The edge lengths of a voxel in mm, by its ``affine`` (4, 4)."""
    x, y, z = np.linalg.norm(affine[:3, :3], axis=0)
    return float(x), float(y), float(z)


def apart_mm(shape: tuple[int, ...], one: Affine, other: Affine) -> float:
    """The largest distance in mm between the two places that two affines give a voxel."""
    corners = np.indices((2, 2, 2)).reshape(3, -1) * (np.array(shape) - 1)[:, None]
    apart = (one - other) @ np.vstack([corners, np.ones(8)])
    return float(np.linalg.norm(apart[:3], axis=0).max())


def same_grid(shape: tuple[int, ...], one: Affine, other: Affine) -> bool:
    """Whether two affines put every voxel of a grid within half a voxel of the same place."""
    return apart_mm(shape, one, other) <= 0.5 * min(edges_mm(one))


def turned_like(array: NDArray, affine: Affine, like: Affine) -> tuple[NDArray, Affine]:
    """Flip and reorder the axes of an image so that they point like those of another.

    Args:
        array: the voxels (x, y, z).
        affine: where they lie (4, 4).
        like: the affine of the other image.

    Returns:
        The same voxels in the other order, and their affine. Each voxel keeps its place.
    """
    turn = io_orientation(np.linalg.inv(like) @ affine)
    turned = np.ascontiguousarray(apply_orientation(array, turn))
    return turned, affine @ inv_ornt_aff(turn, array.shape)


def refuse_other_grid(
    shape: tuple[int, ...], affine: Affine, like: tuple[tuple[int, ...], Affine], name: str
) -> None:
    """Raise ``InputError`` unless a grid is the one that ``like`` describes, called ``name``.

    Both grids have axes that point the same way. The message says how they differ in mm.
    """
    ours, theirs = edges_mm(affine), edges_mm(like[1])
    if not np.allclose(ours, theirs, rtol=ALIKE):
        what = f"its voxels are {listed(ours)} mm, but those of {name} are {listed(theirs)} mm"
    elif shape != like[0]:
        what = f"its shape is {shape} along the axes of {name}, which has {like[0]}"
    elif not same_grid(shape, like[1], affine):
        what = f"it lies up to {apart_mm(shape, like[1], affine):.3g} mm away from {name}"
    else:
        return
    raise InputError(f"{what}; resample it to the grid of {name}")


def slice_axis(affine: Affine) -> int:
    """The axis that a scan's slices are stacked along, however its file is stored.

    It is the axis of the longest voxel edge. If several edges are as long, it is the one of these
    that points up or down most, so that slices are axial.
    """
    edges = np.array(edges_mm(affine))
    upright = np.abs(affine[2, :3]) / edges
    return int(np.where(edges >= (1 - ALIKE) * edges.max(), upright, -1.0).argmax())


def listed(sizes: NDArray | tuple[float, ...]) -> str:
    """Lengths as a text such as ``1 x 1 x 3``."""
    return " x ".join(f"{size:.4g}" for size in sizes)
