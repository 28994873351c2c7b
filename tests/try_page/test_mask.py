"""The page's mask beside Python's answer."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, ornt_transform
from scipy import ndimage

from kdlib.data.image_file import read_volume
from kdlib.scores.metrics import components, dice
from kdlib.starter.starter import load_starter
from tests.pages import ROOT
from tests.try_page.page import HERE, coloured, give, saved, told

# Where its axes point, mm, what is stored, its scaling, how it is tilted, the file's ending, and
# whether a program has shifted and scaled it, with its air.
CASES = {
    "bytes": ("RAS", (2, 2, 6), np.uint8, None, 0.0, "nii", False),
    "scaled": ("PSR", (1.5, 2, 6), np.int16, (0.01, -40.0), 0.0, "nii.gz", False),
    "tilted, thick": ("ILA", (1.5, 1.7, 9), np.float64, None, 0.3, "nii.gz", False),
    "big-endian": ("LPS", (2, 2, 6), ">f4", None, 0.0, "nii", False),
    "z-scored": ("LPS", (1.3, 1.3, 6), np.float32, None, 0.0, "nii", True),
}


def written(extension, folder, codes, edges, kind, scaling, angle, ending, scored):
    """The simulated scan of the page, resampled, turned, tilted and stored in another way."""
    scan = nib.Nifti1Image.from_bytes(extension.example(ROOT))
    values, affine = np.asarray(scan.dataobj, np.float64), scan.affine
    factors = np.array([2, 2, 6]) / edges
    values, affine = ndimage.zoom(values, factors, order=1), affine @ np.diag([*1 / factors, 1])
    if scored:
        values = (values - values.mean()) / values.std()
    turn = ornt_transform(nib.io_orientation(affine), axcodes2ornt(codes))
    affine = affine @ nib.orientations.inv_ornt_aff(turn, values.shape)
    values = nib.apply_orientation(values, turn)
    tilt = np.eye(4)
    tilt[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    slope, intercept = scaling or (1.0, 0.0)
    stored = (values - intercept) / slope
    header = nib.Nifti1Header(endianness=">" if str(kind).startswith(">") else "<")
    header.set_data_dtype(kind)
    image = nib.Nifti1Image(
        np.rint(stored).astype(kind) if scaling else stored.astype(kind), tilt @ affine, header
    )
    image.header["descrip"] = b"a name of a patient"
    image.header.set_slope_inter(slope, intercept)
    nib.save(image, folder / f"scan.{ending}")
    return folder / f"scan.{ending}"


@pytest.mark.parametrize("case", CASES)
def test_the_mask_is_pythons(page, extension, tmp_path, case):
    path = written(extension, tmp_path, *CASES[case])
    assert give(page, path) == "shown", told(page)
    mask = saved(page, tmp_path)
    starter = load_starter()
    exact = replace(starter, recipe=starter.recipe.model_copy(update={"precision": "float32"}))
    probability, _ = exact.answer(read_volume(path))
    ours = np.asarray(mask.dataobj) == 1
    assert ours.any()
    assert dice(probability.array >= 0.5, ours) >= 0.99
    check_header(mask, nib.load(path))
    numbers = page.locator(f"{HERE} [data-lesions]")
    assert int(numbers.get_attribute("data-lesions")) == components(ours)[1]
    ml = ours.sum() * np.prod(mask.header.get_zooms()) / 1000
    assert float(numbers.get_attribute("data-ml")) == pytest.approx(ml, rel=1e-5)


def check_header(mask, scan):
    """The mask lies where the scan lies, with the same codes, and holds no text."""
    assert mask.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(mask.affine, scan.affine)
    for name in ("sform_code", "qform_code", "quatern_b", "quatern_c", "quatern_d"):
        assert mask.header[name] == scan.header[name]
    np.testing.assert_array_equal(mask.header["pixdim"][:4], scan.header["pixdim"][:4])
    assert mask.header["descrip"] == b""
    assert mask.get_filename().endswith("scan_lesion_mask.nii.gz")


def test_a_lower_threshold_marks_more_and_the_picture_follows(page, extension, tmp_path):
    assert give(page, "a.nii", extension.example(ROOT)) == "shown"
    before, pixels = np.asarray(saved(page, tmp_path).dataobj), coloured(page)
    assert pixels > 0
    page.get_by_label("Threshold").fill("0.05")
    after = np.asarray(saved(page, tmp_path).dataobj)
    assert (after >= before).all()
    assert after.sum() > before.sum()
    assert coloured(page) > pixels
    page.get_by_label("Opacity").fill("0")
    assert coloured(page) == 0
