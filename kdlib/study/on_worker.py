"""What a Dask worker does for a study. Imported where Dask is at work, and nowhere else."""

import ctypes
import math
import signal
import sys
import threading
import time
import traceback
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker

from kdlib.errors import InputError, memory_refused, memory_refuses
from kdlib.joined import share_memory
from kdlib.study.scenario import Scenario
from kdlib.study.store import Store

SECONDS_BETWEEN_STEPS = 1.0  # that are told: the scheduler has many workers to listen to


class Ended(BaseException):
    """The study ends, and with it the run at hand."""


def _say_unless_ended(dropped: "sys.UnraisableHookArgs") -> None:
    if dropped.exc_type is not Ended:
        sys.__unraisablehook__(dropped)


class Maker(WorkerPlugin):
    """Makes a study's runs on a worker, one at a time, and tells their steps.

    A worker has one store for all its runs, so that what the store keeps in memory serves them all.

    Args:
        name: the topic under which ``[number of the run, steps taken, all steps]`` is told, at
            most once a second; with 0 steps when a run begins.
        store: where the runs are made.
        local: how many workers are processes that another one has started on its own machine. They
            share its memory, and Ctrl-C is for that process, which will then end them. 0: none.
        lasting: whether the worker lives on when the study ends.
    """

    def __init__(self, name: str, store: Store, local: int, lasting: bool) -> None:
        self.name, self.store = name, store
        self.local, self.lasting = local, lasting

    def setup(self, worker: Worker) -> None:
        self.worker, self.thread, self.ended = worker, 0, False
        self.alone = threading.Lock()  # a worker of several threads is given several runs
        if self.local:
            share_memory(self.local)
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def teardown(self, worker: Worker) -> None:
        """End the run at hand as an exception does: files half written are taken away.

        A worker that lives on ends it at its next step. Elsewhere, as in an import, it would not
        be as it was.
        """
        self.ended = True
        if self.lasting:
            return
        # Where Python drops it, as in a collection of garbage, the next step raises it again.
        sys.unraisablehook = _say_unless_ended
        thread, ended = ctypes.c_ulong(self.thread), ctypes.py_object(Ended)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ended)

    def make(self, number: int, scenario: Scenario) -> str:
        """Make one run, or read it; returns the name of its directory."""
        with self.alone:
            self.thread, self.told = threading.get_ident(), -math.inf  # the first step is told
            try:
                if self.store.saved(scenario) is None:
                    self._tell(number, 0, scenario.updates)
                return self.store.run(
                    scenario, on_progress=lambda _, *steps: self._step(number, *steps)
                ).directory.name
            except InputError as error:
                raise InputError(f"{scenario.slug}: {error}") from None
            except Exception as error:
                if memory_refuses(error):
                    raise InputError(f"{scenario.slug}: {memory_refused(error)}") from None
                if isinstance(error, OSError):  # a disk or a path, which it names
                    raise
                failure = f"{scenario.slug} failed in a worker:\n{traceback.format_exc()}"
                raise RuntimeError(failure) from None
            finally:
                self.thread = 0

    def _step(self, number: int, step: int, steps: int) -> None:
        if self.ended:
            raise Ended
        if step == steps or time.monotonic() - self.told >= SECONDS_BETWEEN_STEPS:
            self.told = time.monotonic()
            self._tell(number, step, steps)

    def _tell(self, *news: int) -> None:
        self.worker.log_event(self.name, list(news))


def make(name: str, number: int, scenario: Scenario, *teacher: Any) -> str:
    """A task of Dask: one run, by the ``Maker`` of that name; its teacher's was made before."""
    maker = get_worker().plugins[name]
    assert isinstance(maker, Maker)
    return maker.make(number, scenario)


def run_key(number: int, scenario: Scenario, study: str) -> str:
    """The name of a run's task.

    Dask takes tasks whose names begin with the same word for one kind of work. After the first one
    it knows how long they take. Only then does an idle worker take over what waits at another.
    """
    return f"run-{number}-{scenario.slug}-{study}"


def run_number(key: str) -> int:
    """The number in a name that ``run_key`` gave."""
    return int(key.split("-")[1])
