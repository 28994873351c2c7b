"""The page doubts what Python doubts, and says why it cannot read a file."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from kdlib.data.image_file import read_volume
from kdlib.own_scans.of_starter import brain_and_inside
from kdlib.own_scans.plausibility import doubts_of_brain, doubts_of_scan, head_of
from tests.pages import ROOT
from tests.try_page.page import HERE, answer_shown, ended, give, told

DOUBTFUL = {
    "nothing": lambda scan, turn: (scan, turn),
    "slices without their thickness": lambda scan, turn: (scan, turn @ np.diag([1, 1, 0.2, 1])),
    "one slice": lambda scan, turn: (scan[:, :, 10:11], turn),
    "voxels too small": lambda scan, turn: (scan, turn @ np.diag([0.2, 0.2, 0.2, 1])),
    "noise": lambda scan, turn: (np.random.default_rng(0).normal(100, 10, scan.shape), turn),
    "a shell": lambda scan, turn: (shell_of(scan.shape), turn),
}


def shell_of(shape):
    """A head of air alone, as large as the image."""
    away = (
        sum(
            (place / (n - 1) * 2 - 1) ** 2
            for place, n in zip(np.indices(shape), shape, strict=True)
        )
        ** 0.5
    )
    return np.where((away < 0.9) & (away > 0.8), 500, 0) + np.random.default_rng(0).random(shape)


@pytest.mark.parametrize("what", DOUBTFUL)
def test_the_page_doubts_what_python_doubts(page, extension, tmp_path, what):
    scan = nib.Nifti1Image.from_bytes(extension.example(ROOT))
    changed, affine = DOUBTFUL[what](np.asarray(scan.dataobj), scan.affine)
    nib.save(nib.Nifti1Image(changed.astype(np.float32), affine), tmp_path / "scan.nii")
    flair = read_volume(tmp_path / "scan.nii")
    turned, inside = head_of(flair)
    brain, _ = brain_and_inside(flair)
    expected = [*doubts_of_scan(turned, inside), *doubts_of_brain(brain, inside)]
    assert give(page, tmp_path / "scan.nii") == "shown", told(page)
    assert page.get_by_role("alert").get_by_role("listitem").all_text_contents() == expected
    assert bool(expected) == (what != "nothing")


def header_of(shape, kind=np.float32):
    header = nib.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_dtype(kind)
    header.set_sform(np.eye(4), 1)
    header["magic"], header["vox_offset"] = b"n+1", 352
    return header.binaryblock + bytes(4)


BAD = {
    "text": (b"not a scan" * 60, "not a NIfTI file"),
    "short": (b"x", "too short"),
    "of 10 GB": (gzip.compress(header_of((2000, 2000, 700))), "at most 64 million"),
    "cut off": (gzip.compress(header_of((9, 9, 9)) + bytes(range(256)) * 11)[:-60], "damaged"),
    "of two parts": (gzip.compress(header_of((9, 9, 9))) + gzip.compress(bytes(2916)), "unpack it"),
    "too little data": (header_of((9, 9, 9)) + bytes(99), "less data than its header says"),
    "of four dimensions": (header_of((9, 9, 9, 2)) + bytes(5832), "4 dimensions"),
    "constant": (header_of((9, 9, 9)) + bytes(2916), "one value"),
    "of colours": (header_of((9, 9, 9), np.dtype("c8")) + bytes(5832), "one real number"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_gets_one_line_that_says_why(page, what):
    content, why = BAD[what]
    assert give(page, f"<img src=x onerror=alert(1)> {what}.nii.gz", content) == "failed"
    assert why in told(page)
    assert "<img src=x" in told(page)  # as text
    assert page.locator(f"{HERE} img").count() == 0
    assert not answer_shown(page)


def test_several_dropped_files_are_not_taken_for_one(page):
    page.locator(f"{HERE} .kdlib-drop").evaluate("""(drop) => {
      const dataTransfer = new DataTransfer();
      for (const name of ["a.nii", "b.nii"]) dataTransfer.items.add(new File(["x"], name));
      drop.dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
    }""")
    assert ended(page) == "failed"
    assert told(page) == "These are 2 files. Drop one scan at a time."
