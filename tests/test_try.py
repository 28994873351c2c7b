"""The page "Try it on your scan" in a real browser, without a network, beside Python's answer."""

# Fixtures are imported by name.
# ruff: noqa: F401, F811

import gzip
import importlib.util
import re
import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, ornt_transform
from PIL import Image
from scipy import ndimage

from kdlib.data.image_file import read_volume
from kdlib.own_scans.of_starter import brain_and_inside
from kdlib.own_scans.plausibility import doubts_of_brain, doubts_of_scan, head_of
from kdlib.scores.metrics import components, dice
from kdlib.starter.starter import load_starter
from tests.pages import CHROMIUM, ROOT, browser, server, watched

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: 'apt-get install chromium' runs the browser tests"
)

PAGE = "book/try.html"
HERE = ".kdlib-try"
STATES = "shown", "failed", "cancelled"


@pytest.fixture(scope="module")
def extension():
    """The book's extension that writes the page's files. Its scan has half of the slices."""
    path = ROOT / "book" / "_extensions" / "try_page.py"
    spec = importlib.util.spec_from_file_location("try_page", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    whole = nib.Nifti1Image.from_bytes(module.example(ROOT))
    module.example = lambda _: whole.slicer[:, :, ::2].to_bytes()
    return module


@pytest.fixture(scope="module")
def site(scripts, extension, tmp_path_factory):
    """The part of the page that runs, without the book around it."""
    if not scripts:
        pytest.skip("no JavaScript for the browser tests: 'python book/vendor.py' says why")
    folder = tmp_path_factory.mktemp("try")
    extension.write_files(ROOT, folder / "_static" / "starter")
    (folder / "_static" / "vendor").symlink_to(ROOT / "book" / "_static" / "vendor")
    text = (ROOT / "book" / "try.md").read_text()
    html = re.search(r"```{raw} html\n(.*?)```", text, re.DOTALL)[1]
    (folder / "book").mkdir()
    (folder / PAGE).write_text(f"<!doctype html><meta charset='utf-8'><body>{html}")
    return folder


def opened(browser, home, before=""):
    """The page, ready."""
    page = watched(browser, home)
    if before:
        page.add_init_script(before)
    page.goto(home + PAGE)
    page.wait_for_selector(f"{HERE}[data-state=ready]")
    return page


@pytest.fixture(scope="module")
def page(browser, server):
    page = opened(browser, server)
    yield page
    page.close()


def give(page, name, content=b""):
    """Choose a file and wait for the end: its path, or its name and its bytes."""
    picker = page.locator(f"{HERE} input[type=file]")
    packed = {"name": name, "mimeType": "", "buffer": content}
    picker.set_input_files(packed if content else name)
    return ended(page)


def ended(page):
    page.wait_for_selector(",".join(f"{HERE}[data-state={s}]" for s in STATES), timeout=240_000)
    return page.locator(HERE).get_attribute("data-state")


def told(page):
    return page.locator(".kdlib-status").text_content()


def saved(page, folder):
    """The mask that the page saves, as nibabel reads it."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the mask").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return nib.load(path)


def coloured(page):
    """How many pixels of the picture are yellow."""
    page.wait_for_timeout(150)
    picture = page.locator(f"{HERE} .kdlib-scan canvas").screenshot()
    return int((np.ptp(np.asarray(Image.open(BytesIO(picture)).convert("RGB")), -1) > 60).sum())


# Where its axes point, mm, what is stored, its scaling, how it is tilted, and the file's ending.
CASES = {
    "bytes": ("RAS", (2, 2, 6), np.uint8, None, 0.0, "nii"),
    "scaled": ("PSR", (1.5, 2, 6), np.int16, (0.01, -40.0), 0.0, "nii.gz"),
    "tilted, thick": ("ILA", (1.5, 1.7, 9), np.float64, None, 0.3, "nii.gz"),
    "big-endian": ("LPS", (2, 2, 6), ">f4", None, 0.0, "nii"),
}


def written(extension, folder, codes, edges, kind, scaling, angle, ending):
    """The simulated scan of the page, resampled, turned, tilted and stored in another way."""
    scan = nib.Nifti1Image.from_bytes(extension.example(ROOT))
    values, affine = np.asarray(scan.dataobj, np.float64), scan.affine
    factors = np.array([2, 2, 6]) / edges
    values, affine = ndimage.zoom(values, factors, order=1), affine @ np.diag([*1 / factors, 1])
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


def answer_shown(page):
    """Whether there is a mask to save, and its numbers."""
    parts = [page.get_by_role("button", name="Save the mask"), page.locator(".kdlib-numbers")]
    return any(part.is_visible() for part in parts)


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


def test_no_answer_is_shown_while_the_next_scan_is_worked_on(page, extension):
    """Nor after it failed: then the mask that could be saved would be that of another patient."""
    assert give(page, "anna.nii", extension.example(ROOT)) == "shown"
    assert page.locator(".kdlib-numbers").text_content().startswith("anna.nii: ")
    assert answer_shown(page)
    page.get_by_role("button", name="Take a simulated scan").click()
    page.wait_for_selector(f"{HERE}[data-state=working]")
    assert not answer_shown(page)
    assert ended(page) == "shown"
    assert give(page, "bert.nii", b"no scan at all" * 60) == "failed"
    assert not answer_shown(page)


def test_the_networks_are_loaded_once(page, extension):
    assert give(page, "a.nii", extension.example(ROOT)) == "shown"
    page.evaluate("""() => {
      const status = document.querySelector(".kdlib-status");
      window.said = [];
      new MutationObserver(() => window.said.push(status.textContent))
        .observe(status, { childList: true });
    }""")
    assert give(page, "b.nii", extension.example(ROOT)) == "shown"
    said = page.evaluate("window.said")
    assert any(words.startswith("Finding") for words in said)
    assert not any(words.startswith("Loading") for words in said)


def test_a_cancelled_scan_leaves_the_page_ready_for_the_next(page, extension):
    page.get_by_role("button", name="Take a simulated scan").click()
    page.wait_for_selector(f"{HERE}[data-state=working]")
    page.get_by_role("button", name="Cancel").click()
    assert ended(page) == "cancelled"
    assert give(page, "a.nii", extension.example(ROOT)) == "shown"


def test_the_page_asks_no_network_and_complains_of_nothing(page):
    """Runs after the others: all that they did counts."""
    assert page.asked == []
    assert page.complaints == []


@pytest.mark.parametrize("workers", ["with workers", "without workers"])
def test_it_works_from_a_file_without_a_server(browser, site, workers):
    gone = "" if workers == "with workers" else "delete window.Worker;"
    page = opened(browser, f"{site.as_uri()}/", gone)
    page.get_by_role("button", name="Take a simulated scan").click()
    assert ended(page) == "shown", told(page)
    assert coloured(page) > 0
    assert (page.asked, page.complaints) == ([], [])
    page.close()


def test_what_the_book_was_built_without_is_said_on_the_page(browser, site, extension):
    script = site / "_static" / "starter" / "page.js"
    whole = script.read_text()
    script.write_text(extension.page_script(ROOT / "book" / "starter", "Something <b>is</b> gone."))
    page = browser.new_page()
    page.goto(f"{site.as_uri()}/{PAGE}")
    page.wait_for_selector(f"{HERE}[data-state=missing]")
    assert page.locator(HERE).text_content() == "Something <b>is</b> gone."
    page.close()
    script.write_text(whole)
