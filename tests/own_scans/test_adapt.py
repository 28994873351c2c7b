"""Laws of adaptation to a clinic's own scans, and of what is written about them."""

import gzip
import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from kdlib.data.clinics import Clinics
from kdlib.data.image_file import read_volume
from kdlib.own_scans.adapt import plan_adaptation
from kdlib.scores.metrics import components
from kdlib.study.run import Run
from tests.command import kdlib
from tests.own_scans.adapted import NAMES, adapted, report, student
from tests.pages import chromium
from tests.tiny import RECIPE


def test_every_scan_gets_a_mask_and_a_map_on_its_own_grid(done: Path, target: Path) -> None:
    for name in NAMES:
        scan = nib.load(target / name / "FLAIR.nii.gz")
        mask, probability = (
            nib.load(done / f"masks/{name}_lesion_{kind}.nii.gz")
            for kind in ("mask", "probability")
        )
        for image in (mask, probability):
            assert image.shape == scan.shape
            np.testing.assert_allclose(image.affine, scan.affine, atol=1e-5)
        np.testing.assert_array_equal(mask.get_fdata() == 1, probability.get_fdata() >= 0.5)


def test_the_report_counts_what_the_masks_hold(done: Path) -> None:
    for fact in report(done)["scans"]:
        mask = read_volume(done / "masks" / fact["mask"], allow_constant=True)
        volume = mask.array.sum() * np.prod(mask.spacing_mm) / 1000
        assert fact["lesion_ml"]["result"] == pytest.approx(volume, abs=1e-3)
        assert fact["lesions"]["result"] == components(mask.array > 0)[1]
        added, removed = (fact["difference"][f"{what}_ml"] for what in ("added", "removed"))
        teacher = fact["lesion_ml"]["teacher"]
        assert teacher + added - removed == pytest.approx(volume, abs=1e-2)


def test_evaluate_scores_student_and_teacher_against_the_masks(done: Path, target: Path) -> None:
    result = kdlib("evaluate", target / "p1/mask.nii.gz",
                   done / "masks/p1_lesion_mask.nii.gz", "--json")  # fmt: skip
    scores = next(f["scores"] for f in report(done)["scans"] if f["subject"] == "p1")
    assert set(scores) == {"result", "teacher"}
    assert json.loads(result.out) == pytest.approx(scores["result"], nan_ok=True)


def test_the_report_names_settings_versions_and_seed(done: Path) -> None:
    written = report(done)
    assert written["settings"]["steps"] == RECIPE["steps"]
    assert written["settings"]["seed"] == 0
    assert len(written["runs"]) == 2
    assert all("torch" in run["versions"] for run in written["runs"].values())


def test_no_private_text_leaves_the_scan(done: Path) -> None:
    for path in (path for path in done.rglob("*") if path.is_file()):
        content = path.read_bytes()
        content += gzip.decompress(content) if path.name.endswith(".gz") else b""
        assert b"Jane" not in content, path
        assert "Jane" not in path.name


class Page(HTMLParser):
    """The elements and the links of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements, self.links, self.text = set[str](), list[str](), ""
        self.places = list[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        self.places += [value or "" for name, value in attrs if (tag, name) == ("section", "id")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_one_file_without_script_and_shows_names_as_text(done: Path) -> None:
    page = Page((done / "masks/report.html").read_text())
    assert not page.elements & {"script", "b", "link", "iframe"}
    inside = {link for link in page.links if link.startswith("#")}
    assert inside == {f"#{place}" for place in page.places} == {"#scan-1", "#scan-2"}
    images = set(page.links) - inside
    assert images
    assert all(link.startswith("data:image/png;base64,") for link in images)
    assert all(name in page.text for name in NAMES)


@pytest.mark.parametrize("width", [375, 1280])
def test_the_page_fits_its_screen_and_borders_can_be_hidden(done: Path, width: int) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto((done / "masks/report.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width
        teacher = page.locator("path.teacher").first
        assert teacher.evaluate("path => getComputedStyle(path).display") == "inline"
        page.get_by_text("teacher", exact=True).and_(page.locator("label")).click()
        assert teacher.evaluate("path => getComputedStyle(path).display") == "none"


def test_adaptation_sees_no_label_and_an_evaluation_repeats_nothing(
    done: Path, clinics: Clinics, target: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(target, tmp_path / "own")
    for mask in other.glob("*/mask.nii.gz"):
        mask.unlink()
    seen = plan_adaptation(clinics.folder, target).clinics["target"].subjects
    assert [subject.label for subject in seen] == [None, None]
    shutil.copytree(done / "runs", tmp_path / "runs")
    said = adapted(clinics, other, tmp_path)
    assert "trainings" not in said.err
    assert (report(tmp_path)["runs"], report(tmp_path)["scans"][0]["scores"]) == (
        report(done)["runs"], {},
    )  # fmt: skip


def test_a_run_on_a_target_without_labels_scores_nothing(done: Path) -> None:
    assert Run(student(done)).scores.empty
    assert not Run(student(done)).slices


def test_on_the_fly_adapts_to_each_scan_alone(
    clinics: Clinics, target: Path, tmp_path: Path
) -> None:
    said = adapted(clinics, target, tmp_path, "--on-the-fly")
    assert said.status == 0, said.err
    runs = [fact["run"] for fact in report(tmp_path)["scans"]]
    assert len(set(runs)) == 2
    assert [Run(tmp_path / "runs" / run).scenario.subject for run in runs] == sorted(NAMES)
    assert not report(tmp_path)["scans"][0]["scores"]


@pytest.mark.parametrize("shape", [(40, 32, 1), (7, 6, 3), (90, 110, 4), (33, 41, 200)])
def test_thin_small_and_large_scans_are_adapted_to_and_segmented(
    clinics: Clinics, tmp_path: Path, shape: tuple[int, int, int]
) -> None:
    rng = np.random.default_rng(0)
    array = rng.integers(100, 900, shape).astype(np.int16)
    nib.save(nib.Nifti1Image(array, np.diag([2, 3, 5, 1])), tmp_path / "scan.nii")
    said = adapted(clinics, tmp_path / "scan.nii", tmp_path, "--set", "steps=2")
    assert said.status == 0, said.err
    assert nib.load(tmp_path / "masks/scan_lesion_mask.nii.gz").shape == shape
