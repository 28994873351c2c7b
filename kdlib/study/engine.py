"""Many runs at once: a study's graph of runs, handed to Dask. Imported where Dask is at work."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from queue import Empty, SimpleQueue
from signal import SIGTERM
from typing import Any
from uuid import uuid4

from distributed import KilledWorker

from kdlib.errors import InputError
from kdlib.processes import handled, leave, without_the_callers_script
from kdlib.study.cluster import Cluster
from kdlib.study.on_worker import Maker, make, run_key, run_number
from kdlib.study.scenario import Scenario
from kdlib.study.store import OnProgress, Store

MOST_DEATHS = 3  # of workers in one run that got no further; a fourth one would hardly live
DIED = (
    "{}: three workers died while they made it, perhaps for lack of memory; take fewer or larger"
    " workers and start again: the study goes on"
)
LOST = "the scheduler is gone; start again: the study goes on"
SECONDS_TO_END = 5.0  # that workers of a scheduler have to leave their files in order


def run_on_dask(
    scenarios: Sequence[Scenario],
    store: Store,
    cluster: AbstractContextManager[Cluster],
    *,
    on_progress: OnProgress | None = None,
    on_dashboard: Callable[[str], None] | None = None,
) -> None:
    """Make the runs of ``scenarios`` on the workers of ``cluster``, each after its teacher's.

    ``scenarios`` are there once each, a teacher before its students, and are begun in this order.
    A run whose worker dies goes on from its checkpoint on another one. All end when a run fails,
    when three workers have died in one run that got no further, and when this one is told to end.
    """
    # Also a worker that dies is started again, by a thread of this process.
    with handled(SIGTERM, leave), without_the_callers_script(), cluster as opened:
        if on_dashboard and opened.dashboard:
            on_dashboard(opened.dashboard)
        _Graph(scenarios, opened, store).make(on_progress or (lambda *_: None))


class _Graph:
    """The runs as tasks of Dask, and what is heard of them."""

    def __init__(self, scenarios: Sequence[Scenario], cluster: Cluster, store: Store) -> None:
        self.scenarios, self.cluster, self.store = scenarios, cluster, store
        self.name = f"kdlib-{uuid4().hex[:12]}"  # of this study, for a scheduler that has others
        self.heard = SimpleQueue[Any]()  # steps and ended tasks, in the order they come
        self.begun = Counter[int]()  # how often each run was, since it last got further
        self.first, self.before = Counter[int](), Counter[int]()  # steps that were told of each run

    def make(self, on_progress: OnProgress) -> None:
        """Hand all over and wait until every run is finished; raises the first failure."""
        client = self.cluster.client
        client.subscribe_topic(self.name, lambda event: self.heard.put(event[1]))
        terms = self.cluster.local, self.cluster.lasting
        try:
            client.register_plugin(Maker(self.name, self.store, *terms), name=self.name)
            unfinished = set(self._submitted())
            while unfinished:
                news = self._news()
                if isinstance(news, list | tuple):
                    self._step(on_progress, *news)
                else:
                    self._check(news)
                    unfinished.remove(news)
        finally:
            with suppress(Exception):  # a scheduler that is gone has nothing to end
                client.sync(
                    client._unregister_worker_plugin, self.name, callback_timeout=SECONDS_TO_END
                )

    def _submitted(self) -> list[Any]:
        """The tasks in order, a teacher's before its students'; Dask takes the first ones first."""
        tasks = dict[Scenario, Any]()
        for number, scenario in enumerate(self.scenarios):
            teacher = (tasks[s] for s in [scenario.teacher] if s in tasks)
            task = tasks[scenario] = self.cluster.client.submit(
                make, self.name, number, scenario, *teacher,
                key=run_key(number, scenario, self.name), priority=-number, pure=False,
                resources=self.cluster.needs(self.store.device),
            )  # fmt: skip
            task.add_done_callback(self.heard.put)
        return list(tasks.values())

    def _news(self) -> Any:
        since = 0.0
        while True:
            with suppress(Empty):
                return self.heard.get(timeout=1)
            if self.cluster.client.status == "closed":
                raise InputError(LOST)
            if self.cluster.asked is not None:
                self.cluster.asked.again()
            since = self.cluster.unable_since(self.store.device, since)

    def _step(self, on_progress: OnProgress, number: int, step: int, steps: int) -> None:
        scenario = self.scenarios[number]
        self.begun[number] += step == 0
        if self.before[number] == 0 and step > self.first[number]:  # from a later checkpoint
            self.first[number], self.begun[number] = step, 1
        self.before[number] = step
        if self.begun[number] > MOST_DEATHS:
            raise InputError(DIED.format(scenario.slug))
        if step:
            on_progress(scenario, step, steps)

    def _check(self, task: Any) -> None:
        if task.status == "finished":
            return
        failure = task.exception() if task.status == "error" else InputError(LOST)
        if isinstance(failure, KilledWorker):  # of a scheduler that others have set up
            died = self.scenarios[run_number(str(failure.task))]
            failure = InputError(DIED.format(died.slug))
        raise failure
