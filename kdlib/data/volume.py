"""A scan in memory and its file on the disk, which is checked when it is read."""

import gzip
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

import nibabel as nib
import numpy as np
from nibabel.orientations import (
    apply_orientation,
    axcodes2ornt,
    inv_ornt_aff,
    io_orientation,
    ornt_transform,
)
from nibabel.volumeutils import apply_read_scaling
from numpy.typing import DTypeLike, NDArray

from kdlib.data.formats import parts_of
from kdlib.data.forms import AS_STORED, Forms, Reading
from kdlib.data.grid import edges_mm, refuse_other_grid, turned_like
from kdlib.data.head import without_nan_outside
from kdlib.data.header import Header, parse_header
from kdlib.data.labels import Label
from kdlib.errors import InputError, printable
from kdlib.files import atomic

# Deflate can make nothing smaller than by this factor.
MAXIMUM_COMPRESSION = 1032
# Some programs write up to this many bytes after the data.
MAXIMUM_PADDING = 2**20
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


def read_header(path: Path | str, reading: Reading = AS_STORED) -> Header:
    """Check an image without reading its data. Its errors are those of ``read_volume``."""
    with naming(path), _streams(Path(path)) as (start, data, capacity):
        return parse_header(start, capacity, reading, in_pair=start is not data)


def read_volume(
    path: Path | str, reading: Reading = AS_STORED, *, allow_constant: bool = False
) -> Volume:
    """Read an image as float32, with its scaling applied.

    Args:
        path: a NIfTI-1 or NIfTI-2 file (``.nii``, ``.nii.gz``, or ``.hdr`` beside ``.img``), a
            FreeSurfer file (``.mgz``, ``.mgh``) or an Analyze file (``.hdr`` beside ``.img``).
        reading: where the voxels lie if the file leaves it open.
        allow_constant: whether all voxels may have one value, as in an empty probability map.

    Raises:
        InputError: the file is missing or damaged, is no 3-D image of real numbers, has no usable
            affine, holds infinity or NaN inside the head, or has one value everywhere. The message
            names the file. NaN around the head becomes the lowest value.
    """
    with naming(path):
        array, header = _read(path, reading)
        scan = without_nan_outside(array.astype(np.float32))
        _refuse_non_finite(scan)
        if not allow_constant and scan.min() == scan.max():
            value = f"every voxel has the value {scan.flat[0]:g}"
            raise InputError(f"{value}, so this is no image; export the scan again")
    return Volume(scan, header.affine, header.forms)


def read_labels(
    path: Path | str,
    like: Volume | None = None,
    reading: Reading = AS_STORED,
    *,
    allow_empty: bool = False,
) -> Volume:
    """Read a manual annotation as uint8: 0 background, 1 lesion, 2 other pathology.

    Args:
        path: an image, as for ``read_volume``.
        like: the scan that it must lie on, if any. Its axes may be stored in another order or
            direction. They are turned to those of the scan.
        reading: where the voxels lie if the file leaves it open.
        allow_empty: whether there may be no lesion.

    Raises:
        InputError: as ``read_volume``; or there are values other than 0, 1 and 2, the grid is
            not that of ``like`` in space, or no voxel has label 1.
    """
    with naming(path):
        array, header = _read(path, reading)
        _refuse_non_finite(array)
        labels = Volume(_as_labels(array), header.affine)
        if like is not None:
            labels = onto_grid(labels, like, "its scan")
        if not allow_empty and not (labels.array == Label.LESION).any():
            raise InputError("the mask is empty: no voxel has label 1 (lesion); leave it out")
    return labels


def write_volume(path: Path | str, volume: Volume, dtype: DTypeLike | None = None) -> None:
    """Write a volume as NIfTI-1, with its affine and without any text in the header.

    A volume on the grid of a scan that was read keeps the scan's forms and their codes. The file
    is written whole or not at all.

    Args:
        path: the file to write. It ends in ``.nii`` or ``.nii.gz``.
        volume: what to write.
        dtype: how voxels are stored. By default masks (bool) become uint8, floats become float32,
            and 64-bit integers become int32.

    Raises:
        InputError: the file cannot be written, for example because the disk is full.
    """
    name = printable(path)
    if not name.lower().endswith((".nii", ".nii.gz")):
        raise InputError(f"{name}: a NIfTI file's name ends in .nii or .nii.gz; choose such a name")
    content = _image(volume, dtype).to_bytes()
    if name.lower().endswith(".gz"):
        # No time is stored, so the same volume gives the same bytes. Noise packs no better
        # than at level 1.
        content = gzip.compress(content, 1, mtime=0)
    try:
        with atomic(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        reason = error.strerror or "the disk refused it"
        advice = "free some space or choose another place"
        raise InputError(f"{name}: cannot be written ({reason}); {advice}") from error


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


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Turn every error about ``path`` into an ``InputError`` of one line that names it."""
    try:
        with np.errstate(all="ignore"):
            yield
    except InputError as error:
        raise InputError(f"{printable(path)}: {error}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = "its compressed data are incomplete or damaged; copy or download it again"
        raise InputError(f"{printable(path)}: {reason}") from error
    except (OSError, MemoryError) as error:
        raise InputError(f"{printable(path)}: {_advice(error)}") from error


def _advice(error: OSError | MemoryError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file; check the path"
    if isinstance(error, PermissionError):
        return "no permission to read it; ask its owner or change its permissions"
    if isinstance(error, MemoryError):
        return "does not fit into memory; resample it or use a larger machine"
    return f"cannot be read ({error.strerror}); check the path and the disk"


@contextmanager
def _streams(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO, int]]:
    """Yield the streams of an image's header and of its data, and the data's possible size.

    Both are the same stream but for a pair of an .hdr and an .img file.
    """
    files = parts_of(path)
    with _opened(files[-1]) as (data, capacity):
        if len(files) == 1:
            yield data, data, capacity
            return
        with _opened(files[0]) as (start, _):
            yield start, data, capacity


@contextmanager
def _opened(path: Path | str) -> Iterator[tuple[BinaryIO, int]]:
    """Open the file unpacked. Yields its stream and the largest possible number of bytes."""
    size = _file_size(Path(path))
    with Path(path).open("rb") as file:
        if file.peek(2)[:2] != b"\x1f\x8b":
            yield file, size
            return
        with gzip.GzipFile(fileobj=file) as stream:
            yield cast(BinaryIO, stream), size * MAXIMUM_COMPRESSION


def _file_size(path: Path) -> int:
    try:
        status = path.stat()
    except ValueError as error:
        raise InputError("this path is not valid (is there a NUL in it?); check it") from error
    if stat.S_ISDIR(status.st_mode):
        raise InputError("this is a folder; give the NIfTI file in it")
    if not stat.S_ISREG(status.st_mode):
        raise InputError("this is not a regular file; copy the scan to a disk")
    if status.st_size == 0:
        raise InputError("this file is empty (0 bytes); copy or download it again")
    return status.st_size


def _read(path: Path | str, reading: Reading) -> tuple[NDArray, Header]:
    """The array (x, y, z), scaled as the header says, and the header."""
    with _streams(Path(path)) as (start, stream, capacity):
        header = parse_header(start, capacity, reading, in_pair=start is not stream)
        stream.seek(header.offset)
        data = stream.read(header.data_bytes)
        if len(data) < header.data_bytes:
            raise InputError("it has less data than its header says; copy it again")
        # Only reading to the end makes gzip compare its checksum.
        if len(stream.read(MAXIMUM_PADDING + 1)) > MAXIMUM_PADDING:
            raise InputError("it has more data than its header says; export it again")
    array: NDArray = np.ndarray(header.shape, header.dtype, buffer=data, order="F")
    return apply_read_scaling(array, header.slope, header.intercept), header


def _refuse_non_finite(array: NDArray) -> None:
    bad = array.size - np.count_nonzero(np.isfinite(array))
    if bad:
        raise InputError(f"{bad} voxels are NaN or infinite; replace them, for example by 0")


def _as_labels(array: NDArray) -> NDArray[np.uint8]:
    """The array as labels. Small errors from a scaling are rounded away."""
    nearest = np.rint(array)
    if np.abs(array - nearest).max() > 1e-3:
        raise InputError("it has fractions (probabilities?) instead of labels; threshold it first")
    found = np.unique(nearest)
    if not np.isin(found, list(Label)).all():
        listed = ", ".join(f"{value:g}" for value in found[:5])
        advice = "change them to 0 background, 1 lesion, 2 other pathology"
        raise InputError(f"its labels are {listed}; {advice}")
    return nearest.astype(np.uint8)


def _image(volume: Volume, dtype: DTypeLike | None) -> nib.Nifti1Image:
    stored = _storage_type(volume.array.dtype) if dtype is None else dtype
    # Without an affine of its own nibabel leaves the forms as they are.
    image = nib.Nifti1Image(volume.array.astype(stored), None)
    image.header.set_xyzt_units("mm")
    if volume.forms is not None:
        volume.forms.write(image.header)
        return image
    image.header.set_sform(volume.affine, code="scanner")
    image.header.set_qform(volume.affine, code="scanner")
    if not np.allclose(image.header.get_qform(), volume.affine, atol=1e-3):
        image.header["qform_code"] = 0  # A rotation cannot hold a shear.
    return image


def _storage_type(dtype: np.dtype) -> DTypeLike:
    if dtype == np.bool_:
        return np.uint8
    if dtype.kind == "f":
        return np.float32
    return np.int32 if dtype.itemsize == 8 else dtype
