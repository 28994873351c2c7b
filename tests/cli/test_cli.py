"""The command, as a user types it."""

import errno
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from kdlib import __version__
from kdlib.cli.options import method_names
from kdlib.data.clinics import Clinics
from kdlib.data.image_file import read_volume, write_volume
from kdlib.study.run import Run
from tests.command import kdlib
from tests.tiny import options

KDLIB = Path(sys.executable).with_name("kdlib")


def process(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The installed command, in a process of its own."""
    command = [str(KDLIB), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def run_folder(clinics: Clinics, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, made by the command."""
    store = tmp_path_factory.mktemp("command") / "runs"
    done = kdlib(
        "run", "--method", "distillation", "--source", "utrecht", "--target", "singapore",
        "--temperature", 3, "--teacher", "adversarial", *options(),
        "--data", clinics.folder, "--store", store,
    )  # fmt: skip
    assert done.status == 0, done.err
    return Path(done.out.splitlines()[0])


def test_a_run_prints_its_folder_and_scores(run_folder: Path) -> None:
    assert Run.finished(run_folder)
    assert "from-adversarial-T3" in run_folder.name


def test_to_name_the_default_teacher_changes_nothing(run_folder: Path, clinics: Clinics) -> None:
    arguments = ["run", *PAIR, "singapore", *options(steps=2)]
    places = ["--data", clinics.folder, "--store", run_folder.parent]
    said = [
        kdlib(*arguments, *teacher, *places).out.splitlines()[0]
        for teacher in ([], ["--teacher", "supervised"])
    ]
    assert said[0] == said[1]
    teacher = Run(said[0]).teacher
    assert teacher is not None
    assert teacher.scenario.target is None


def test_predict_writes_mask_and_probability(
    run_folder: Path, clinics: Clinics, tmp_path: Path
) -> None:
    flair = clinics["singapore"].test[0].scan.flair
    done = kdlib("predict", run_folder, flair, "--out", tmp_path)
    assert done.status == 0, done.err
    mask = nib.load(next(tmp_path.glob("*mask*")))
    np.testing.assert_array_equal(mask.affine, nib.load(flair).affine)
    assert set(np.unique(np.asarray(mask.dataobj))) <= {0, 1}
    assert len(list(tmp_path.glob("*probability*"))) == 1


def test_what_is_doubtful_is_said_on_the_screen_and_in_the_report(
    run_folder: Path, clinics: Clinics, tmp_path: Path
) -> None:
    scan = read_volume(clinics["singapore"].test[0].scan.flair)
    write_volume(tmp_path / "slice.nii.gz", replace(scan, array=scan.array[:, :, 2:3]))
    done = kdlib("predict", run_folder, tmp_path / "slice.nii.gz", "--out", tmp_path / "out")
    assert done.status == 0, done.err
    said = "it has one slice; is this a part of a scan?"
    assert f"slice.nii.gz: {said}" in done.err
    assert f"slice: {said}" in done.out
    assert said in (tmp_path / "out/report.html").read_text("utf-8")
    assert said in (tmp_path / "out/report.json").read_text("utf-8")


PAIR = ["--method", "distillation", "--source", "utrecht", "--target"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", *PAIR, "paris", "--data", "DATA"], "unknown clinic 'paris'"),
        (["run", *PAIR, "singapore", "--temperature", 0, "--data", "DATA"], "temperature=0"),
        (["run", *PAIR, "singapore", "--study", "dmo", "--data", "DATA"], "did you mean 'demo'"),
        (["run", *PAIR, "singapore", "--data", "EMPTY"], "no scans here"),
        (["run", *PAIR, "singapore", "--set", "wdth=3", "--data", "DATA"], "did you mean 'width'"),
        (["run", *PAIR, "singapore", "--set", "width", "--data", "DATA"], "write name=value"),
        (["run", *PAIR, "singapore", "--teacher", "kd", "--data", "DATA"], "unknown method 'kd'"),
        (
            ["run", *PAIR, "singapore", "--teacher", "fine_tuning", "--data", "DATA"],
            "reads labels of the target",
        ),
        (["run", *PAIR, "utrecht+singapore", "--data", "DATA"], "name each clinic once"),
        (
            ["run", *PAIR, "singapore", "--device", "tpu", "--data", "DATA"],
            "'tpu' is not available",
        ),
        (["run", *PAIR, "singapore", "--fold", 7, "--data", "DATA"], "fold=7"),
        (["run", *PAIR, "singapore", "--threads", 0, "--data", "DATA"], "threads=0: give 1 or"),
        (
            ["adapt", "--source", "SOURCE", "--target", "SCANS", "--out", "OUT", "--threads", 0],
            "threads=0: give 1 or more",
        ),
        (["check", "DATA", "--inputs", "foo"], "inputs='foo'"),
        (["check", "no\nsuch"], "no?such: no such folder"),
        (["study", "nothing", "--data", "DATA"], "unknown study 'nothing'"),
        (["study", "demo", "--data", "EMPTY"], "no scans here"),
        (["predict", "--run", "EMPTY", "scan.nii.gz", "--out", "OUT"], "no finished run"),
        (["simulate", "OUT", "--grid", "9mm"], "9mm"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(
    arguments: list[object], said: str, clinics: Clinics, tmp_path: Path
) -> None:
    names = {"DATA": clinics.folder, "EMPTY": tmp_path, "OUT": tmp_path / "out"}
    names |= {"SOURCE": clinics.folder / "training/Utrecht", "SCANS": clinics.folder / "test"}
    store = ["--store", tmp_path / "runs"] if arguments[0] in ("run", "study") else []
    done = kdlib(*(names.get(str(argument), argument) for argument in arguments), *store)
    assert done.status == 2
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_wrong_input_ends_the_process_with_status_2_and_without_a_traceback() -> None:
    done = process("study", "nothing")
    assert done.returncode == 2
    assert done.stderr.startswith("kdlib: unknown study 'nothing'")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 9.1 TiB"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_too_little_memory_is_one_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("kdlib.data.clinics.open_clinics", refuse)
    done = kdlib("check", tmp_path)
    assert done.status == 2
    assert done.err.startswith(f"kdlib: there is too little memory ({str(error)[:9]}")
    assert "smaller batch_size or width" in done.err
    assert len(done.err.splitlines()) == 1


def test_a_network_that_memory_does_not_hold_is_one_line(clinics: Clinics, tmp_path: Path) -> None:
    arguments = ["run", *PAIR, "singapore", *options(width=3000000)]
    done = kdlib(*arguments, "--data", clinics.folder, "--store", tmp_path)
    assert done.status == 2
    assert "too little memory" in done.err.splitlines()[-1]


def test_the_version_is_that_of_the_package() -> None:
    assert kdlib("--version").out.strip() == __version__


def test_help_loads_no_heavy_library() -> None:
    heavy = "{'torch', 'numpy', 'pandas', 'scipy', 'dask', 'distributed'}"
    code = f"import sys, kdlib.cli; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_help_lists_every_method_there_is() -> None:
    shown = kdlib("run", "--help").out
    assert [name for name in method_names() if name not in shown] == []


@pytest.mark.parametrize("more", [["--plan"], ["--cluster", "a.yaml"], ["--device", "cuda"]])
def test_the_study_of_the_starter_refuses_what_it_does_not_take(
    more: list[str], tmp_path: Path
) -> None:
    done = kdlib("study", "starter", *more, "--store", tmp_path)
    assert (done.status, f"{more[0]}: the study of the starter" in done.err) == (2, True), done.err
    assert not list(tmp_path.iterdir())


def test_a_starter_without_workers_is_refused(tmp_path: Path) -> None:
    done = kdlib("study", "starter", "--workers", 0, "--store", tmp_path)
    assert (done.status, done.err) == (2, "kdlib: workers=0: give 1 or more\n")


def test_no_room_for_temporary_files_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr("kdlib.cli.command.app", none)
    done = kdlib("check", "scans")
    assert (done.status, len(done.err.splitlines())) == (2, 1)
    assert "set TMPDIR" in done.err
