"""Laws of what a trained network answers to a clinic's own scans."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdlib.data.image_file import read_volume
from kdlib.own_scans.adapt import scans_at
from kdlib.own_scans.results import Results
from kdlib.own_scans.segmentation import segment
from kdlib.own_scans.segmenter import of_runs
from kdlib.study.run import Run
from tests.command import kdlib
from tests.own_scans.adapted import report, student
from tests.patients import write_bids, write_plain


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


def test_ids_that_excel_would_change_are_told_after_a_prediction(
    done: Path, tmp_path: Path
) -> None:
    names = ["007", '"q', "=1+1"]
    own = write_plain(tmp_path / "own", *names)
    said = kdlib("predict", student(done), own, "--out", tmp_path / "out", "--device", "cpu")
    assert "Excel would change subject ids such as 007. Open the CSV and TSV files" in said.out
    table = pd.read_csv(tmp_path / "out/lesions.tsv", sep="\t", dtype=str)
    assert sorted(table["scan"]) == sorted(names)
