"""How far long work is, on the screen."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kdlib.scenario import Scenario


@contextmanager
def counted(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for work that says (done, total)."""
    with _bars() as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


@contextmanager
def trainings(missing: Sequence[Scenario]) -> Iterator[Callable[[Scenario, int, int], None]]:
    """Two bars: the training at hand, and the steps of all that is missing."""
    total = sum(scenario.updates for scenario in missing)
    finished: dict[Scenario, int] = {}

    def show(scenario: Scenario, step: int, steps: int) -> None:
        finished[scenario] = step
        bars.update(here, description=scenario.slug, completed=step, total=steps)
        bars.update(overall, completed=sum(finished.values()))

    with _bars() as bars:
        overall = bars.add_task(f"{len(missing)} trainings", total=total)
        here = bars.add_task("", total=None)
        yield show


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
