"""Laws of scans, memory and disks that fail while a clinic's own scans are worked on."""

import shutil
from pathlib import Path
from tempfile import gettempdir

import nibabel as nib
import pytest
import torch

from kdlib.data.clinics import Clinics
from kdlib.data.volume import Volume
from kdlib.errors import printable
from kdlib.own_scans.adapt import scans_at
from kdlib.own_scans.segmenter import Answers, RunSegmenter
from tests.command import kdlib
from tests.faults import file_size_limit
from tests.own_scans.adapted import NAMES, adapted, names, report, student
from tests.patients import write_plain


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


def test_a_disk_that_refuses_leaves_nothing_half_written(
    done: Path, target: Path, tmp_path: Path
) -> None:
    with file_size_limit(10_000):
        said = kdlib("predict", student(done), target, "--out", tmp_path, "--device", "cpu")
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


def test_the_out_folder_must_be_one(done: Path, target: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = kdlib("predict", student(done), target, "--out", tmp_path / "file")
    assert (said.status, len(said.err.splitlines())) == (2, 1)
    assert "choose another" in said.err
