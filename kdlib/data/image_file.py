"""An image's file, which is checked when it is read."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.volumeutils import apply_read_scaling
from numpy.typing import DTypeLike, NDArray

from kdlib.data.forms import AS_STORED, Reading
from kdlib.data.head import without_nan_outside
from kdlib.data.header import Header, parse_header
from kdlib.data.labels import Label
from kdlib.data.streams import naming, open_image
from kdlib.data.volume import Volume, onto_grid
from kdlib.errors import InputError, printable
from kdlib.files import atomic

# Some programs write up to this many bytes after the data.
MAXIMUM_PADDING = 2**20


def read_header(path: Path | str, reading: Reading = AS_STORED) -> Header:
    """Check an image without reading its data. Its errors are those of ``read_volume``."""
    with naming(path), open_image(Path(path)) as (start, data, capacity):
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
        with np.errstate(over="ignore"):
            scan = without_nan_outside(array.astype(np.float32))
        if np.isinf(scan).any() and not np.isinf(array).any():
            raise InputError("its values are too large; scale them down and export the scan again")
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


def _read(path: Path | str, reading: Reading) -> tuple[NDArray, Header]:
    """The array (x, y, z), scaled as the header says, and the header."""
    with open_image(Path(path)) as (start, stream, capacity):
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
