"""How far long work is, on the screen. Nothing is shown before the work has begun."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from kdlib.study.scenario import Scenario

NAME_WIDTH = 44  # of a terminal of 80 columns; the bar and the time left need the rest


@contextmanager
def count_bar(what: str, *, passing: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A bar for work that says (done, total); ``passing``: gone when it is done."""
    with _bars(passing) as bars:
        task = bars.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            bars.start()
            bars.update(task, completed=done, total=total)

        yield show


@contextmanager
def trainings(missing: Sequence[Scenario]) -> Iterator[Callable[[Scenario, int, int], None]]:
    """A bar for the steps of all that is missing, and one for each training at hand."""
    finished: dict[Scenario, int] = {}
    at_hand: dict[Scenario, TaskID] = {}
    with _bars() as bars:
        all_steps = sum(scenario.updates for scenario in missing)
        count = sum(scenario.updates > 0 for scenario in missing)
        overall = bars.add_task(f"{count} trainings", total=all_steps)

        def begin(scenario: Scenario) -> None:
            for other in [other for other in at_hand if finished[other] == other.updates]:
                bars.remove_task(at_hand.pop(other))
            at_hand[scenario] = bars.add_task(scenario.slug, total=scenario.updates)

        def show(scenario: Scenario, step: int, steps: int) -> None:
            finished[scenario] = step
            bars.start()
            if scenario not in at_hand:
                begin(scenario)
            bars.update(at_hand[scenario], completed=step)
            bars.update(overall, completed=sum(finished.values()))

        yield show


@contextmanager
def _bars(passing: bool = False) -> Iterator[Progress]:
    screen = Console(stderr=True)
    bars = Progress(
        TextColumn("{task.description}", table_column=Column(no_wrap=True, max_width=NAME_WIDTH)),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=screen,
        transient=passing,
        disable=passing and not screen.is_terminal,
    )
    try:
        yield bars
    finally:
        if bars.live.is_started:  # else it would print an empty line
            bars.stop()
