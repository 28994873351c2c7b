"""Every kind of bad file gets one line: which file, what is wrong, what to do."""

import gzip
import os
import struct
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel as nib
import numpy as np
import pytest

from kdlib.data.image_file import read_header, read_labels, read_volume
from kdlib.data.volume import Volume
from kdlib.errors import InputError
from tests.faults import as_nobody

AFFINE = np.diag([-1.0, -1.0, 3.0, 1.0])
SCAN = np.random.default_rng(0).normal(100, 20, (6, 7, 5)).astype(np.float32)


def image(array=SCAN, affine=AFFINE, kind=nib.Nifti1Image):
    made = kind(array, affine)
    made.set_qform(affine, code=1)
    made.set_sform(affine, code=1)
    return made


def packed(content):
    return gzip.compress(content, mtime=0)


def saved(array, affine=AFFINE):
    return packed(image(array, affine).to_bytes())


def patched(*changes):
    """A good file with (offset, struct format, values) written into its header."""
    content = bytearray(image().to_bytes())
    for offset, form, *values in changes:
        struct.pack_into(form, content, offset, *values)
    return packed(bytes(content))


def with_voxel(value):
    array = SCAN.copy()
    array[1, 2, 3] = value
    return saved(array)


def claiming(*shape):
    return patched((40, "<8h", len(shape), *shape, *[1] * (7 - len(shape))))


def placed(*sform):
    return patched((252, "<2h", 0, 1), (280, "<12f", *sform))


def claiming_tibivoxels():
    header = nib.Nifti2Header()
    header["dim"] = [3, 2**20, 2**10, 2**10, 1, 1, 1, 1]
    return packed(header.binaryblock + bytes(64))


def damaged_at(place):
    return GOOD[:place] + bytes([GOOD[place] ^ 255]) + GOOD[place + 1 :]


GOOD = saved(SCAN)
SCANS = {
    "truncated gzip": (lambda: GOOD[: len(GOOD) // 2], "incomplete or damaged"),
    "truncated in gzip's own header": (lambda: GOOD[:6], "incomplete or damaged"),
    "flipped byte": (lambda: damaged_at(200), "damaged|not a NIfTI"),
    "wrong gzip checksum": (lambda: GOOD[:-8] + bytes(4) + GOOD[-4:], "damaged"),
    "zero bytes": (lambda: b"", "0 bytes"),
    "nothing compressed": (lambda: packed(b""), "not a scan|not a NIfTI"),
    "text": (lambda: b"subject,volume\n1,13.9\n" * 40, "a text file"),
    "web page": (lambda: packed(b"<!DOCTYPE html><title>404</title>"), "a text file"),
    "DICOM": (lambda: bytes(128) + b"DICM" + bytes(600), "a DICOM file.*dcm2niix"),
    "wrong magic": (lambda: patched((344, "4s", b"nope")), "not a NIfTI file"),
    "half of a pair": (lambda: patched((344, "4s", b"ni1\0")), "half of a NIfTI pair"),
    "header alone": (lambda: image().to_bytes()[:348], "less data"),
    "promises more data": (lambda: claiming(6, 7, 6), "less data than its header"),
    "promises less data": (
        lambda: packed(image().to_bytes() + bytes(2**21)), "more data than its header"
    ),
    "uncompressed, promises more data": (lambda: image().to_bytes()[:-1], "less data"),
    "1-D": (lambda: claiming(210), r"1-D, shape \(210,\)"),
    "2-D": (lambda: claiming(42, 5), "2-D"),
    "4-D": (lambda: saved(np.stack([SCAN, SCAN], -1)), "4-D"),
    "5-D": (lambda: saved(np.stack([SCAN, SCAN], -1)[..., None, :]), "5-D"),
    "eight dimensions": (lambda: patched((40, "<h", 8)), "no valid shape"),
    "length 0": (lambda: claiming(6, 0, 5), "no valid shape"),
    "negative length": (lambda: claiming(6, -7, 5), "no valid shape"),
    "NaN": (lambda: with_voxel(np.nan), "1 voxels are NaN"),
    "NaN and infinity": (
        lambda: saved(np.where(SCAN > 100, np.nan, np.inf).astype(np.float32)), "voxels are NaN"
    ),
    "infinity": (lambda: with_voxel(-np.inf), "1 voxels are NaN or infinite"),
    "beyond float32": (lambda: saved(np.geomspace(1, 1e300, 210).reshape(6, 7, 5)), "too large"),
    "constant": (lambda: saved(np.full_like(SCAN, 5)), "every voxel has the value 5"),
    "all zeros": (lambda: saved(np.zeros_like(SCAN)), "every voxel has the value 0"),
    "RGB": (lambda: saved(np.zeros((6, 7, 5), [(c, "u1") for c in "RGB"])), "RGB"),
    "complex": (lambda: saved(SCAN.astype(np.complex64)), "complex"),
    "unknown type": (lambda: patched((70, "<h", 1234)), "unknown type"),
    "data inside the header": (lambda: patched((108, "<f", 40)), "at byte 40"),
    "data far away": (lambda: patched((108, "<f", 1e9)), r"at byte 1e\+09"),
    "data nowhere": (lambda: patched((108, "<f", np.nan)), "at byte nan"),
    "infinite intercept": (lambda: patched((112, "<2f", 1, np.inf)), "scl_inter is inf"),
    "voxel size 0": (lambda: patched((80, "<f", 0)), "voxel size 0 x 1 x 3"),
    "negative voxel size": (lambda: patched((88, "<f", -3)), "voxel size 1 x 1 x -3"),
    "voxel size NaN": (lambda: patched((84, "<f", np.nan)), "voxel size 1 x nan x 3"),
    "micrometres": (lambda: placed(960, 0, 0, 0, 0, 960, 0, 0, 0, 0, 3000, 0), "outside"),
    "non-finite affine": (lambda: placed(*[np.nan] * 12), "affine has NaN"),
    "zero affine": (lambda: placed(*[0] * 12), "affine is singular"),
    "flat affine": (lambda: placed(1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0), "singular"),
    "qform no rotation": (lambda: patched((256, "<3f", 1, 1, 1)), "qform is not a rotation"),
    "qform not finite": (lambda: patched((256, "<3f", np.nan, 0, 0)), "affine has NaN"),
    "sform and qform disagree": (lambda: patched((268, "<f", 40)), "sform and qform disagree"),
    "2^40 voxels": (claiming_tibivoxels, "more than 268435456 voxels"),
    "2^45 voxels, 16 bits": (lambda: claiming(32767, 32767, 32767), "more than 268435456 voxels"),
    "2^27 voxels": (lambda: claiming(512, 512, 512), "less data"),
}  # fmt: skip
MASK = (SCAN > 110).astype(np.uint8)
MASKS = {
    "probabilities": (lambda: saved(SCAN / 200), "fractions"),
    "label 255": (lambda: saved(MASK * 255), "labels are 0, 255; change"),
    "negative label": (lambda: saved(-MASK.astype(np.int16)), "labels are -1, 0"),
    "NaN": (lambda: with_voxel(np.nan), "NaN"),
    "empty": (lambda: saved(MASK * 0), "mask is empty"),
    "other pathology alone": (lambda: saved(MASK * 2), "mask is empty"),
    "another shape": (
        lambda: saved(MASK[1:]), r"shape is \(5, 7, 5\).*has \(6, 7, 5\)"
    ),
    "another origin": (lambda: saved(MASK, AFFINE + np.eye(4, k=3)), r"1 mm away from its scan"),
    "another orientation": (
        lambda: saved(MASK, AFFINE * [-1, 1, 1, 1]), r"5 mm away from its scan; resample"
    ),
}  # fmt: skip


def refused(path, what, read):
    """Assert that ``read`` raises one line that names the file, and leaves nothing behind."""
    with pytest.raises(InputError, match=what) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert ";" in message  # What is wrong; what to do.


@pytest.mark.parametrize("case", SCANS)
def test_a_bad_scan_is_refused_with_its_name_and_reason(tmp_path, case):
    make, what = SCANS[case]
    path = tmp_path / "FLAIR.nii.gz"
    path.write_bytes(make())
    refused(path, what, read_volume)


@pytest.mark.parametrize("case", MASKS)
def test_a_bad_mask_is_refused_with_its_name_and_reason(tmp_path, case):
    make, what = MASKS[case]
    path = tmp_path / "wmh.nii.gz"
    path.write_bytes(make())
    refused(path, what, lambda mask: read_labels(mask, like=Volume(SCAN, AFFINE)))


def test_the_good_file_behind_the_bad_ones_is_read(tmp_path):
    (tmp_path / "FLAIR.nii.gz").write_bytes(GOOD)
    np.testing.assert_array_equal(read_volume(tmp_path / "FLAIR.nii.gz").array, SCAN)
    (tmp_path / "wmh.nii.gz").write_bytes(saved(MASK))
    labels = read_labels(tmp_path / "wmh.nii.gz", like=Volume(SCAN, AFFINE))
    np.testing.assert_array_equal(labels.array, MASK)


@pytest.mark.parametrize("case", [name for name in SCANS if "voxels" in name])
def test_a_claim_of_many_voxels_takes_no_memory(tmp_path, case):
    path = tmp_path / "FLAIR.nii.gz"
    path.write_bytes(SCANS[case][0]())
    assert peak_bytes(lambda: refused(path, "voxels|less data", read_volume)) < 2**22


def test_a_gzip_bomb_is_unpacked_no_further_than_its_header(tmp_path):
    path = tmp_path / "FLAIR.nii.gz"
    path.write_bytes(packed(image().to_bytes()) + packed(bytes(2**24)) * 20)
    assert peak_bytes(lambda: refused(path, "more data than its header", read_volume)) < 2**23


def peak_bytes(run):
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


PLACES = {
    "missing": (lambda folder: folder / "FLAIR.nii.gz", "no such file"),
    "a folder": (lambda folder: folder, "a folder"),
    "through a file": (lambda folder: made(folder / "x") / "FLAIR.nii", "cannot be read"),
    "link to itself": (lambda folder: linked(folder / "FLAIR.nii"), "cannot be read|resolve"),
    "dangling link": (lambda folder: linked(folder / "a.nii", "b.nii"), "no such file"),
    "pipe": (lambda folder: piped(folder / "FLAIR.nii"), "not a regular file"),
    "name too long": (lambda folder: folder / f"{'é' * 200}.nii", "cannot be read"),
    "path too long": (lambda folder: folder.joinpath(*["a" * 200] * 30), "cannot be read"),
}


def made(path, content=b"x"):
    path.write_bytes(content)
    return path


def linked(path, target=None):
    path.symlink_to(target or path)
    return path


def piped(path):
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("read", [read_volume, read_labels, read_header])
@pytest.mark.parametrize("case", PLACES)
def test_what_cannot_be_opened_is_refused_with_its_name(tmp_path, case, read):
    make, what = PLACES[case]
    refused(make(tmp_path), what, read)


def test_unprintable_letters_of_a_path_stay_out_of_the_message(tmp_path):
    for letter in ("\0", "\n", "\x1b", "\udcff"):
        with pytest.raises(InputError) as caught:
            read_volume(tmp_path / f"a{letter}b.nii")
        assert "a?b.nii: " in str(caught.value)


@pytest.mark.parametrize("locked", ["file", "folder"])
def test_an_unreadable_file_is_refused_with_its_name(locked):
    with TemporaryDirectory() as name:
        folder = Path(name)
        path = made(folder / "FLAIR.nii.gz", GOOD)
        folder.chmod(0o755)
        (path if locked == "file" else folder).chmod(0)
        with as_nobody():
            refused(path, "no permission", read_volume)
        folder.chmod(0o755)


def test_a_mutated_file_gives_an_error_or_a_finite_array(tmp_path):
    rng, read = np.random.default_rng(2), []
    for number in range(600):
        path = made(tmp_path / "FLAIR.nii.gz", mutated(rng, number))
        assert peak_bytes(lambda path=path: read.append(array_or_none(path))) < 2**24
    arrays = [array for array in read if array is not None]
    assert 50 < len(arrays) < 550
    assert all(array.ndim == 3 and np.isfinite(array).all() for array in arrays)


def mutated(rng, number):
    """A file of one of four kinds, some header bytes changed, now and then cut, or packed."""
    kind = (nib.Nifti1Image, nib.Nifti2Image)[number % 2]
    order = "<>"[number // 2 % 2]
    content = bytearray(kind(SCAN, AFFINE, kind.header_class(endianness=order)).to_bytes())
    for place in rng.integers(0, 348 + 192 * (number % 2), rng.integers(1, 6)):
        content[place] = rng.choice([0, 1, 127, 128, 255, rng.integers(256)])
    if number % 10 == 0:
        content = content[: rng.integers(1, len(content))]
    return packed(bytes(content)) if number // 4 % 2 else bytes(content)


def array_or_none(path):
    try:
        return read_volume(path).array
    except InputError:
        return None
