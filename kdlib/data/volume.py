"""A scan in memory, and its NIfTI file on disk."""

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import DTypeLike, NDArray

from kdlib.errors import InputError
from kdlib.files import atomic


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3-D image: ``array`` (x, y, z) and ``affine`` (4, 4) from voxel indices to RAS+ mm."""

    array: NDArray
    affine: NDArray[np.float64]

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """The voxel's edge lengths in mm, in the order of the array's axes."""
        x, y, z = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        return float(x), float(y), float(z)


def read_volume(path: Path | str) -> Volume:
    """Read a NIfTI file; raises ``InputError`` naming the file where it is no readable 3-D image."""
    try:
        image = nib.load(path)
        array = np.asarray(image.dataobj)
    except Exception as error:
        raise InputError(f"{path}: not a readable NIfTI file ({error})") from error
    if array.ndim != 3:
        raise InputError(f"{path}: {array.ndim} dimensions; a scan has 3")
    return Volume(array, np.asarray(image.affine, dtype=np.float64))


def write_volume(path: Path | str, volume: Volume, dtype: DTypeLike = None) -> None:
    """Write ``volume`` as NIfTI-1 with its own affine, whole or not at all."""
    array = volume.array if dtype is None else volume.array.astype(dtype)
    with atomic(path) as temporary:
        nib.save(nib.Nifti1Image(array, volume.affine), temporary)
