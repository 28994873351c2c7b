"""Laws of where a file says that it lies: nothing is guessed, and results say the same."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from kdlib.data.clinics import open_clinics
from kdlib.data.forms import Reading
from kdlib.data.image_file import read_header, read_volume, write_volume
from kdlib.data.volume import Volume, on_grid_of, to_lps
from kdlib.errors import InputError
from tests.command import kdlib
from tests.data.oriented import ORIENTATIONS, oriented
from tests.patients import write_plain

SCAN = oriented("PIR", (20, 5, -10))
MOVED = np.eye(4) + 12 * np.eye(4, k=3)


def saved(path: Path, *, sform: int, qform: int, qform_change: np.ndarray = MOVED) -> Path:
    """A scan whose forms have these codes. Where both are given, the qform lies elsewhere."""
    image = nib.Nifti1Image(SCAN.array, SCAN.affine)
    image.set_sform(SCAN.affine, code=sform)
    image.set_qform(qform_change @ SCAN.affine, code=qform)
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image, path)
    return path


def test_a_scan_without_an_orientation_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = saved(tmp_path / "scan.nii", sform=0, qform=0)
    for read in (read_volume, read_header):
        with pytest.raises(InputError, match=r"scan.nii: .* oriented .*--orientation LPS"):
            read(path)


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_a_given_orientation_is_that_of_the_axes(tmp_path: Path, codes: str) -> None:
    path = saved(tmp_path / "scan.nii", sform=0, qform=0)
    volume = read_volume(path, Reading(orientation=codes))
    assert "".join(nib.aff2axcodes(volume.affine)) == codes
    np.testing.assert_allclose(volume.spacing_mm, SCAN.spacing_mm, rtol=1e-6)
    centre = volume.affine @ [*(np.array(SCAN.array.shape) - 1) / 2, 1]
    np.testing.assert_allclose(centre, [0, 0, 0, 1], atol=1e-6)


def test_a_given_orientation_does_not_overrule_a_file(tmp_path: Path) -> None:
    path = saved(tmp_path / "scan.nii", sform=1, qform=0)
    given, own = read_volume(path, Reading(orientation="LPS")), read_volume(path)
    np.testing.assert_array_equal(given.affine, own.affine)


def test_forms_that_disagree_are_refused_until_one_is_chosen(tmp_path: Path) -> None:
    path = saved(tmp_path / "scan.nii", sform=2, qform=1)
    with pytest.raises(InputError, match=r"disagree by up to 12 mm; .*--form sform"):
        read_volume(path)
    for form, affine in (("sform", SCAN.affine), ("qform", MOVED @ SCAN.affine)):
        np.testing.assert_allclose(read_volume(path, Reading(form=form)).affine, affine, atol=1e-4)


@pytest.mark.parametrize("form", ["sform", "qform"])
def test_a_chosen_form_that_a_file_lacks_is_not_asked_of_it(tmp_path: Path, form: str) -> None:
    codes = {"sform": 1, "qform": 1} | {form: 0}
    path = saved(tmp_path / "scan.nii", **codes)
    np.testing.assert_array_equal(read_volume(path, Reading(form=form)).affine,
                                  read_volume(path).affine)  # fmt: skip


@pytest.mark.parametrize("codes", [(1, 0), (0, 1), (2, 1), (4, 4), (0, 0)])
def test_a_result_keeps_the_forms_of_its_scan(tmp_path: Path, codes: tuple[int, int]) -> None:
    path = saved(tmp_path / "scan.nii", sform=codes[0], qform=codes[1])
    scan = read_volume(path, Reading("LPS", "sform"))
    write_volume(tmp_path / "mask.nii", on_grid_of(scan, to_lps(scan).array > 30))
    one, other = (nib.load(tmp_path / name).header for name in ("scan.nii", "mask.nii"))
    for form in ("sform", "qform"):
        ours, code = getattr(one, f"get_{form}")(coded=True)
        theirs, other_code = getattr(other, f"get_{form}")(coded=True)
        assert code == other_code
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(one.get_zooms(), other.get_zooms())


@pytest.mark.parametrize("wrong", ["LP", "LLS", "XYZ", "LPSS", ""])
def test_an_unknown_orientation_is_refused(wrong: str) -> None:
    with pytest.raises(InputError, match="for example LPS"):
        Reading(orientation=wrong)
    with pytest.raises(InputError, match="sform or qform"):
        Reading(form="xform")


def test_how_a_scan_is_read_is_part_of_its_fingerprint(tmp_path: Path) -> None:
    folder = write_plain(tmp_path, "a")
    prints = {
        open_clinics(folder, reading=Reading(orientation))["own"].fingerprint
        for orientation in (None, "LPS", "RAS")
    }
    assert len(prints) == 3


def unplaced(folder: Path) -> Path:
    """A patient whose scan and mask have lost their orientation."""
    write_plain(folder, "a")
    for path in (folder / "a/FLAIR.nii.gz", folder / "a/mask.nii.gz"):
        image = nib.load(path)
        array = np.asarray(image.dataobj)
        image.header["sform_code"] = image.header["qform_code"] = 0
        nib.save(nib.Nifti1Image(array, None, image.header), path)
    return folder


def test_the_command_refuses_or_takes_what_it_is_told(tmp_path: Path) -> None:
    folder = unplaced(tmp_path)
    refused = kdlib("check", folder)
    assert (refused.status, "--orientation LPS" in refused.out) == (1, True)
    done = kdlib("check", folder, "--orientation", "PIL")
    assert done.status == 0, done.out
    mask = folder / "a/mask.nii.gz"
    assert kdlib("evaluate", mask, mask).status == 2
    assert kdlib("evaluate", mask, mask, "--orientation", "PIL").status == 0


def test_a_mask_that_alone_lacks_an_orientation_is_not_taken_as_placed(tmp_path: Path) -> None:
    folder = unplaced(tmp_path)
    write_volume(folder / "a/FLAIR.nii.gz", Volume(*_placed(folder / "a/FLAIR.nii.gz")))
    done = kdlib("check", folder, "--orientation", "PIL")
    assert done.status == 1
    assert "mm away from its scan" in " ".join(done.out.split())


def _placed(path: Path) -> tuple[np.ndarray, np.ndarray]:
    volume = read_volume(path, Reading("PIL"))
    return volume.array, MOVED @ volume.affine
