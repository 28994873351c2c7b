"""What answers a scan: a finished run, the starter, or the starter after it was adapted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from kdlib.data.volume import Volume
from kdlib.errors import InputError
from kdlib.networks import UNet
from kdlib.prediction import predict
from kdlib.recipe import Recipe
from kdlib.study.run import Run
from kdlib.training import choose_device


@dataclass(frozen=True, eq=False)
class Answers:
    """What a segmenter answers to one scan. All volumes are on the scan's own grid.

    Attributes:
        lesions: lesion probabilities in [0, 1] by the name of who answers: "result", and "teacher"
            if there is one to compare with.
        seen: the FLAIR as the lesion network saw it. It is 0 outside the brain if the brain was cut
            out first.
        brain: the brain as a mask (bool). None if the segmenter does not look for it.
        told: what else the report tells of this scan, by name.
    """

    lesions: dict[str, Volume]
    seen: Volume
    brain: Volume | None = None
    told: dict[str, Any] = field(default_factory=dict)


class Segmenter(Protocol):
    """What answers scans. ``RunSegmenter`` and ``StarterSegmenter`` are two of them."""

    @property
    def name(self) -> str:
        """What results say who made them, for example the name of a run's folder."""

    @property
    def role(self) -> str:
        """What a report calls the network: student, network or starter."""

    @property
    def finds_brain(self) -> bool:
        """Whether its answers have a mask of the brain."""

    @property
    def recipe(self) -> Recipe:
        """The recipe of the lesion network: the images that it reads, and how it sees them."""

    @property
    def settings(self) -> dict[str, Any]:
        """All settings of the network, with those of its ``teacher`` inside, or None there."""

    @property
    def provenance(self) -> dict[str, dict[str, Any]]:
        """How the network and its teacher were made, by name."""

    @property
    def missing(self) -> list[str]:
        """Sentences about what cannot be told, for example since a teacher is not here."""

    def answers(self, scan: Sequence[Volume]) -> Answers:
        """The answers to a scan: its images on one grid, FLAIR first."""


class RunSegmenter:
    """A finished run, whose answers are compared with those of its teacher if it has one."""

    finds_brain = False

    def __init__(self, run: Run, networks: "_Networks") -> None:
        self.run, self._networks = run, networks

    @property
    def name(self) -> str:
        return self.run.directory.name

    @property
    def role(self) -> str:
        return "student" if self.run.scenario.method == "distillation" else "network"

    @property
    def recipe(self) -> Recipe:
        return self.run.scenario

    @property
    def settings(self) -> dict[str, Any]:
        return self.run.scenario.changed(subject=None).model_dump(mode="json")

    @property
    def provenance(self) -> dict[str, dict[str, Any]]:
        teacher, _ = teacher_at_hand(self.run)
        made = [self.run, *([teacher] if teacher else [])]
        return {run.directory.name: run.provenance for run in made}

    @property
    def missing(self) -> list[str]:
        _, why = teacher_at_hand(self.run)
        return [why] if why else []

    def answers(self, scan: Sequence[Volume]) -> Answers:
        teacher = self._networks.teacher_of(self.run.directory)
        runs = {"result": self.run} | ({"teacher": teacher} if teacher else {})
        lesions = {
            name: predict(self._networks.of(run.directory), scan, run.scenario)
            for name, run in runs.items()
        }
        return Answers(lesions, scan[0])


class _Networks:
    """The networks of runs on one device. The two used last stay in memory."""

    def __init__(self, device: str) -> None:
        where = choose_device(device)

        def network(directory: Path) -> UNet:
            return Run(directory).network(where)

        def teacher(directory: Path) -> Run | None:
            return teacher_at_hand(Run(directory))[0]

        self.of = lru_cache(maxsize=2)(network)
        self.teacher_of = lru_cache(maxsize=1)(teacher)


def of_runs(runs: Sequence[Run], device: str = "auto") -> list[RunSegmenter]:
    """Finished runs as segmenters, on ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``."""
    networks = _Networks(device)
    return [RunSegmenter(run, networks) for run in runs]


def teacher_at_hand(run: Run) -> tuple[Run | None, str]:
    """The teacher whose answers are compared with those of a run, or why there is none.

    A run needs no teacher to answer, so a teacher that is missing or damaged stops nothing. The
    text is empty if the run never had a teacher.
    """
    try:
        if run.teacher is not None:
            run.teacher.network()  # its file of weights may be damaged
        return run.teacher, ""
    except InputError:
        what = "is not here or cannot be read, so no result is compared with it"
        return None, f"The run of the teacher of {run.directory.name} {what}."
