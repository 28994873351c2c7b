"""Read the header of an image. A header that cannot be true is refused with a reason."""

import math
from dataclasses import dataclass
from typing import BinaryIO, Literal, TypeAlias

import nibabel as nib
import numpy as np
from nibabel.freesurfer.mghformat import DATA_OFFSET, MGHHeader, header_dtype
from nibabel.nifti1 import Nifti1PairHeader
from nibabel.nifti2 import Nifti2PairHeader
from nibabel.orientations import aff2axcodes
from nibabel.spatialimages import HeaderDataError
from nibabel.spm2analyze import Spm2AnalyzeHeader
from numpy.typing import NDArray

from kdlib.data.formats import NOT_FETCHED
from kdlib.data.forms import (
    Forms,
    Reading,
    affine_of,
    checked_affine,
    checked_sizes,
    unplaced_affine,
)
from kdlib.data.grid import Affine, edges_mm
from kdlib.errors import InputError

# 645 cubed; the largest research scans have about 2e8 voxels.
MAXIMUM_VOXELS = 2**28
# Header extensions before the data, in bytes.
MAXIMUM_OFFSET = 2**26
ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")
SINGLE = ((nib.Nifti1Header, b"n+1\0"), (nib.Nifti2Header, b"n+2\0\r\n\x1a\n"))
PAIRED = (
    (Nifti1PairHeader, b"ni1\0"),
    (Nifti2PairHeader, b"ni2\0\r\n\x1a\n"),
    (Spm2AnalyzeHeader, b""),  # Analyze has no magic
)
MGH_BYTES = header_dtype.itemsize
OTHER_FORMATS = {
    b"/annex/objects/": f"only a pointer of git-annex: {NOT_FETCHED}",
    b"version https://git-lfs": "only a pointer of Git LFS; fetch it with 'git lfs pull'",
    b"NRRD000": "an NRRD file; convert it to .nii.gz with c3d or SimpleITK",
    b"ObjectType": "a MetaImage file; convert it to .nii.gz with c3d or SimpleITK",
    b"NDims": "a MetaImage file; convert it to .nii.gz with c3d or SimpleITK",
    b"CDF": "a MINC file; convert it to .nii.gz with mnc2nii",
    b"\x89HDF": "an HDF5 file (MINC?); convert it to .nii.gz, for example with mnc2nii",
    b"PK\3\4": "a zip archive; unpack it",
    b"BZh": "packed by bzip2; unpack it",
    b"\xfd7zXZ": "packed by xz; unpack it",
    b"\x28\xb5\x2f\xfd": "packed by zstd; unpack it",
}
AnyHeader: TypeAlias = nib.Nifti1Header | Spm2AnalyzeHeader | MGHHeader


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


def parse_header(
    stream: BinaryIO, capacity: int, reading: Reading, *, in_pair: bool = False
) -> Header:
    """Read the header of a file that can hold ``capacity`` bytes.

    ``reading`` says what the file may leave open about its place. ``in_pair``: the header is an
    .hdr file, and its data lie in an .img file.
    Raises ``InputError``, which says what is wrong and what to do, but does not name the file.
    """
    raw = _raw_header(stream.read(540), in_pair)
    shape = _shape(raw)
    known = (shape, _affine(raw, shape, reading), _dtype(raw))
    if isinstance(raw, MGHHeader):
        header = Header(*known, DATA_OFFSET, 1.0, 0.0)
    else:
        forms = Forms.of(raw) if isinstance(raw, nib.Nifti1Header) else None
        header = Header(*known, _offset(raw), *_scaling(raw), forms)
    if header.offset + header.data_bytes > capacity:
        raise InputError(f"it has less data than its header says (shape {shape}); copy it again")
    return header


def _raw_header(block: bytes, in_pair: bool) -> AnyHeader:
    for kind, magic in PAIRED if in_pair else SINGLE:
        size = kind.sizeof_hdr
        for order in ORDERS:
            whole = len(block) >= size and block[:4] == size.to_bytes(4, order)
            if whole and magic in block[4:12] + block[344:348]:
                return kind(block[:size], endianness=order, check=False)
    if not in_pair and block[:4] == b"\0\0\0\1" and len(block) >= MGH_BYTES:
        return _mgh_header(block[:MGH_BYTES])
    raise InputError(f"this is {_guess(block)}")


def _mgh_header(block: bytes) -> MGHHeader:
    """A FreeSurfer header as stored. nibabel would fill in an orientation that is not given."""
    header, stored = MGHHeader(block, check=False), np.frombuffer(block, header_dtype)[0]
    for name in ("goodRASFlag", "delta", "Mdc", "Pxyz_c"):
        header[name] = stored[name]
    return header


def _guess(block: bytes) -> str:
    """Guess what a file is if it is no image that can be read, and say what to do with it."""
    for start, what in OTHER_FORMATS.items():
        if block.startswith(start):
            return what
    if block[128:132] == b"DICM":
        return "a DICOM file; convert it to .nii.gz with dcm2niix"
    if block[344:348] == b"ni1\0":
        return "half of a NIfTI pair; put its .hdr and its .img file side by side"
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in block):
        return "a text file, not a scan; convert the scan to .nii.gz, for example with dcm2niix"
    return (
        "not a NIfTI file (its header has a wrong size or magic); convert the scan to .nii.gz, "
        "for example with dcm2niix"
    )


def _shape(raw: AnyHeader) -> tuple[int, int, int]:
    if isinstance(raw, MGHHeader):
        dimensions, lengths = 4, raw["dims"]
    else:
        dimensions, lengths = int(raw["dim"][0]), raw["dim"][1:]
    shape = [int(length) for length in lengths[:dimensions]]
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


def _affine(raw: AnyHeader, shape: tuple[int, int, int], reading: Reading) -> Affine:
    if isinstance(raw, nib.Nifti1Header):
        return affine_of(raw, shape, reading)
    if isinstance(raw, MGHHeader) and raw["goodRASFlag"] > 0:
        return checked_affine(raw.get_affine())
    sizes = raw["delta"] if isinstance(raw, MGHHeader) else raw["pixdim"][1:4]
    return checked_affine(unplaced_affine(shape, checked_sizes(sizes), reading))


def _dtype(raw: AnyHeader) -> np.dtype:
    try:
        dtype = raw.get_data_dtype()
    except (HeaderDataError, KeyError):
        dtype = np.dtype("V")
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        name = {"c": "complex numbers", "V": "RGB or an unknown type"}.get(dtype.kind, str(dtype))
        raise InputError(f"its voxels are {name}; export it with one real number for each voxel")
    return dtype


def _offset(raw: nib.Nifti1Header | Spm2AnalyzeHeader) -> int:
    """The byte where the data begin. Some programs write a 0 here."""
    alone = type(raw) in (nib.Nifti1Header, nib.Nifti2Header)
    first = raw.single_vox_offset if alone else 0
    offset = float(raw["vox_offset"]) or float(first)
    if not first <= offset <= MAXIMUM_OFFSET:
        raise InputError(f"its header says that data begin at byte {offset:g}; export it again")
    return int(offset)


def _scaling(raw: nib.Nifti1Header | Spm2AnalyzeHeader) -> tuple[float, float]:
    """Slope and intercept. By the standard, values are not scaled if the slope is 0 or missing."""
    slope, intercept = float(raw["scl_slope"]), float(raw["scl_inter"])
    if slope == 0 or not math.isfinite(slope):
        return 1.0, 0.0
    if not math.isfinite(intercept):
        raise InputError(f"its scl_inter is {intercept}; set it to 0 or export the scan again")
    return slope, intercept
