"""Laws of adaptation to a clinic's own scans, and of what is written about them."""

import gzip
import json
import resource
import shutil
from html.parser import HTMLParser
from pathlib import Path
from tempfile import gettempdir

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch

from kdlib.data.clinics import Clinics
from kdlib.data.image_file import read_volume
from kdlib.data.subjects import Subject
from kdlib.data.volume import Volume
from kdlib.errors import printable
from kdlib.own_scans import segmentation
from kdlib.own_scans.adapt import plan_adaptation, scans_at
from kdlib.own_scans.results import Results
from kdlib.own_scans.segmentation import segment
from kdlib.own_scans.segmenter import Answers, RunSegmenter, of_runs
from kdlib.scores.metrics import components
from kdlib.study.run import Run
from tests.command import Done, kdlib
from tests.pages import CHROMIUM, browser  # noqa: F401 - a fixture
from tests.patients import write_bids, write_plain
from tests.tiny import RECIPE

SETTINGS = [
    text
    for name, value in (RECIPE | {"voxel_mm": None}).items()
    for text in ("--set", f"{name}={json.dumps(value)}")
]
PRIVATE = "Jane Doe 1953"
NAMES = ("p1", '<b onload="x">&p2')


def hide_private_text(path: Path) -> None:
    """Write a name into every free text of a NIfTI header, and behind it."""
    image = nib.load(path)
    for field in ("descrip", "intent_name", "aux_file", "db_name"):
        image.header[field] = PRIVATE
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", PRIVATE.encode()))
    array = np.asarray(image.dataobj).copy()
    nib.save(nib.Nifti1Image(array, image.affine, image.header), path)


def adapted(clinics: Clinics, target: Path, out: Path, *more: object) -> Done:
    source = clinics.folder / "training/Utrecht"
    return kdlib("adapt", "--source", source, "--target", target, "--out", out / "masks",
                 "--store", out / "runs", "--device", "cpu", *SETTINGS, *more)  # fmt: skip


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scans of a scanner of their own, in a folder of somebody's name."""
    folder = write_plain(tmp_path_factory.mktemp("own") / PRIVATE, *NAMES)
    for name in NAMES:
        hide_private_text(folder / name / "FLAIR.nii.gz")
    return folder


@pytest.fixture(scope="module")
def done(clinics: Clinics, target: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command left: masks/ and runs/."""
    out = tmp_path_factory.mktemp("adapted")
    said = adapted(clinics, target, out, "--evaluate")
    assert said.status == 0, said.err
    (out / "screen").write_text(said.out + said.err)
    return out


def report(done: Path) -> dict:
    return json.loads((done / "masks/report.json").read_text())


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


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
@pytest.mark.parametrize("width", [375, 1280])
def test_the_page_fits_its_screen_and_borders_can_be_hidden(
    browser,  # noqa: F811
    done: Path,
    width: int,
) -> None:
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


def test_bad_scans_stop_it_before_training_or_are_left_out_and_told(
    clinics: Clinics, target: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(target, tmp_path / "own")
    (folder / "p3").mkdir()
    (folder / "p3/FLAIR.nii.gz").write_bytes(b"")
    said = adapted(clinics, folder, tmp_path)
    assert said.status == 2
    assert "p3/FLAIR.nii.gz: this file is empty" in said.err
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "masks").exists()
    said = adapted(clinics, folder, tmp_path, "--skip-bad")
    assert said.status == 0
    assert "p3/FLAIR.nii.gz: this file is empty" in said.out
    assert report(tmp_path)["left_out"] == [said.out.splitlines()[-1]]


def test_without_any_mask_there_is_nothing_to_evaluate(
    done: Path, clinics: Clinics, tmp_path: Path
) -> None:
    folder = write_plain(tmp_path / "own", "a", mask=False)
    said = adapted(clinics, folder, tmp_path, "--evaluate")
    assert (said.status, len(said.err.splitlines())) == (2, 1)
    assert "none of these scans has a mask" in said.err
    assert not (tmp_path / "runs").exists()
    said = kdlib("predict", student(done), folder, "--out", tmp_path / "masks", "--evaluate")
    assert said.status == 2
    assert "none of these scans has a mask" in said.err


def test_predict_gives_the_same_answers_in_any_layout(
    done: Path, target: Path, tmp_path: Path
) -> None:
    scan = target / "p1/FLAIR.nii.gz"
    bids = write_bids(tmp_path / "bids", "1")
    said = kdlib(
        "predict", student(done), scan, bids, "--out", tmp_path / "masks", "--device", "cpu"
    )
    assert said.status == 0, said.err
    expected = (done / "masks/p1_lesion_probability.nii.gz").read_bytes()
    for name in ("p1", "sub-1_ses-1"):
        assert (tmp_path / f"masks/{name}_lesion_probability.nii.gz").read_bytes() == expected
    assert [fact["subject"] for fact in report(tmp_path)["scans"]] == ["p1", "sub-1_ses-1"]


def student(done: Path) -> Path:
    return next((done / "runs").glob("*-target-distillation-*"))


@pytest.mark.parametrize("loss", ["missing", "without its weights", "damaged"])
def test_a_run_without_its_teacher_still_predicts_and_says_so(
    done: Path, target: Path, tmp_path: Path, loss: str
) -> None:
    runs = shutil.copytree(done / "runs", tmp_path / "runs")
    teacher = next(runs.glob("*-supervised-*"))
    if loss == "missing":
        shutil.rmtree(teacher)
    elif loss == "damaged":
        (teacher / "weights.safetensors").write_bytes(b"")
    else:
        (teacher / "weights.safetensors").unlink()
    said = kdlib("predict", student(tmp_path), target, "--out", tmp_path / "masks")
    assert said.status == 0, said.err
    assert report(tmp_path)["scans"][0]["difference"] is None
    for text in (said.out, (tmp_path / "masks/report.html").read_text(), str(report(tmp_path))):
        assert "is not here or cannot be read, so no result is compared with it" in text


def test_a_run_is_named_by_the_folder_one_stands_in(
    done: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(student(done))
    said = kdlib("predict", ".", target, "--out", tmp_path / "masks")
    assert said.status == 0, said.err
    assert report(tmp_path)["scans"][0]["run"] == student(done).name
    assert report(tmp_path)["scans"][0]["difference"] is not None


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_results_of_an_earlier_call_are_removed(done: Path, target: Path, tmp_path: Path) -> None:
    for name in NAMES:
        said = kdlib("predict", student(done), target / name, "--out", tmp_path)
        assert said.status == 0, said.err
        removed = "Masks and maps of an earlier call that were removed: 2" in said.out
        assert removed == (name == NAMES[1])
    kinds = ("mask", "probability")
    wanted = {f"{NAMES[-1]}_lesion_{kind}.nii.gz" for kind in kinds}
    assert names(tmp_path) == wanted | {
        "report.html", "report.json", "lesions.tsv", "lesions.json",
    }  # fmt: skip


def test_results_of_an_interrupted_call_are_removed(
    done: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = sorted(NAMES)
    masks = [f"{name}_lesion_mask.nii.gz" for name in (first, second)]
    facts_of = segmentation._facts

    def interrupted(subject: Subject, *more: object) -> dict:
        if subject.id == second:
            raise KeyboardInterrupt
        return facts_of(subject, *more)

    with monkeypatch.context() as patch:
        patch.setattr(segmentation, "_facts", interrupted)
        kdlib("predict", student(done), target, "--out", tmp_path)
    assert set(masks) <= names(tmp_path)
    kept = (tmp_path / masks[0]).read_bytes()
    (tmp_path / masks[0]).write_bytes(b"corrected by hand")
    said = kdlib("predict", student(done), target / second, "--out", tmp_path)
    assert (said.status, f"{masks[0]}: this result was changed" in said.err) == (2, True)
    (tmp_path / masks[0]).write_bytes(kept)
    said = kdlib("predict", student(done), target / second, "--out", tmp_path)
    assert said.status == 0, said.err
    assert masks[0] not in names(tmp_path)


def test_results_that_nobody_vouches_for_are_not_replaced(
    done: Path, clinics: Clinics, target: Path, tmp_path: Path
) -> None:
    mask = tmp_path / "masks/somebody_lesion_mask.nii.gz"
    mask.parent.mkdir()
    mask.write_bytes(b"a radiologist's work")
    for said in (
        kdlib("predict", student(done), target, "--out", tmp_path / "masks"),
        adapted(clinics, target, tmp_path),
    ):
        assert (said.status, len(said.err.splitlines())) == (2, 1)
        assert f"{mask}: there is a result already" in said.err
    assert names(tmp_path) == {"masks"}
    assert names(tmp_path / "masks") == {mask.name}


def test_a_result_that_somebody_changed_is_not_removed(
    done: Path, target: Path, tmp_path: Path
) -> None:
    def again() -> Done:
        return kdlib("predict", student(done), target / "p1", "--out", tmp_path)

    assert [again().status, again().status] == [0, 0]
    mask = tmp_path / "p1_lesion_mask.nii.gz"
    mask.write_bytes(edited := gzip.compress(gzip.decompress(mask.read_bytes()), mtime=1))
    before = names(tmp_path)
    said = again()
    assert (said.status, len(said.err.splitlines())) == (2, 1), said.err
    assert f"{mask}: this result was changed after kdlib wrote it; move it away" in said.err
    assert (names(tmp_path), mask.read_bytes()) == (before, edited)
    mask.rename(tmp_path / "mine.nii.gz")
    assert again().status == 0
    assert (tmp_path / "mine.nii.gz").read_bytes() == edited


def test_the_threshold_is_that_of_mask_scores_and_report(
    done: Path, target: Path, tmp_path: Path
) -> None:
    run, at = student(done), ("--threshold", 0.3)
    said = kdlib("predict", run, target, "--out", tmp_path / "masks", "--evaluate", *at)
    assert said.status == 0, said.err
    for fact in report(tmp_path)["scans"]:
        mask, probability = (
            read_volume(tmp_path / "masks" / fact[kind], allow_constant=True).array
            for kind in ("mask", "probability")
        )
        np.testing.assert_array_equal(mask == 1, probability >= np.float32(0.3))
        assert (fact["threshold"], (mask == 1).any()) == (0.3, True)
    result = kdlib("evaluate", target / "p1/mask.nii.gz",
                   tmp_path / "masks/p1_lesion_mask.nii.gz", "--json")  # fmt: skip
    scores = next(f["scores"]["result"] for f in report(tmp_path)["scans"] if f["subject"] == "p1")
    assert json.loads(result.out) == pytest.approx(scores, nan_ok=True)
    assert "at least 0.3" in (tmp_path / "masks/report.html").read_text()
    for wrong in (0, 1.5, "nan"):
        said = kdlib("predict", run, target, "--out", tmp_path / "no", "--threshold", wrong)
        assert (said.status, len(said.err.splitlines())) == (2, 1)
    assert not (tmp_path / "no").exists()


FAILURES = [
    MemoryError("Unable to allocate 3 GiB"),
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 3 bytes"),
    None,  # its file went missing since it was checked
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_one_scan_that_fails_costs_no_other_scan(
    done: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    own = shutil.copytree(target, tmp_path / "own")
    answers, first = RunSegmenter.answers, sorted(NAMES)[0]

    def failing(self: RunSegmenter, scan: list[Volume]) -> Answers:
        monkeypatch.setattr(RunSegmenter, "answers", answers)
        raise failure

    def checked(*places: object, **how: object) -> tuple:
        found = scans_at(*places, **how)
        (own / first / "FLAIR.nii.gz").unlink()
        return found

    if failure is None:
        monkeypatch.setattr("kdlib.own_scans.adapt.scans_at", checked)
    else:
        monkeypatch.setattr(RunSegmenter, "answers", failing)
    said = kdlib("predict", student(done), own, "--out", tmp_path / "masks", "--device", "cpu")
    assert said.status == 1, said.err
    why = "no such file" if failure is None else "does not fit into memory"
    line = said.out.splitlines()[-1].strip()
    assert line.startswith(f"{printable(first)}: FLAIR.nii.gz: {why}; "), said.out
    assert [fact["subject"] for fact in report(tmp_path)["scans"]] == sorted(NAMES)[1:]
    assert [told.strip() for told in report(tmp_path)["left_out"]] == [line]
    assert "hyperintensities in 1 scan<" in (tmp_path / "masks/report.html").read_text()
    assert not [name for name in names(tmp_path / "masks") if name.startswith(first)]


def test_a_report_without_memory_for_pictures_says_so(
    done: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(answer: object) -> None:
        raise MemoryError

    monkeypatch.setattr("kdlib.own_scans.scan_report.slices_of", refused)
    said = kdlib("predict", student(done), target, "--out", tmp_path / "masks")
    assert said.status == 0, said.err
    page = (tmp_path / "masks/report.html").read_text()
    for text in (said.out, page, str(report(tmp_path)["scans"])):
        assert text.count("there is no picture of it here, since memory was short") == 2


def test_masks_and_maps_are_never_taken_for_scans(done: Path, tmp_path: Path) -> None:
    for kind in ("mask", "probability"):
        path = done / f"masks/p1_lesion_{kind}.nii.gz"
        said = kdlib("predict", student(done), path, "--out", tmp_path)
        assert said.status == 2
        assert f"{path.name}: this is a result of kdlib" in said.err


def test_answers_come_one_at_a_time(done: Path, target: Path, tmp_path: Path) -> None:
    run = Run(student(done))
    subjects, _ = scans_at([target])
    answers = segment(zip(subjects, of_runs([run] * 2, "cpu"), strict=True), Results(tmp_path), [])
    next(answers)
    assert len(list(tmp_path.glob("*_mask.nii.gz"))) == 1


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


def test_a_disk_that_refuses_leaves_nothing_half_written(
    done: Path, target: Path, tmp_path: Path
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        said = kdlib("predict", student(done), target, "--out", tmp_path, "--device", "cpu")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert said.status == 2
    assert "choose another place" in said.err
    assert not (tmp_path / "report.html").exists()
    assert "interrupted" in (tmp_path / "report.json").read_text()
    for path in tmp_path.glob("*.nii.gz"):
        assert nib.load(path).get_fdata().shape == (40, 5, 32)


def test_a_full_temporary_folder_is_named(
    done: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = "kdlib.own_scans.scan_report.TemporaryFile"
    monkeypatch.setattr(full, lambda *_, **__: Path("/dev/full").open("w"))  # noqa: SIM115
    said = kdlib("predict", student(done), target, "--out", tmp_path, "--device", "cpu")
    line = said.err.splitlines()[-1]
    assert (said.status, line[: line.index(";")]) == (
        2, f"kdlib: {gettempdir()}: no space left on device",
    )  # fmt: skip


def test_ids_that_excel_would_change_are_told_after_a_prediction(
    done: Path, tmp_path: Path
) -> None:
    names = ["007", '"q', "=1+1"]
    own = write_plain(tmp_path / "own", *names)
    said = kdlib("predict", student(done), own, "--out", tmp_path / "out", "--device", "cpu")
    assert "Excel would change subject ids such as 007. Open the CSV and TSV files" in said.out
    table = pd.read_csv(tmp_path / "out/lesions.tsv", sep="\t", dtype=str)
    assert sorted(table["scan"]) == sorted(names)


def test_the_out_folder_must_be_one(done: Path, target: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = kdlib("predict", student(done), target, "--out", tmp_path / "file")
    assert (said.status, len(said.err.splitlines())) == (2, 1)
    assert "choose another" in said.err
