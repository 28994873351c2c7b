"""Laws of an image's file: nothing moves, nothing is lost, nothing leaks."""

import nibabel as nib
import numpy as np
import pytest

from kdlib.data.image_file import read_header, read_labels, read_volume, write_volume
from kdlib.data.volume import Volume
from kdlib.errors import InputError
from tests.data.oriented import SHAPE, oriented
from tests.faults import file_size_limit, small_disk


def save(path, array, affine=None, **fields):
    """Write a file with another program's library, with header ``fields`` as given."""
    image = nib.Nifti1Image(array, np.diag([-1.0, -1.0, 3.0, 1.0]) if affine is None else affine)
    image.set_qform(image.affine, code=1)
    for name, value in fields.items():
        image.header[name] = value
    nib.save(image, path)
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("codes", ["LPS", "RAS", "SLA"])
def test_what_is_written_is_read(tmp_path, codes, suffix):
    volume = oriented(codes, (5, 10, -7))
    write_volume(tmp_path / f"scan{suffix}", volume)
    back = read_volume(tmp_path / f"scan{suffix}")
    np.testing.assert_array_equal(back.array, volume.array)
    np.testing.assert_allclose(back.affine, volume.affine, atol=1e-4)
    assert back.array.dtype == np.float32


def test_a_sheared_affine_survives_writing(tmp_path):
    volume = oriented("LPS")
    volume.affine[0, 1] = 0.5
    write_volume(tmp_path / "scan.nii", volume)
    np.testing.assert_allclose(read_volume(tmp_path / "scan.nii").affine, volume.affine, atol=1e-4)


def test_a_written_header_holds_no_text_no_scaling_and_both_forms(tmp_path):
    write_volume(tmp_path / "mask.nii.gz", Volume(np.eye(3, dtype=bool)[None], np.eye(4)))
    header = nib.load(tmp_path / "mask.nii.gz").header
    assert all(header[field].item() == b"" for field in ("descrip", "aux_file", "intent_name"))
    assert (header["sform_code"], header["qform_code"]) == (1, 1)
    assert header.get_data_dtype() == np.uint8
    assert header.get_slope_inter() == (None, None)
    assert header.get_xyzt_units()[0] == "mm"


def test_the_same_volume_gives_the_same_bytes_at_any_time(tmp_path):
    for name in ("a.nii.gz", "b.nii.gz"):
        write_volume(tmp_path / name, oriented("LPS"))
    content = (tmp_path / "a.nii.gz").read_bytes()
    assert content == (tmp_path / "b.nii.gz").read_bytes()
    assert content[4:8] == bytes(4)  # gzip's field for the time.


@pytest.mark.parametrize(
    ("given", "stored"),
    [("bool", "uint8"), ("float64", "float32"), ("int64", "int32"), ("int16", "int16")],
)
def test_each_array_type_has_its_type_on_disk(tmp_path, given, stored):
    write_volume(tmp_path / "x.nii", Volume(np.eye(3)[None].astype(given), np.eye(4)))
    assert read_header(tmp_path / "x.nii").dtype == stored


def test_integers_are_scaled_by_slope_and_intercept(tmp_path):
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    path = save(tmp_path / "scan.nii.gz", array)
    content = bytearray(nib.load(path).to_bytes())
    content[112:120] = np.array([0.5, -3], "<f4").tobytes()
    (tmp_path / "scaled.nii").write_bytes(content)
    np.testing.assert_allclose(read_volume(tmp_path / "scaled.nii").array, array * 0.5 - 3)


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_and_both_versions_are_read(tmp_path, kind, order):
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    header = kind.header_class(endianness=order)
    header.set_data_dtype(np.dtype(np.int16).newbyteorder(order))
    nib.save(kind(array, np.diag([2.0, 2, 3, 1]), header), tmp_path / "scan.nii.gz")
    volume = read_volume(tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(volume.array, array)
    assert volume.spacing_mm == (2, 2, 3)


@pytest.mark.parametrize("tail", [(1,), (1, 1), (1, 1, 1)])
def test_trailing_axes_of_length_one_are_dropped(tmp_path, tail):
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4, *tail)
    path = save(tmp_path / "scan.nii.gz", array)
    assert read_volume(path).array.shape == (2, 3, 4)


def test_compression_is_seen_in_the_content_not_in_the_name(tmp_path):
    path = save(tmp_path / "scan.nii.gz", oriented("LPS").array)
    path.rename(tmp_path / "scan.nii")
    assert read_volume(tmp_path / "scan.nii").array.shape == SHAPE


def test_a_header_is_read_without_the_data(tmp_path):
    path = save(tmp_path / "scan.nii", np.ones((8, 9, 10), np.float32))
    header = read_header(path)
    assert (header.shape, header.spacing_mm, header.orientation) == ((8, 9, 10), (1, 1, 3), "LPS")


def test_a_handedness_of_zero_is_read_as_one(tmp_path):
    path = save(tmp_path / "scan.nii", oriented("LPS").array, sform_code=0)
    content = bytearray(path.read_bytes())
    content[76:80] = bytes(4)
    path.write_bytes(content)
    assert read_header(path).orientation == "LPS"


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int16])
def test_labels_of_any_type_become_uint8(tmp_path, dtype):
    path = save(tmp_path / "wmh.nii.gz", np.arange(24).reshape(2, 3, 4).astype(dtype) % 3)
    labels = read_labels(path).array
    assert labels.dtype == np.uint8
    assert set(np.unique(labels)) == {0, 1, 2}


def test_labels_may_lack_lesions_only_where_that_is_said(tmp_path):
    path = save(tmp_path / "wmh.nii.gz", np.zeros(SHAPE, np.uint8))
    assert not read_labels(path, allow_empty=True).array.any()
    with pytest.raises(InputError, match="mask is empty"):
        read_labels(path)


def test_rounding_of_an_affine_does_not_part_a_mask_from_its_scan(tmp_path):
    scan = oriented("LPS", (3, 2, 1))
    path = save(tmp_path / "wmh.nii", (scan.array == 7).astype(np.uint8), scan.affine + 1e-4)
    assert read_labels(path, like=scan).array.sum() == 1


def test_a_constant_probability_map_is_read_where_asked(tmp_path):
    path = save(tmp_path / "probability.nii.gz", np.zeros(SHAPE, np.float32))
    assert read_volume(path, allow_constant=True).array.max() == 0


SCAN = oriented("LPS")


@pytest.mark.parametrize("name", ["scan é 脑 ß.nii.gz", "a" * 240 + ".nii.gz", "x.y.z.nii"])
def test_unusual_names_work(tmp_path, name):
    folder = tmp_path.joinpath("Philips_VU .PETMR_01.", *["b" * 200] * 10)
    write_volume(folder / name, SCAN)
    np.testing.assert_array_equal(read_volume(folder / name).array, SCAN.array)
    assert [file.name for file in folder.iterdir()] == [name]


def fails_to_write(folder, suffix):
    """Assert that a scan of about 1 MB does not fit, and that the old one stays as it was."""
    path = folder / f"mask{suffix}"
    write_volume(path, SCAN)
    large = Volume(np.random.default_rng(1).normal(size=(64, 64, 64)), np.eye(4))
    with pytest.raises(InputError, match=r"mask.*: cannot be written.*; free some space"):
        write_volume(path, large)
    np.testing.assert_array_equal(read_volume(path).array, SCAN.array)
    assert [file.name for file in folder.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_refused_write_leaves_nothing_half_written(tmp_path, suffix):
    with file_size_limit(2**16):
        fails_to_write(tmp_path, suffix)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_full_disk_leaves_nothing_half_written(tmp_path, suffix):
    with small_disk(tmp_path):
        fails_to_write(tmp_path, suffix)


@pytest.mark.parametrize(
    "name", ["file.nii/mask.nii", "folder.nii", f"{'a' * 300}.nii", "mask.png"]
)
def test_a_place_that_takes_no_scan_is_refused_and_left_alone(tmp_path, name):
    (tmp_path / "file.nii").write_bytes(b"x")
    (tmp_path / "folder.nii").mkdir()
    with pytest.raises(InputError, match=r": (cannot be written|a NIfTI file's name ends)"):
        write_volume(tmp_path / name, SCAN)
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["file.nii", "folder.nii"]
