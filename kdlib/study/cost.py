"""What a study costs: its trainings, and about how many hours they take."""

from collections.abc import Iterable
from dataclasses import dataclass

from kdlib.study.scenario import Scenario

# Of one core in training, with networks and slices as in MEASURED. Cores differ by half and more.
SLICES_A_SECOND = 73.0
MEASURED = {"size": (80, 104), "width": 16, "depth": 4}
REST = 1.1  # of the time of the trainings: reading, answering and scoring as well
CORES = 2


@dataclass(frozen=True)
class Cost:
    """What some runs cost.

    Attributes:
        trainings: the runs that train on a whole target, or on a source alone.
        on_the_fly: the short trainings, one for each scan.
        others: the runs that train nothing.
        slices: what all trainings see together.
        hours: about so many on two cores, None for networks and slices whose speed is not known.
    """

    trainings: int
    on_the_fly: int
    others: int
    slices: int
    hours: float | None

    def __str__(self) -> str:
        """The cost in one line."""
        fly = f", {self.on_the_fly} short ones on the fly" if self.on_the_fly else ""
        time = "" if self.hours is None else f": about {self.hours:.1f} hours on {CORES} cores"
        return f"{self.trainings} trainings{fly} and {self.others} runs without training{time}"


def cost(scenarios: Iterable[Scenario]) -> Cost:
    """What the runs of ``scenarios`` cost, each once, without those of their teachers."""
    runs = set(scenarios)
    fly = [one for one in runs if one.updates and one.subject is not None]
    trained = [one for one in runs if one.updates]
    slices = sum(one.updates * one.batch_size for one in trained)
    hours = REST * slices / SLICES_A_SECOND / CORES / 3600
    known = all(_measured(one) for one in trained)
    return Cost(
        len(trained) - len(fly),
        len(fly),
        len(runs) - len(trained),
        slices,
        hours if known else None,
    )


def _measured(scenario: Scenario) -> bool:
    """Whether the speed is known: that of a second image in each slice is about the same."""
    return all(getattr(scenario, name) == MEASURED[name] for name in MEASURED)
