"""Faults of the disk and of processes: the same result afterwards, or one line, nothing else.

``KDLIB_LONG=1`` injects every fault; else a part of them.
"""

import os
import shutil
import time
from pathlib import Path

import pytest

from kdlib.data.clinics import Clinics
from tests.command import Done, kdlib
from tests.faults import ERRORS, Disk, failing, killed, moments
from tests.own_scans.test_adapt import SETTINGS
from tests.patients import write_plain
from tests.tiny import study_text

LONG = bool(os.environ.get("KDLIB_LONG"))
EVERY = 1 if LONG else 12  # each so many changes of the disk one fails
MOMENTS = 50 if LONG else 3
SOURCE = "training/Utrecht"


class Case:
    """The commands adapt, predict and study on tiny clinics, and what they should write."""

    def __init__(self, folder: Path, clinics: Clinics) -> None:
        self.folder, self.source = folder, clinics.folder / SOURCE
        self.target = write_plain(folder / "target", "a", "b")
        self.clinics, self.toml, self.number = clinics.folder, folder / "one.toml", 0
        self.toml.write_text(study_text('[arms.L-bound]\nmethod = "unadapted"', steps=3))
        assert self.adapt(self.new()).status == 0
        self.expected = {name: results(self.place) for name in ("adapt", "predict")}
        self.runs = self.place / "runs"
        assert self.study(self.new()).status == 0
        self.expected["study"] = results(self.place)

    def new(self) -> Path:
        """An empty folder for a call."""
        self.number += 1
        self.place = self.folder / str(self.number)
        self.place.mkdir()
        return self.place

    def adapt(self, place: Path) -> Done:
        return kdlib("adapt", "--source", self.source, "--target", self.target,
                     "--out", place / "out", "--store", place / "runs", "--device", "cpu",
                     *SETTINGS, "--set", "steps=3")  # fmt: skip

    def predict(self, place: Path) -> Done:
        student = next(self.runs.glob("*-target-distillation-*"))
        return kdlib("predict", student, self.target, "--out", place / "out", "--device", "cpu")

    def study(self, place: Path) -> Done:
        return kdlib("study", self.toml, "--data", self.clinics, "--store", place / "runs",
                     "--workers", 1, "--device", "cpu", "--export", place / "out")  # fmt: skip


def results(place: Path) -> dict[str, bytes]:
    """The results of a call, by their names."""
    found = [*(place / "out").glob("*.nii.gz"), *(place / "out").glob("scores.csv")]
    return {path.name: path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def case(clinics: Clinics, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("faults"), clinics)


def changes(case: Case, command: str, late: bool) -> int:
    """How often the command changes the disk."""
    with failing(Disk(case.new(), late=late)) as disk:
        assert getattr(case, command)(case.place).status == 0
    shutil.rmtree(case.place)
    return disk.seen


@pytest.mark.parametrize("late", [False, True], ids=["refused", "full"])
@pytest.mark.parametrize("command", ["adapt", "predict", "study"])
def test_a_disk_that_fails_is_one_line_and_the_next_call_gives_the_same(
    case: Case, command: str, late: bool
) -> None:
    count = changes(case, command, late)
    assert count > 5
    step = EVERY if LONG or command != "study" else 3 * EVERY  # it changes the disk 150 times
    for number in range(0, count, step):
        error = ERRORS[number % len(ERRORS)]
        with failing(Disk(case.new(), number, error, late)) as disk:
            done = getattr(case, command)(case.place)
        assert disk.hit
        if done.status:
            line = done.err.splitlines()[-1]  # after the bars
            assert (done.status, line[:7]) == (2, "kdlib: "), (number, done.err)
            assert "; " in line
            assert "Traceback" not in done.err
        else:  # it was not needed
            assert results(case.place) == case.expected[command], number
        assert getattr(case, command)(case.place).status == 0, number
        assert results(case.place) == case.expected[command], number
        shutil.rmtree(case.place)


def test_a_process_that_is_killed_goes_on_with_the_same_result(case: Case) -> None:
    began = time.process_time()
    assert case.adapt(case.new()).status == 0
    longest = time.process_time() - began
    cut_short = 0
    for moment in moments(MOMENTS, longest):
        cut_short += killed(lambda: case.adapt(case.place), moment) if case.new() else 0
        done = case.adapt(case.place)
        assert done.status == 0, (moment, done.err)
        assert results(case.place) == case.expected["adapt"], moment
        shutil.rmtree(case.place)
    assert cut_short > MOMENTS / 3
