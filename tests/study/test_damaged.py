"""Laws of a store with damaged files: the same numbers again, or one line, never other numbers."""

import itertools
import json
import os
import shutil
import stat
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from kdlib.data.clinics import Clinics
from kdlib.errors import DamagedError, InputError, MadeAgainWarning
from kdlib.kept import read_tensors, write_tensors
from kdlib.study.plan import run_study
from kdlib.study.run import Run
from kdlib.study.scenario import Scenario
from kdlib.study.store import CHECKPOINT, Store
from kdlib.study.study import load_study
from tests.command import kdlib
from tests.faults import small_disk
from tests.study.test_engine import study_file
from tests.tiny import RECIPE, options

TINY = RECIPE | {"steps": 4, "voxel_mm": None}
SCENARIO = Scenario(method="distillation", source="utrecht", target="singapore", **TINY)


@pytest.fixture(scope="module")
def whole(clinics: Clinics, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with a finished run and its teacher."""
    store = Store(tmp_path_factory.mktemp("whole"), clinics, "cpu")
    store.run(SCENARIO)
    return store


@pytest.fixture
def store(whole: Store, tmp_path: Path) -> Store:
    """A copy of it, to be damaged."""
    return Store(shutil.copytree(whole.folder, tmp_path / "runs"), whole.clinics, "cpu")


def flipped(path: Path, place: float) -> None:
    """Change a few bytes of a file, at a place between its beginning (0) and its end (1)."""
    content = bytearray(path.read_bytes())
    first = int(place * max(len(content) - 4, 0))
    content[first : first + 4] = bytes(byte ^ 0x5A for byte in content[first : first + 4])
    path.write_bytes(content)


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "cut by a byte": lambda path: os.truncate(path, path.stat().st_size - 1),
    "first bytes": lambda path: flipped(path, 0),
    "header": lambda path: flipped(path, 0.02),
    "middle": lambda path: flipped(path, 0.5),
    "last bytes": lambda path: flipped(path, 1),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_prepared_slices_that_are_damaged_are_made_again(
    store: Store, whole: Store, damage: str
) -> None:
    shutil.rmtree(store.directory(SCENARIO))
    for path in (store.folder / "prepared").iterdir():
        DAMAGE[damage](path)
    with pytest.warns(MadeAgainWarning, match=r"prepared/.*; it is made again"):
        again = store.run(SCENARIO)
    np.testing.assert_array_equal(again.scores.dice, whole.run(SCENARIO).scores.dice)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_checkpoint_that_is_damaged_begins_the_training_again(
    store: Store, whole: Store, damage: str
) -> None:
    directory = store.directory(SCENARIO)
    (directory / "DONE").unlink()

    class Stopped(Exception):
        """What interrupts the training."""

    def stop(_: Scenario, step: int, __: int) -> None:
        if step == 2:
            raise Stopped

    with pytest.raises(Stopped):
        store.run(SCENARIO, on_progress=stop, checkpoint_seconds=0)
    DAMAGE[damage](directory / CHECKPOINT)
    with pytest.warns(MadeAgainWarning, match="checkpoint"):
        again = store.run(SCENARIO)
    np.testing.assert_array_equal(again.scores.dice, whole.run(SCENARIO).scores.dice)


def read_all(run: Run) -> list[object]:
    """Everything that a run tells, as something to compare."""
    tables = (run.scores, run.source_scores, run.history, run.curve)
    return [
        run.scenario, run.provenance, run.findings, run.teacher.directory.name,
        *(table.to_csv() for table in tables),
        {name: array.tobytes() for name, array in run.slices.items()},
        {name: tensor.numpy().tobytes() for name, tensor in run.network().state_dict().items()},
    ]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_finished_run_that_is_damaged_is_one_line_with_the_file(
    store: Store, damage: str
) -> None:
    directory = store.directory(SCENARIO)
    for name in sorted(path.name for path in directory.iterdir() if "lock" not in path.name):
        content = (directory / name).read_bytes()
        DAMAGE[damage](directory / name)
        if (directory / name).read_bytes() != content:
            with pytest.raises(InputError, match=rf"{name}: .*; ") as caught:
                read_all(Run(directory))
            assert "\n" not in str(caught.value)
        (directory / name).write_bytes(content)
    read_all(Run(directory))


def test_a_whole_file_of_another_run_is_refused_too(store: Store) -> None:
    run = Run(store.directory(SCENARIO))
    assert run.teacher is not None
    for name in ("weights.safetensors", "scores.csv"):
        shutil.copy(run.teacher.directory / name, run.directory / name)
    for read in (lambda: run.network(), lambda: run.scores):
        with pytest.raises(InputError, match=r"this file is damaged; .*is made again"):
            read()


PARTS = 64 if os.environ.get("KDLIB_LONG") else 4


def test_no_part_of_a_finished_run_can_change_unseen(store: Store) -> None:
    run = store.directory(SCENARIO)
    expected = read_all(Run(run))
    lines = 0
    for path in sorted(path for path in run.iterdir() if "lock" not in path.name):
        content = path.read_bytes()
        edges = np.linspace(0, len(content), PARTS + 1).astype(int)
        for start, end in itertools.pairwise(edges):
            path.write_bytes(content[:start] + bytes(end - start) + content[end:])
            try:
                assert read_all(Run(run)) == expected, (path, start)
            except InputError:
                lines += 1
        path.write_bytes(content)
    assert lines >= PARTS * 6


def test_a_scenario_of_another_version_is_one_line(store: Store) -> None:
    path = store.directory(SCENARIO) / "scenario.json"
    done = path.with_name("DONE")
    note = json.loads(done.read_text())
    del note["files"], note["digest"]  # as if that version had written it
    done.write_text(json.dumps(note))
    path.write_text(path.read_text().replace('"method"', '"novel_field": 3, "method"', 1))
    with pytest.raises(InputError, match=r"scenario.json: this version of kdlib .*novel_field"):
        _ = Run(path.parent).scenario


def test_what_is_made_again_is_one_line_on_the_screen(store: Store, clinics: Clinics) -> None:
    shutil.rmtree(store.directory(SCENARIO))
    for path in (store.folder / "prepared").iterdir():
        path.write_bytes(b"")
    done = kdlib("run", "--method", "distillation", "--source", "utrecht", "--target", "singapore",
                 "--data", clinics.folder, "--store", store.folder, "--device", "cpu",
                 *options(steps=4))  # fmt: skip
    assert done.status == 0, done.err
    assert "this file is empty; it is made again" in done.err
    assert "Traceback" not in done.err


def test_tensors_are_read_as_they_were_written_or_not_at_all(tmp_path: Path) -> None:
    path, rng = tmp_path / "x.safetensors", np.random.default_rng(0)
    tensors = {"a": torch.arange(60.0).reshape(3, 20), "b": torch.tensor(7)}
    write_tensors(path, tensors, {"progress": "3"})
    content = path.read_bytes()
    for _ in range(300):
        damaged = bytearray(content)
        start = rng.integers(len(content))
        length = rng.integers(1, 20)
        damaged[start : start + length] = rng.bytes(len(damaged[start : start + length]))
        path.write_bytes(damaged)
        try:
            read, note = read_tensors(path)
        except DamagedError:
            continue
        assert note == {"progress": "3"}
        assert all(torch.equal(read[name], tensors[name]) for name in tensors)
    path.write_bytes(content)
    assert read_tensors(path)[1] == {"progress": "3"}


@pytest.fixture
def umask():
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_all_files_of_a_store_obey_the_umask(clinics: Clinics, tmp_path: Path, umask: None) -> None:
    store = Store(tmp_path / "runs", clinics, "cpu")
    store.run(SCENARIO)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in store.folder.rglob("*")}
    assert len(modes) > 20
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o640}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o750}


def test_a_whole_store_warns_of_nothing(store: Store) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shutil.rmtree(store.directory(SCENARIO))
        store.run(SCENARIO)


def test_a_disk_that_cannot_hold_a_training_is_told_before_it_begins(
    clinics: Clinics, tmp_path: Path
) -> None:
    large = SCENARIO.changed(width=32, depth=4, teacher=None)
    steps: list[int] = []
    with small_disk(tmp_path, "1m"), pytest.raises(InputError, match="MB are needed for a"):
        Store(tmp_path / "runs", clinics, "cpu").run(
            large, on_progress=lambda _, step, __: steps.append(step)
        )
    assert not steps


def test_a_teacher_that_was_removed_is_made_again_though_its_students_are_finished(
    clinics: Clinics, tmp_path: Path
) -> None:
    """As the remedy for a damaged one says."""
    study, store = load_study(str(study_file(tmp_path, 2))), Store(tmp_path / "runs", clinics)
    item, done = run_study(study, store)[0]
    shutil.rmtree(done.lineage[-1].directory)
    assert store.missing([item.scenario])
    run_study(study, store)
    assert store.missing([item.scenario]) == []
