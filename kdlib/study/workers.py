"""Many runs at once: processes that train side by side, each with its share of the threads."""

import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import current_process, get_context
from multiprocessing.connection import Connection, wait
from typing import Any

import torch

from kdlib.errors import InputError
from kdlib.study.scenario import Scenario
from kdlib.study.store import OnProgress, Store
from kdlib.training import choose_device

MOST_BY_DEFAULT = 4  # each process holds a network, its slices and torch itself
PATIENCE = 10  # seconds a worker has to leave its files in order when it is told to end

RUN_AGAIN = 86  # exit status of a worker whose script asks for workers while it is imported

Report = tuple[int, int] | Exception | None  # steps taken and all of them; a failure; finished


def default_workers(device: str = "auto") -> int:
    """On a CPU a process for each of torch's threads, 4 at most; on an accelerator one."""
    on_cpu = choose_device(device).type == "cpu"
    return min(torch.get_num_threads(), MOST_BY_DEFAULT) if on_cpu else 1


def run_in_parallel(
    scenarios: Sequence[Scenario],
    store: Store,
    *,
    workers: int,
    on_progress: OnProgress | None = None,
) -> None:
    """Make the runs of ``scenarios`` in ``workers`` processes, each after its teacher's.

    ``scenarios`` are there once each, every missing teacher among them. The threads of this
    process are shared out among the workers, as many to each, so that no number depends on which
    of them made a run. All end when a run fails, and when this process is told to end.
    """
    if getattr(current_process(), "_inheriting", False):  # the sign multiprocessing goes by too
        sys.exit(RUN_AGAIN)
    waiting = _most_needed_first(scenarios)
    unfinished = set(waiting)
    threads = max(1, torch.get_num_threads() // workers)
    with _crew(min(workers, len(waiting)), threads, store) as crew:
        while unfinished:
            for worker in crew:
                if worker.scenario is None and (ready := _ready(waiting, unfinished)):
                    waiting.remove(ready)
                    worker.begin(ready)
            for worker in _heard(crew):
                scenario, steps = worker.report()
                if steps is None:
                    unfinished.remove(scenario)
                elif on_progress is not None:
                    on_progress(scenario, *steps)


def _most_needed_first(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """By the number of runs that wait for it, then the longest first: so all end together."""
    needed = dict.fromkeys(scenarios, 0)
    for scenario in scenarios:
        teacher = scenario.teacher
        while teacher is not None:
            if teacher in needed:
                needed[teacher] += 1
            teacher = teacher.teacher
    return sorted(needed, key=lambda scenario: (-needed[scenario], -scenario.updates))


def _ready(waiting: list[Scenario], unfinished: set[Scenario]) -> Scenario | None:
    return next((scenario for scenario in waiting if scenario.teacher not in unfinished), None)


class _Worker:
    """A process that makes one run after the other; either end notices when the other is gone."""

    def __init__(self, *arguments: Any) -> None:
        context = get_context("spawn")  # a fork of a process that has used torch may hang
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, *arguments), daemon=True)
        self.process.start()
        theirs.close()
        self.scenario: Scenario | None = None

    def begin(self, scenario: Scenario) -> None:
        """Have it make the run of ``scenario``."""
        self.scenario = scenario
        self._spoken(partial(self.connection.send, scenario))

    def report(self) -> tuple[Scenario, tuple[int, int] | None]:
        """Its scenario and the steps taken, or none when it is finished; raises its failure."""
        scenario, report = self.scenario, self._spoken(self.connection.recv)
        assert scenario is not None
        if isinstance(report, Exception):
            raise report
        if report is None:
            self.scenario = None
        return scenario, report

    def _spoken(self, exchange: Callable[[], Report]) -> Report:
        try:
            return exchange()
        except (EOFError, ConnectionError):
            self.process.join(PATIENCE)
            if self.process.exitcode == RUN_AGAIN:
                raise InputError(
                    "workers run your script again, up to the line that asks for them; put that"
                    ' under if __name__ == "__main__": or ask for workers=1'
                ) from None
            slug = self.scenario.slug if self.scenario else ""
            raise InputError(
                f"a process ended in {slug} (status {self.process.exitcode}), perhaps for lack of"
                " memory; take fewer --workers and start again: the study goes on where it was"
            ) from None

    def join(self) -> None:
        """Wait until it has ended; it has been told to."""
        self.process.join(PATIENCE)
        self.process.kill()
        self.process.join()
        self.connection.close()


def _heard(crew: list[_Worker]) -> list[_Worker]:
    """The busy workers that have something to say, once there is one."""
    speaking = wait([worker.connection for worker in crew if worker.scenario is not None])
    return [worker for worker in crew if worker.connection in speaking]


@contextmanager
def _crew(count: int, *arguments: Any) -> Iterator[list[_Worker]]:
    """Workers that end with the block, also by an interrupt or SIGTERM."""
    crew: list[_Worker] = []
    with _signal(signal.SIGTERM, _leave):
        try:
            # The keyboard interrupts this process alone: workers inherit what is ignored.
            with _signal(signal.SIGINT, signal.SIG_IGN):
                for _ in range(count):
                    crew.append(_Worker(*arguments))
            yield crew
        finally:
            for worker in crew:
                worker.process.terminate()
            for worker in crew:
                worker.join()


@contextmanager
def _signal(number: signal.Signals, handler: Any) -> Iterator[None]:
    """Handle a signal so in this block; outside the main thread nobody can, and nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def _leave(number: int, frame: object) -> None:
    """End as an exception does: files half written are taken away."""
    sys.exit(128 + number)


def _work(connection: "Connection[Report, Scenario]", threads: int, store: Store) -> None:
    """A worker's life: scenarios come in, steps and ends go out, until the other end is gone."""
    signal.signal(signal.SIGTERM, _leave)
    torch.set_num_threads(threads)
    with suppress(EOFError, ConnectionError):
        while True:
            scenario = connection.recv()
            connection.send(_outcome(scenario, store, connection))


def _outcome(
    scenario: Scenario,
    store: Store,
    connection: "Connection[Report, Scenario]",
) -> Exception | None:
    def tell(_: Scenario, *steps: int) -> None:
        connection.send((steps[0], steps[1]))

    try:
        store.run(scenario, on_progress=tell)
    except (InputError, OSError) as error:  # one line for the user; any other with where it was
        return error
    except Exception:
        return RuntimeError(f"{scenario.slug} failed in a worker:\n{traceback.format_exc()}")
    return None
