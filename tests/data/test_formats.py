"""Laws of formats: the same image in another format is the same scan."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.freesurfer.mghformat import MGHImage
from nibabel.spm2analyze import Spm2AnalyzeImage

from kdlib.data.clinics import open_clinics
from kdlib.data.forms import Reading
from kdlib.data.image_file import read_header, read_volume
from kdlib.errors import InputError
from tests.command import kdlib
from tests.data.oriented import oriented
from tests.patients import write_plain

SCAN = oriented("PIR", (20, 5, -10))
WRITERS = {
    "x.mgz": MGHImage,
    "x.mgh": MGHImage,
    "x.img": nib.Nifti1Pair,
    "x.hdr": nib.Nifti2Pair,
    "x.NII.GZ": nib.Nifti1Image,
}


def written(path: Path, kind: type, dtype: str = "float32") -> Path:
    image = kind(SCAN.array.astype(dtype), SCAN.affine)
    nib.save(image, path.with_name(path.name.lower()))
    path.with_name(path.name.lower()).rename(path)
    return path


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("dtype", ["float32", "int16", "uint8", "int32"])
def test_an_image_is_the_same_in_every_format(tmp_path: Path, name: str, dtype: str) -> None:
    path = written(tmp_path / name, WRITERS[name], dtype)
    volume = read_volume(path)
    np.testing.assert_allclose(volume.array, SCAN.array, rtol=1e-6)
    np.testing.assert_allclose(volume.affine, SCAN.affine, atol=1e-4)
    assert read_header(path).shape == SCAN.array.shape


def test_a_packed_pair_is_read_by_either_name(tmp_path: Path) -> None:
    written(tmp_path / "x.img", nib.Nifti1Pair)
    for name in ("x.img", "x.hdr"):
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress((tmp_path / name).read_bytes()))
        (tmp_path / name).unlink()
    np.testing.assert_array_equal(read_volume(tmp_path / "x.img.gz").array, SCAN.array)


@pytest.mark.parametrize("half", ["x.img", "x.hdr"])
def test_half_of_a_pair_is_refused(tmp_path: Path, half: str) -> None:
    written(tmp_path / "x.img", nib.Nifti1Pair)
    (tmp_path / half).unlink()
    other = {"x.img": "x.hdr", "x.hdr": "x.img"}[half]
    with pytest.raises(InputError, match=f"{other}: this is"):
        read_volume(tmp_path / other)


def test_a_pair_with_too_little_data_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "x.img", nib.Nifti1Pair)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="less data than its header"):
        read_volume(path)


def test_formats_without_an_orientation_are_refused_or_read_as_told(tmp_path: Path) -> None:
    analyze = tmp_path / "x.img"
    nib.save(Spm2AnalyzeImage(SCAN.array, np.diag([-0.9, 1.1, 3, 1])), analyze)
    mgh = MGHImage(SCAN.array, SCAN.affine)
    mgh.header["goodRASFlag"] = 0
    content = bytearray(mgh.to_bytes())
    content[28:30] = bytes(2)
    (tmp_path / "x.mgh").write_bytes(content)
    for path in (analyze, tmp_path / "x.mgh"):
        with pytest.raises(InputError, match="--orientation LPS"):
            read_volume(path)
        volume = read_volume(path, Reading("LAS"))
        np.testing.assert_array_equal(volume.array, SCAN.array)
        assert "".join(nib.aff2axcodes(volume.affine)) == "LAS"


POINTERS = {
    "/annex/objects/MD5E-s1--0.nii.gz\n": "datalad get",
    "version https://git-lfs.github.com/spec/v1\n": "git lfs pull",
    "NRRD0004\ntype: float\n": "an NRRD file; convert",
    "ObjectType = Image\n": "a MetaImage file; convert",
}


@pytest.mark.parametrize("content", POINTERS)
def test_a_file_of_another_kind_says_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.nii.gz").write_text(content)
    with pytest.raises(InputError, match=f"x.nii.gz: this is .*{POINTERS[content]}"):
        read_volume(tmp_path / "x.nii.gz")


def converted(folder: Path, name: str, kind: type) -> Path:
    """The patients a and b, whose FLAIR of b is of another format."""
    scan = write_plain(folder, "a", "b") / "b/FLAIR.nii.gz"
    volume = read_volume(scan)
    nib.save(kind(volume.array, volume.affine), folder / "b" / name)
    scan.unlink()
    return folder


@pytest.mark.parametrize("name", ["FLAIR.mgz", "FLAIR.img"])
def test_a_patient_in_another_format_is_checked_like_any_other(tmp_path: Path, name: str) -> None:
    done = kdlib("check", converted(tmp_path, name, WRITERS[f"x.{name.split('.')[1]}"]))
    assert done.status == 0, done.out
    assert "2 of 2 subjects can be used" in done.out


def test_the_fingerprint_follows_both_files_of_a_pair(tmp_path: Path) -> None:
    folder = converted(tmp_path, "FLAIR.img", nib.Nifti1Pair)
    before = open_clinics(folder)["own"].fingerprint
    header = folder / "b/FLAIR.hdr"
    header.write_bytes(header.read_bytes()[:-1] + b"x")
    assert open_clinics(folder)["own"].fingerprint != before
