"""Read the header of a NIfTI file. A header that cannot be true is refused with a reason."""

import math
from dataclasses import dataclass
from typing import BinaryIO, Literal

import nibabel as nib
import numpy as np
from nibabel.orientations import aff2axcodes
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from kdlib.data.forms import Forms, Reading, affine_of
from kdlib.data.grid import edges_mm
from kdlib.errors import InputError

# 645 cubed; the largest research scans have about 2e8 voxels.
MAXIMUM_VOXELS = 2**28
# Header extensions before the data, in bytes.
MAXIMUM_OFFSET = 2**26


@dataclass(frozen=True, eq=False)
class Header:
    """What a NIfTI file says about its image. It has been checked.

    Attributes:
        shape: the voxels along (x, y, z).
        affine: the matrix (4, 4) from voxel indices to RAS+ mm.
        dtype: the type of the values on the disk.
        offset: the byte where the data begin.
        slope: what a stored value is multiplied by.
        intercept: what is added to the product.
        forms: what the file says about its place, as stored. None if another format was read.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    dtype: np.dtype
    offset: int
    slope: float
    intercept: float
    forms: Forms | None = None

    @property
    def data_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """The voxel's edge lengths in mm, in the order of the array's axes."""
        return edges_mm(self.affine)

    @property
    def orientation(self) -> str:
        """Where each axis points, such as ``"LPS"``: left, posterior, superior."""
        return "".join(aff2axcodes(self.affine))


def parse_header(stream: BinaryIO, capacity: int, reading: Reading) -> Header:
    """Read the header of a file that can hold ``capacity`` bytes.

    ``reading`` says what the file may leave open about its place.
    Raises ``InputError``, which says what is wrong and what to do, but does not name the file.
    """
    raw = _raw_header(stream.read(540))
    shape = _shape(raw)
    affine = affine_of(raw, shape, reading)
    header = Header(shape, affine, _dtype(raw), _offset(raw), *_scaling(raw), Forms.of(raw))
    if header.offset + header.data_bytes > capacity:
        raise InputError(f"it has less data than its header says (shape {shape}); copy it again")
    return header


def _raw_header(block: bytes) -> nib.Nifti1Header:
    orders: tuple[Literal["little", "big"], ...] = ("little", "big")
    for kind, size, magic in (
        (nib.Nifti1Header, 348, block[344:348] == b"n+1\0"),
        (nib.Nifti2Header, 540, block[4:12] == b"n+2\0\r\n\x1a\n"),
    ):
        for order in orders:
            if magic and len(block) >= size and block[:4] == size.to_bytes(4, order):
                return kind(block[:size], endianness=order, check=False)
    advice = "convert the scan to .nii.gz, for example with dcm2niix"
    raise InputError(f"this is {_guess(block)}; {advice}")


def _guess(block: bytes) -> str:
    """Guess what a file is if it is not NIfTI."""
    if block[128:132] == b"DICM":
        return "a DICOM file"
    if block[344:348] == b"ni1\0":
        return "half of a NIfTI pair (.hdr and .img)"
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in block):
        return "a text file, not a scan"
    return "not a NIfTI file (its header has a wrong size or magic)"


def _shape(raw: nib.Nifti1Header) -> tuple[int, int, int]:
    dimensions = int(raw["dim"][0])
    shape = [int(length) for length in raw["dim"][1 : dimensions + 1]]
    if not 1 <= dimensions <= 7 or min(shape) < 1:
        raise InputError("its header gives no valid shape; copy or export it again")
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if len(shape) != 3:
        raise InputError(f"it is {len(shape)}-D, shape {tuple(shape)}; give one 3-D volume")
    if math.prod(shape) > MAXIMUM_VOXELS:
        too_many = f"shape {tuple(shape)} has more than {MAXIMUM_VOXELS} voxels"
        raise InputError(f"{too_many}; crop or resample it")
    return shape[0], shape[1], shape[2]


def _dtype(raw: nib.Nifti1Header) -> np.dtype:
    try:
        dtype = raw.get_data_dtype()
    except (HeaderDataError, KeyError):
        dtype = np.dtype("V")
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        name = {"c": "complex numbers", "V": "RGB or an unknown type"}.get(dtype.kind, str(dtype))
        raise InputError(f"its voxels are {name}; export it with one real number for each voxel")
    return dtype


def _offset(raw: nib.Nifti1Header) -> int:
    """The byte where the data begin. Some programs write a 0 here."""
    offset = float(raw["vox_offset"]) or float(raw.single_vox_offset)
    if not raw.single_vox_offset <= offset <= MAXIMUM_OFFSET:
        raise InputError(f"its header says that data begin at byte {offset:g}; export it again")
    return int(offset)


def _scaling(raw: nib.Nifti1Header) -> tuple[float, float]:
    """Slope and intercept. By the standard, values are not scaled if the slope is 0 or missing."""
    slope, intercept = float(raw["scl_slope"]), float(raw["scl_inter"])
    if slope == 0 or not math.isfinite(slope):
        return 1.0, 0.0
    if not math.isfinite(intercept):
        raise InputError(f"its scl_inter is {intercept}; set it to 0 or export the scan again")
    return slope, intercept
