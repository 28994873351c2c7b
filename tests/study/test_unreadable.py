"""A file of a store that another user owns and that may not be read: one line, or made again."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from kdlib.data.clinics import Clinics
from kdlib.study.store import CHECKPOINT
from tests.command import Done, kdlib
from tests.faults import as_nobody
from tests.study.test_damaged import TINY

SETTINGS = [f"--set={name}={json.dumps(value)}" for name, value in TINY.items()]


@pytest.fixture(scope="module")
def owned(clinics: Clinics) -> Iterator[Path]:
    """A store and its clinics in a folder that everybody may enter."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(clinics.folder, folder / "clinics")
        done = called(folder)
        assert done.status == 0, done.err
        yield folder


@pytest.fixture
def shared(owned: Path) -> Iterator[Path]:
    """A copy of it, in whose folders everybody may write. The files are ours."""
    with TemporaryDirectory() as name:
        folder = Path(shutil.copytree(owned, name, dirs_exist_ok=True))
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o777 if path.is_dir() else 0o644)
        yield folder


def called(folder: Path) -> Done:
    return kdlib("run", "--method", "distillation", "--source", "utrecht", "--target", "singapore",
                 "--data", folder / "clinics", "--store", folder / "runs", "--device", "cpu",
                 *SETTINGS)  # fmt: skip


def run_of(folder: Path) -> Path:
    return next((folder / "runs").glob("*-distillation-*"))


def called_by_another(folder: Path, locked: Path) -> Done:
    locked.chmod(0)
    with as_nobody():
        return called(folder)


def refused(done: Done, locked: Path) -> None:
    said = done.err.splitlines()[-1]
    assert (done.status, "Traceback" in done.err) == (2, False), done.err
    remedy = "ask its owner to change its permissions"
    assert said == f"kdlib: {locked}: this file may not be read; {remedy}"


def test_scores_that_may_not_be_read(shared: Path) -> None:
    locked = run_of(shared) / "scores.csv"
    refused(called_by_another(shared, locked), locked)


def test_weights_of_a_teacher_that_may_not_be_read(shared: Path) -> None:
    run = run_of(shared)
    locked = run.parent / (run / "teacher").read_text() / "weights.safetensors"
    shutil.rmtree(run)
    refused(called_by_another(shared, locked), locked)


def test_a_note_that_may_not_be_read(shared: Path) -> None:
    locked = run_of(shared) / "DONE"
    refused(called_by_another(shared, locked), locked)


@pytest.mark.parametrize("kept", [CHECKPOINT, "prepared"])
def test_what_only_saves_time_is_made_again(shared: Path, kept: str) -> None:
    run = run_of(shared)
    expected = (run / "scores.csv").read_bytes()
    locked = run / CHECKPOINT
    if kept == "prepared":
        locked = next((shared / "runs" / "prepared").iterdir())
        shutil.rmtree(run)
    else:
        (run / "DONE").unlink()
        locked.write_bytes(b"")
    done = called_by_another(shared, locked)
    assert done.status == 0, done.err
    assert f"{locked}: this file may not be read; it is made again" in done.err
    assert (run / "scores.csv").read_bytes() == expected


def test_a_run_to_go_on_with_in_a_folder_that_may_not_be_written(shared: Path) -> None:
    run = run_of(shared)
    (run / "DONE").unlink()
    run.chmod(0o755)
    done = called_by_another(shared, run / "scores.csv")
    assert done.status == 2, done.err
    assert done.err.splitlines()[-1].startswith(f"kdlib: {run}/")
    assert done.err.splitlines()[-1].endswith("change its permissions or choose another place")
