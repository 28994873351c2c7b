"""Faults of the disk and of processes: the same result afterwards, or one line, nothing else.

``KDLIB_LONG=1`` injects every fault; else a part of them.
"""

import os
import shutil
import time
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest

from kdlib.data.clinics import Clinics
from kdlib.simulator import simulation
from kdlib.simulator.subject import SimulatedSubject
from tests.commands_on_disk import Commands, half_written, results
from tests.faults import ERRORS, Disk, failing, killed, moments

LONG = bool(os.environ.get("KDLIB_LONG"))
# How many changes of the disk are refused, and how many writes fail. With KDLIB_LONG it is each.
FAULTS = {
    "adapt": (4, 3), "study": (4, 3), "run": (2, 1), "predict": (3, 2), "bids": (2, 1),
    "strip": (3, 1), "simulate": (3, 1), "report": (2, 1), "record": (2, 1),
}  # fmt: skip
MOMENTS = {"adapt": 3, "study": 2}  # at which a process is killed; with KDLIB_LONG it is 50


@pytest.fixture(scope="module")
def commands(clinics: Clinics, tmp_path_factory: pytest.TempPathFactory) -> Commands:
    return Commands(tmp_path_factory.mktemp("faults"), clinics)


@pytest.fixture(scope="module", autouse=True)
def everybody_is_drawn_once() -> Iterator[None]:
    """The disk is at fault here, so the simulated people of all calls are drawn only once."""
    drawn, draw = dict[object, SimulatedSubject](), simulation.simulate_subject

    def once(*who: object) -> SimulatedSubject:
        """The last of four arguments is the average brain, which is the same for all."""
        if who[:3] not in drawn:
            drawn[who[:3]] = draw(*who)
        return drawn[who[:3]]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulation, "simulate_subject", once)
        yield


def changes(commands: Commands, command: str, late: bool) -> int:
    """How often the command changes the disk, or how often it writes."""
    if not late:
        return commands.changes[command]
    with failing(Disk(place := commands.new(), late=late)) as disk:
        assert commands.call(command, place).status == 0
    shutil.rmtree(place)
    return disk.seen


@pytest.mark.parametrize("late", [False, True], ids=["refused", "full"])
@pytest.mark.parametrize("command", FAULTS)
def test_a_disk_that_fails_is_one_line_and_the_next_call_gives_the_same(
    commands: Commands, command: str, late: bool
) -> None:
    expected = results(commands.made(command))
    count = changes(commands, command, late)
    wanted = count if LONG else min(count, FAULTS[command][late])
    for number in np.linspace(0, count, wanted, endpoint=False).astype(int) + count // wanted // 2:
        error = ERRORS[number % len(ERRORS)]
        with failing(Disk(place := commands.new(), number, error, late)) as disk:
            done = commands.call(command, place)
        assert disk.hit
        if done.status:
            line = done.err.splitlines()[-1]  # after the bars
            assert (done.status, line[:7]) == (2, "kdlib: "), (number, done.err)
            assert "; " in line
            assert "Traceback" not in done.err
            assert not half_written(place), disk.told
            assert commands.call(command, place).status == 0, disk.told
        assert results(place) == expected, disk.told  # at once, if the change was not needed
        shutil.rmtree(place)


def test_a_report_that_fails_leaves_the_old_one(commands: Commands) -> None:
    (out := (place := commands.new()) / "out").mkdir()
    old = dict.fromkeys(results(commands.made("report")), b"old")
    for name in old:
        (out / name).write_bytes(b"old")
    with failing(Disk(place, 20)) as disk:
        assert commands.call("report", place).status == 2
    assert disk.hit
    assert results(place) == old


@pytest.mark.parametrize("command", MOMENTS)
def test_a_process_that_is_killed_goes_on_with_the_same_result(
    commands: Commands, command: str
) -> None:
    expected, cut_short = results(commands.made(command)), 0
    began = time.process_time()
    assert commands.call(command, commands.new()).status == 0
    longest = time.process_time() - began
    count = 50 if LONG else MOMENTS[command]
    for moment in moments(count, longest):
        place = commands.new()
        cut_short += killed(partial(commands.call, command, place), moment)
        done = commands.call(command, place)
        assert done.status == 0, (moment, done.err)
        assert results(place) == expected, moment
        shutil.rmtree(place)
    assert cut_short > count / 3
