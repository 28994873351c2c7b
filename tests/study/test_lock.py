"""Laws of the lock on a folder that several machines write."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kdlib.data.clinics import Clinics
from kdlib.errors import WaitingWarning
from kdlib.study import lock
from kdlib.study.lock import FolderLock, LockLostError
from kdlib.study.scenario import Scenario
from kdlib.study.store import Store, run
from tests.copies import Copy, Say
from tests.tiny import RECIPE

# A process of this machine that the lock takes for one of another, or whose files know no flock.
HOLDER = """
import sys, time, uuid
from pathlib import Path
from kdlib.study import lock
kind, folder, times, seconds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
lock.RENEWED, lock.PAUSE, lock.LOOKS = 0.05, 0.01, 200
if kind == "two machines":
    name = str(uuid.uuid4())
    lock.machine = lambda _: name
if kind == "no flock":
    def refuse(*_, **__):
        raise OSError(37, "No locks available")
    lock.lock_descriptor = refuse
for _ in range(times):
    with lock.FolderLock(folder) as held:
        (folder / "inside").touch(exist_ok=False)
        print("in", flush=True)
        time.sleep(seconds)
        (folder / "inside").unlink()
        try:
            held.confirm()
        except lock.LockLostError:
            print("lost", flush=True)
"""
pytestmark = pytest.mark.filterwarnings("ignore::kdlib.errors.WaitingWarning")
KINDS = ["one machine", "two machines", "no flock"]


def holder(kind: str, folder: Path, times: int = 1, seconds: float = 1000) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, kind, str(folder), str(times), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def first_word(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another's claim counts as dead after a second."""
    monkeypatch.setattr(lock, "PAUSE", 0.01)
    monkeypatch.setattr(lock, "LOOKS", 100)


@pytest.mark.parametrize("kind", KINDS)
def test_never_two_are_inside_at_once(kind: str, tmp_path: Path) -> None:
    processes = [holder(kind, tmp_path, 25, 0.003) for _ in range(2)]
    said = [process.communicate(timeout=100)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert said == 2 * [25 * ["in"]]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("kind", KINDS)
def test_a_dead_holder_is_taken_over(kind: str, tmp_path: Path) -> None:
    process = holder(kind, tmp_path)
    assert first_word(process) == "in"
    process.kill()
    process.communicate()
    began = time.monotonic()
    with FolderLock(tmp_path) as held:
        held.confirm()
    assert (time.monotonic() - began < 1) == (kind == "one machine")


@pytest.mark.usefixtures("hasty")
def test_who_waits_long_says_so_once(tmp_path: Path) -> None:
    process = holder("one machine", tmp_path, seconds=0.5)
    assert first_word(process) == "in"
    said = f"{tmp_path}: another process writes"
    with pytest.warns(WaitingWarning, match=said) as told, FolderLock(tmp_path):
        process.communicate()
    assert len(told) == 1


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("hours", [-5, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_a_live_holder_never_is_whatever_its_clock(kind: str, hours: int, tmp_path: Path) -> None:
    process, stop = holder(kind, tmp_path, seconds=1.6), threading.Event()
    assert first_word(process) == "in"

    def set_the_files_clock() -> None:
        while not stop.wait(0.02):
            for path in tmp_path.glob("lock.*"):
                os.utime(path, times=2 * (time.time() + 3600 * hours,))

    clock = threading.Thread(target=set_the_files_clock)
    clock.start()
    try:
        with FolderLock(tmp_path):
            assert not (tmp_path / "inside").exists()
    finally:
        stop.set()
        clock.join()
    assert process.communicate()[0] == ""


@pytest.mark.usefixtures("hasty")
def test_who_stood_still_and_was_taken_over_is_told(tmp_path: Path) -> None:
    process = holder("two machines", tmp_path, seconds=0.5)
    assert first_word(process) == "in"
    process.send_signal(signal.SIGSTOP)
    with FolderLock(tmp_path):
        process.send_signal(signal.SIGCONT)
        assert process.communicate()[0].split() == ["lost"]


def test_an_error_inside_gives_the_lock_up(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), FolderLock(tmp_path):
        1 / 0  # noqa: B018
    with FolderLock(tmp_path) as held:
        held.confirm()


def test_the_lock_is_lost_by_the_next_number_alone(tmp_path: Path) -> None:
    with FolderLock(tmp_path) as held:
        held.confirm()
        (tmp_path / "lock.3").touch()
        with pytest.raises(LockLostError):
            held.confirm()


@pytest.mark.usefixtures("hasty")
def test_a_machine_that_stood_still_changes_no_finished_run(
    clinics: Clinics, tmp_path: Path
) -> None:
    scenario = Scenario(method="supervised", source="utrecht", **RECIPE)

    def run_elsewhere(say: Say) -> None:
        lock.machine = lambda _: "elsewhere"
        run(
            scenario, clinics, store=tmp_path, checkpoint_seconds=0,
            on_progress=lambda *_: say("step"),
        )  # fmt: skip

    process = Copy(run_elsewhere)
    process.said.readline()
    os.kill(process.number, signal.SIGSTOP)
    directory = Store(tmp_path, clinics).run(scenario).directory
    before = {path.name: path.stat().st_mtime_ns for path in directory.glob("[!l]*")}
    os.kill(process.number, signal.SIGCONT)
    assert process.end() == 0  # it reads the run that was made meanwhile
    after = {path.name: path.stat().st_mtime_ns for path in directory.glob("[!l]*")}
    after.pop("checkpoint.safetensors", None)  # of no use any more
    assert after == before


@pytest.mark.usefixtures("hasty")
def test_who_misses_a_file_that_another_removed_has_lost_the_lock(
    clinics: Clinics, tmp_path: Path
) -> None:
    scenario = Scenario(method="supervised", source="utrecht", **RECIPE | {"steps": 2})
    store, missed = Store(tmp_path, clinics), list[str]()

    def taken_over(*_: object) -> None:
        if not missed:
            missed.append("half-written")
            (store.directory(scenario) / "lock.2").write_text("elsewhere 0\n")
            raise FileNotFoundError(missed[0])

    assert store.run(scenario, on_progress=taken_over).history.step.iloc[-1] == 2
