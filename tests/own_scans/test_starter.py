"""Laws of segmenting and adapting without a source: the starter needs nothing but the scans."""

import gzip
import json
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from kdlib.data.image_file import read_volume, write_volume
from kdlib.data.slices import Slices
from kdlib.data.volume import Volume
from kdlib.errors import InputError
from kdlib.methods import Method, SourceFreeTask
from kdlib.own_scans.adapt_starter import StudentSegmenter
from kdlib.own_scans.forecast import Forecast, how_often_right, measures
from kdlib.own_scans.of_starter import StarterSegmenter, brain_and_inside
from kdlib.own_scans.source_free import (
    adapted_network,
    inside_slices,
    pooled,
    source_free_methods,
    source_free_scenario,
)
from kdlib.starter.starter import load_starter
from tests.command import Done, kdlib
from tests.patients import write_bids, write_plain

NAMES = ("p1", '<b onload="x">&p2')
KINDS = ("lesion_mask", "lesion_probability", "brain_mask")
SHORT = ("--set", "steps=2", "--set", "on_the_fly_steps=1", "--set", "batch_size=2")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_plain(tmp_path_factory.mktemp("own") / "Jane", *NAMES)


@pytest.fixture(scope="module")
def done(own: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the starter finds in both scans."""
    out = tmp_path_factory.mktemp("predicted") / "out"
    said = kdlib("predict", own, "--out", out, "--device", "cpu", "--evaluate")
    assert said.status == 0, said.err
    return out


def adapted(target: Path, out: Path, *more: object) -> Done:
    return kdlib("adapt", "--target", target, "--out", out, "--device", "cpu", *SHORT, *more)


def report(out: Path) -> dict:
    return json.loads((out / "report.json").read_text())


def test_lesions_and_brain_lie_on_the_scans_own_grid(done: Path, own: Path) -> None:
    for name in NAMES:
        scan = nib.load(own / name / "FLAIR.nii.gz")
        mask, probability, brain = (nib.load(done / f"{name}_{kind}.nii.gz") for kind in KINDS)
        for image in (mask, probability, brain):
            assert image.shape == scan.shape
            np.testing.assert_allclose(image.affine, scan.affine, atol=1e-5)
        assert 0 < mask.get_fdata().sum() < brain.get_fdata().sum()
        np.testing.assert_array_equal(mask.get_fdata() == 1, probability.get_fdata() >= 0.5)
        assert not (mask.get_fdata() > brain.get_fdata()).any()


def test_the_answer_is_that_of_the_starter(own: Path) -> None:
    scan = read_volume(own / "p1/FLAIR.nii.gz")
    starter = load_starter()
    answers = StarterSegmenter(starter, "cpu").answers([scan])
    lesions, brain = starter.answer(scan)
    np.testing.assert_array_equal(answers.lesions["result"].array, lesions.array)
    np.testing.assert_array_equal(answers.brain.array, brain.array >= 0.5)


def test_the_table_and_the_report_tell_brain_and_scores(done: Path) -> None:
    for fact in report(done)["scans"]:
        brain = read_volume(done / fact["brain"])
        volume = brain.array.sum() * np.prod(brain.spacing_mm) / 1000
        assert fact["brain_ml"] == pytest.approx(volume, abs=1e-3)
        assert set(fact["scores"]) == {"result"}
    page = (done / "report.html").read_text()
    assert "<b " not in page
    assert "&lt;b onload" in page


def test_what_is_doubtful_in_scan_brain_and_mask_is_said_once_on_screen_and_in_the_report(
    own: Path, tmp_path: Path
) -> None:
    (tmp_path / "in/p").mkdir(parents=True)
    scan = read_volume(own / "p1/FLAIR.nii.gz")
    small = Volume(scan.array, scan.affine @ np.diag([0.5, 0.5, 0.5, 1]))
    write_volume(tmp_path / "in/p/FLAIR.nii.gz", small)
    everywhere = (scan.array > 0).astype(np.uint8)
    write_volume(tmp_path / "in/p/mask.nii.gz", replace(small, array=everywhere))
    out = tmp_path / "out"
    said = kdlib("predict", tmp_path / "in", "--out", out, "--device", "cpu", "--evaluate")
    assert said.status == 0, said.err
    (fact,) = report(out)["scans"]
    beginnings = ("the head is 64 mm long", "its brain has", "its mask: its lesions fill 100%")
    page = (out / "report.html").read_text()
    for begins in beginnings:
        (doubt,) = (doubt for doubt in fact["doubts"] if doubt.startswith(begins))
        assert f"p: {doubt}" in said.out
        assert doubt in page


def test_the_report_shows_the_brain_and_its_volume(done: Path) -> None:
    page = (done / "report.html").read_text()
    assert "<th>brain (mL)</th>" in page
    for fact in report(done)["scans"]:
        assert f"<td>{fact['brain_ml']:.0f}</td>" in page
    assert page.count('<path class="brain" d="M') == page.count("<figure>")


def test_a_bids_dataset_gets_a_brain_mask_too(own: Path, tmp_path: Path) -> None:
    dataset = write_bids(tmp_path / "data", "1")
    said = kdlib("bids", dataset, tmp_path / "out", "participant", "--device", "cpu")
    assert said.status == 0, said.err
    stem = tmp_path / "out/sub-1/ses-1/anat/sub-1_ses-1"
    brain = read_volume(f"{stem}_desc-brain_mask.nii.gz")
    assert json.loads(Path(f"{stem}_desc-brain_mask.json").read_text())["Type"] == "Brain"
    told = json.loads(Path(f"{stem}_label-WMH_mask.json").read_text())
    volume = brain.array.sum() * np.prod(brain.spacing_mm) / 1000
    assert (told["Run"], told["BrainVolume"]) == ("starter", pytest.approx(volume, abs=1e-3))


def test_adapting_reads_no_label_and_leaves_no_private_text(own: Path, tmp_path: Path) -> None:
    unlabelled = shutil.copytree(own, tmp_path / "unlabelled")
    for mask in unlabelled.glob("*/mask.nii.gz"):
        mask.unlink()
    damaged = shutil.copytree(own, tmp_path / "Jane")
    for mask in damaged.glob("*/mask.nii.gz"):
        mask.write_bytes(b"")
    for target, out in ((damaged, "a"), (unlabelled, "b")):
        said = adapted(target, tmp_path / out, "--method", "target_distillation")
        assert said.status == 0, said.err
    for name in NAMES:
        first, second = (
            (tmp_path / out / f"{name}_lesion_probability.nii.gz").read_bytes() for out in "ab"
        )
        assert first == second
    for path in (path for path in (tmp_path / "a").rglob("*") if path.is_file()):
        content = path.read_bytes()
        content += gzip.decompress(content) if path.name.endswith(".gz") else b""
        assert b"Jane" not in content, path


@pytest.mark.parametrize("how", [[], ["--on-the-fly"]])
def test_what_is_not_adapted_is_what_the_starter_answers(
    own: Path, done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: list[str]
) -> None:
    monkeypatch.setattr(
        "kdlib.own_scans.forecast.forecast_of", lambda *_: Forecast(0.1, -0.01, 0.2, 0.9)
    )
    keep = [] if how else ["--keep", tmp_path / "kept"]
    said = adapted(own, tmp_path / "out", *how, *keep)
    assert said.status == 0, said.err
    page = (tmp_path / "out/report.html").read_text()
    assert how or "No network is kept" in said.out
    assert not list(tmp_path.glob("kept/*"))
    for name, kind in ((name, kind) for name in NAMES for kind in KINDS):
        file = f"{name}_{kind}.nii.gz"
        assert (tmp_path / "out" / file).read_bytes() == (done / file).read_bytes()
    for what in ("Not adapted: no clear gain is expected", how_often_right("adabn")):
        assert what in page
        assert how or what in said.out
    assert {fact["run"] for fact in report(tmp_path / "out")["scans"]} == {"starter"}
    counted = f"Scans whose result is an adapted network's: 0 of {len(NAMES)}." in said.out
    assert counted == bool(how)
    assert how or [*report(tmp_path / "out")["runs"]] == ["starter"]
    assert "was adapted by" not in page  # it was tried
    assert report(tmp_path / "out")["result"] == ("result" if how else "starter")


@pytest.mark.parametrize("how", [[], ["--on-the-fly"]])
def test_who_asks_for_it_gets_the_adapted_masks_whatever_the_verdict(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: list[str]
) -> None:
    def masks(low: float, out: str, *more: object) -> dict[str, bytes]:
        made = Forecast(0.1, low, 0.2, 0.9)
        monkeypatch.setattr("kdlib.own_scans.forecast.forecast_of", lambda *_: made)
        keep = [] if how else ["--keep", tmp_path / f"kept {out}"]
        said = adapted(own, tmp_path / out, *how, *keep, *more)
        assert said.status == 0, said.err
        told = "Adapted, as --always asks, although no clear gain is expected"
        assert (told in (tmp_path / out / "report.html").read_text()) == bool(more)
        assert how or (told in said.out) == bool(more)
        assert how or (tmp_path / f"kept {out}/lesion.json").exists()
        return {path.name: path.read_bytes() for path in (tmp_path / out).glob("*.nii.gz")}

    assert masks(0.01, "a") == masks(-0.01, "b", "--always")


def test_a_scan_without_a_brain_has_no_student_of_its_own() -> None:
    starter = load_starter()
    alone = source_free_scenario(starter, "adabn", on_the_fly=True)
    empty = Volume(np.zeros((20, 20, 8), np.float32), np.diag([4.0, 4, 6, 1]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{StudentSegmenter.__module__}.brain_and_inside", lambda _: (empty, empty))
        told = StudentSegmenter(starter, alone, "cpu").answers([empty]).told
    assert (told["run"], told["adapted"]) == ("starter", False)


def test_a_student_is_compared_with_the_starter(
    own: Path, done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "kdlib.own_scans.forecast.forecast_of", lambda *_: Forecast(0.1, 0.01, 0.2, 0.9)
    )
    said = adapted(own, tmp_path / "out", "--evaluate")
    assert said.status == 0, said.err
    for fact, before in zip(report(tmp_path / "out")["scans"], report(done)["scans"], strict=True):
        assert fact["lesion_ml"]["teacher"] == before["lesion_ml"]["result"]
        assert fact["scores"]["teacher"] == before["scores"]["result"]
        assert fact["difference"]["dice"] < 1


def test_a_student_that_is_kept_gives_the_same_masks_later(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "kdlib.own_scans.forecast.forecast_of", lambda *_: Forecast(0.1, 0.01, 0.2, 0.9)
    )
    kept = tmp_path / "kept"
    assert adapted(own, tmp_path / "out", "--keep", kept).status == 0
    said = kdlib("predict", kept, own, "--out", tmp_path / "later", "--device", "cpu")
    assert said.status == 0, said.err
    for name, kind in ((name, kind) for name in NAMES for kind in KINDS):
        file = f"{name}_{kind}.nii.gz"
        assert (tmp_path / "later" / file).read_bytes() == (tmp_path / "out" / file).read_bytes()
    assert next(iter(report(tmp_path / "later")["runs"])) == "starter-adabn-seed0"
    again = adapted(own, tmp_path / "out", "--keep", kept)
    assert (again.status, "there are files in it, such as lesion" in again.err) == (2, True)
    (kept / "lesion.json").write_text("{")
    damaged = kdlib("predict", kept, own, "--out", tmp_path / "later")
    assert (damaged.status, len(damaged.err.splitlines())) == (2, 1), damaged.err
    assert "lesion.json: this file is damaged" in damaged.err
    (kept / "lesion.json").unlink()
    lost = kdlib("predict", kept, own, "--out", tmp_path / "later")
    assert (lost.status, "keep the network again" in lost.err) == (2, True), lost.err
    (own / "p1/lesion.json").write_text("{}")  # a sidecar of a patient's own mask
    assert kdlib("predict", own / "p1", "--out", tmp_path / "p1").status == 0
    (own / "p1/lesion.json").unlink()


def test_every_method_of_its_kind_of_task_can_be_used_and_no_other(
    own: Path, tmp_path: Path
) -> None:
    expected = {name for name, kind in Method.named.items() if kind.task_type is SourceFreeTask}
    assert set(source_free_methods()) == expected - {"unadapted"}
    starter = load_starter()
    _, cut = brain_and_inside(read_volume(own / "p1/FLAIR.nii.gz"))
    slices = inside_slices(cut, starter.recipe)
    for name in source_free_methods():
        scenario = source_free_scenario(starter, name, settings={"steps": 1, "batch_size": 2})
        student = adapted_network(starter.network, slices, scenario)
        found = measures(starter.network, student, slices, scenario.precision)
        assert all(np.isfinite(value) for value in found.values())
    for name in ("distillation", "supervised", "mean_teacher"):
        said = adapted(own, tmp_path / "out", "--method", name)
        assert (said.status, len(said.err.splitlines())) == (2, 1)
        assert "which is no SourceFreeTask; name a --source, or choose: adabn" in said.err
    assert not (tmp_path / "out").exists()


def test_a_student_that_is_its_teacher_has_moved_in_no_measure(own: Path) -> None:
    starter = load_starter()
    _, cut = brain_and_inside(read_volume(own / "p1/FLAIR.nii.gz"))
    slices = inside_slices(cut, starter.recipe)
    found = measures(starter.network, starter.network, slices)
    assert (found["change"], found["entropy"], found["flip"], found["norms"]) == (0, 0, 0, 0)
    assert found["common"] == pytest.approx(1)


def test_a_scan_that_fails_costs_an_adaptation_no_other_scan(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = list[str]()

    def failing(flair: Volume) -> tuple[Volume, Volume]:
        tried.append("")
        if len(tried) in (1, 3):  # the first of two scans, when it is adapted to and segmented
            raise MemoryError
        return brain_and_inside(flair)

    monkeypatch.setattr("kdlib.own_scans.adapt_starter.brain_and_inside", failing)
    said = adapted(own, tmp_path / "out", "--always")
    assert said.status == 1, said.err
    assert "not adapted to, since FLAIR.nii.gz: does not fit into memory" in said.err
    assert "does not fit into memory" in said.out.splitlines()[-1]
    assert [fact["subject"] for fact in report(tmp_path / "out")["scans"]] == sorted(NAMES)[1:]
    assert report(tmp_path / "out")["runs"]["starter-adabn-seed0"]["scans"] == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--study", "demo"], "the starter has a recipe of its own"),
        (["--set", "width=8"], "the starter has width="),
        (["--method", "tent", "--set", "target_scans=2"], "leave it out, and name fewer scans"),
        (["--threads", "0"], "threads=0: give 1 or more"),
        (["--method", "unadapted"], "'kdlib predict' takes the starter as it is"),
        (["--set", "wdth=8"], "did you mean 'width'"),
        (["--method", "adabnn"], "unknown method 'adabnn'"),
        (["--keep", "kept", "--on-the-fly"], "with --on-the-fly each scan has a network of its"),
        (["--keep", "kept", "--source", "."], "with a source the student is a run"),
        (["--always", "--source", "."], "with a source the student's masks are always the result"),
    ],
)
def test_what_the_starter_cannot_do_is_one_line(
    own: Path, tmp_path: Path, more: list[str], said: str
) -> None:
    done = adapted(own, tmp_path / "out", *more)
    assert (done.status, len(done.err.splitlines())) == (2, 1), done.err
    assert said in done.err
    assert not (tmp_path / "out").exists()


def test_with_a_source_a_method_that_reads_the_targets_labels_is_refused(
    own: Path, tmp_path: Path
) -> None:
    done = adapted(own, tmp_path / "out", "--source", own, "--method", "fine_tuning")
    assert (done.status, len(done.err.splitlines())) == (2, 1), done.err
    assert "it does not adapt to scans without labels" in done.err


def test_a_scan_without_a_brain_has_no_lesions_and_nothing_to_adapt_to() -> None:
    starter = load_starter()
    empty = torch.zeros(0, 1, *starter.recipe.size)
    with pytest.raises(InputError, match="no brain was found"):
        pooled([Slices(empty)], torch.device("cpu"))
