"""A store makes runs and keeps them: a scenario in, a directory out."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from operator import call
from pathlib import Path
from shutil import disk_usage
from typing import Any

import torch

from kdlib.data.clinics import Clinics
from kdlib.data.prepared import PreparedSlices
from kdlib.data.slices import LabelledSlices
from kdlib.errors import DamagedError, InputError
from kdlib.files import remove_half_written, write_text
from kdlib.kept import say_made_again
from kdlib.learning_curve import LearningCurve
from kdlib.methods.base import Method
from kdlib.networks import UNet
from kdlib.study.lock import FolderLock, LockLostError
from kdlib.study.outcome import provenance, save_outcome
from kdlib.study.participants import Participants, Subjects, participants
from kdlib.study.run import Run
from kdlib.study.scenario import Scenario
from kdlib.training import History, choose_device, of_threads, seconds_before, train

OnProgress = Callable[[Scenario, int, int], None]
CHECKPOINT = "checkpoint.safetensors"
LONGEST_SLUG = 200  # bytes; a folder's name can have 255, and subjects may have long names


class Store:
    """A folder of runs on one set of clinics. A finished run is read and never repeated.

    A store can be sent to another process. What it keeps in memory is not sent.

    Attributes:
        folder: where the runs and the prepared slices lie. The first run makes it.
        clinics: the data of all its runs.
        device: where its runs are made: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
        threads: how many threads torch has for each run, whatever the machine has. Other sums come
            of other numbers of threads, so a run of more than one has another name.

    >>> store = kdlib.Store("runs", kdlib.open_clinics("data/clinics"))
    >>> scenario = kdlib.load_study("demo").scenario(
    ...     method="distillation", source="utrecht", target="singapore"
    ... )
    >>> run = store.run(scenario)
    >>> store.saved(scenario).directory == run.directory
    True
    >>> store.missing([scenario])
    []
    """

    def __init__(
        self, folder: Path | str, clinics: Clinics, device: str = "auto", threads: int = 1
    ) -> None:
        if threads < 1:
            raise InputError(f"threads={threads}: give 1 or more")
        self.folder = Path(folder)
        self.clinics = clinics
        self.device = device
        self.threads = threads
        # Runs that follow each other often share their source and teacher. The last ones are kept,
        # and the next method gets the same objects. No method changes them.
        self._network = lru_cache(maxsize=2)(_frozen)
        self._labelled_slices = lru_cache(maxsize=1)(_labelled_slices)
        self._once = lru_cache(maxsize=1)(call)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.folder, self.clinics, self.device, self.threads)

    def directory(self, scenario: Scenario) -> Path:
        """Where the run of ``scenario`` on this data lies, or will lie."""
        names = [name for name in (scenario.source, scenario.target) if name]
        data = " ".join(self.clinics[name].fingerprint for name in names)
        if self.threads > 1:
            data += f" {self.threads} threads"
        slug = scenario.slug.encode()[:LONGEST_SLUG].decode(errors="ignore")
        return self.folder / f"{slug}-{scenario.digest(data)}"

    def saved(self, scenario: Scenario) -> Run | None:
        """The run of ``scenario`` if it is finished, else None."""
        directory = self.directory(scenario)
        return Run(directory) if Run.finished(directory) else None

    def missing(self, scenarios: Iterable[Scenario]) -> list[Scenario]:
        """The scenarios whose runs are not finished, with their teachers. Each is listed once."""
        steps = (step for scenario in scenarios for step in scenario.lineage)
        wanted = {self.directory(step): step for step in steps}
        return [step for directory, step in wanted.items() if not Run.finished(directory)]

    def check_apart(self, scenarios: Iterable[Scenario]) -> None:
        """Refuse scenarios in which a patient is learnt from in one clinic and tested in another.

        Raises:
            InputError: two clinics of one folder have the same patient. One line says which.
        """
        for scenario in scenarios:
            if scenario.target is not None:
                self.clinics.check_apart(scenario.source, scenario.target)

    def run(
        self,
        scenario: Scenario,
        *,
        on_progress: OnProgress | None = None,
        checkpoint_seconds: float = 30.0,
    ) -> Run:
        """Make the run of a scenario, or read it if it is finished.

        If its teacher is not finished, the teacher's run is made first. An interrupted run goes on
        from its checkpoint. It ends with the same numbers on a CPU, and on a GPU up to rounding.
        Only one process at a time writes a run, also where machines share the folder. A second
        process waits and then reads it.

        Args:
            scenario: what to run.
            on_progress: called with the scenario in training, the steps taken and their number.
            checkpoint_seconds: how often the checkpoint is written.

        Returns:
            The finished run.

        Raises:
            InputError: a clinic or a subject is not there, a scan or a label is missing or
                damaged, or the device is not available.
        """
        if (made := self.saved(scenario)) is not None:
            return made
        # An impossible run is refused now, and not after its teacher was trained.
        self.check_apart([scenario])
        choose_device(self.device)
        people = participants(scenario, self.clinics)
        teacher = None
        if scenario.teacher is not None:
            teacher = self.run(
                scenario.teacher, on_progress=on_progress, checkpoint_seconds=checkpoint_seconds
            )
        directory = self.directory(scenario)
        training = partial(
            train,
            checkpoint=directory / CHECKPOINT,
            checkpoint_seconds=checkpoint_seconds,
        )
        told = partial(on_progress, scenario) if on_progress else lambda *_: None
        directory.mkdir(parents=True, exist_ok=True)
        while not Run.finished(directory):
            with suppress(LockLostError), FolderLock(directory) as lock, of_threads(self.threads):
                if not Run.finished(directory):  # by the process that had the lock before
                    remove_half_written(directory)
                    training = partial(training, on_step=partial(_if_not_lost, lock, told))
                    with _removed_by_another(lock):
                        self._make(lock, scenario, people, teacher, training)
        return Run(directory)

    def _make(
        self,
        lock: FolderLock,
        scenario: Scenario,
        people: Participants,
        teacher: Run | None,
        training: Callable[..., History],
    ) -> None:
        """Train, and write the run's files into the folder of ``lock``, if it is still ours."""
        directory = lock.folder
        began = time.monotonic() - seconds_before(directory / CHECKPOINT)
        write_text(directory / "scenario.json", scenario.model_dump_json(indent=2))
        if teacher is not None:
            write_text(directory / "teacher", teacher.directory.name)
        device = choose_device(self.device)
        prepared = PreparedSlices(self.folder / "prepared", scenario.preparation, device)
        method = self._method(scenario, people, teacher, prepared)
        _refuse_full_disk(directory, method)
        held_out = [prepared.labelled_slices([subject.labelled]) for subject in people.held_out]
        curve = LearningCurve(held_out, scenario.precision)
        try:
            history = training(method, curve=curve)
        except DamagedError as error:  # the checkpoint, of which nothing was loaded
            say_made_again(error)
            (directory / CHECKPOINT).unlink()
            history = training(method, curve=curve)
        save_outcome(directory, method, history, curve, people, scenario, lock.confirm)
        Run.finish(directory, provenance(method.device, scenario.precision, began), (CHECKPOINT,))
        (directory / CHECKPOINT).unlink(missing_ok=True)

    def _method(
        self,
        scenario: Scenario,
        people: Participants,
        teacher: Run | None,
        prepared: PreparedSlices,
    ) -> Method:
        """Make the scenario's method. It gets only the data that it may see."""
        kind, handed = scenario.method_type, dict[str, Any]()
        trained = self._network(teacher.directory, prepared.device) if teacher else None
        if kind.needs_source:
            contents = tuple(subject.fingerprint for subject in people.labelled)
            handed["labelled"] = self._labelled_slices(prepared, people.labelled, contents)
        if kind.needs_target:
            handed["target"] = prepared.slices(subject.scan for subject in people.adapted_to)
        if kind.needs_teacher:
            handed["teacher"] = trained
        if any(not len(part) for name, part in handed.items() if name != "teacher"):
            what = "no slice holds enough of a head; set a smaller size or voxel_mm"
            raise InputError(f"{scenario.slug}: {what}")
        start = trained if scenario.starts_from_teacher else None
        on_the_fly = scenario.subject is not None
        task = kind.task_type(**handed, start=start, once=self._once, on_the_fly=on_the_fly)
        return kind(scenario, scenario.settings, task, seed=scenario.seed, updates=scenario.updates)


def run(
    scenario: Scenario,
    clinics: Clinics,
    *,
    store: Path | str = "runs",
    device: str = "auto",
    on_progress: OnProgress | None = None,
    checkpoint_seconds: float = 30.0,
) -> Run:
    """Make one run, or read it. The same as ``Store(store, clinics, device).run(scenario)``.

    Args:
        scenario: what to run.
        clinics: the data.
        store: the folder that keeps the runs.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
        on_progress: called with the scenario in training, the steps taken and their number.
        checkpoint_seconds: how often the checkpoint is written.

    Returns:
        The finished run.

    Raises:
        InputError: a clinic, a subject or a label is missing, a file is damaged, or the device is
            not available.
    """
    return Store(store, clinics, device).run(
        scenario, on_progress=on_progress, checkpoint_seconds=checkpoint_seconds
    )


def _if_not_lost(lock: FolderLock, told: Callable[..., None], *steps: int) -> None:
    if lock.lost.is_set():
        raise LockLostError
    told(*steps)


@contextmanager
def _removed_by_another(lock: FolderLock) -> Iterator[None]:
    """Where another process took the lock, it also took away what this one was writing."""
    try:
        yield
    except FileNotFoundError:
        lock.confirm()
        raise


def _refuse_full_disk(directory: Path, method: Method) -> None:
    """Refuse a training now if its files would not fit on the disk when it ends.

    A checkpoint has each weight and two numbers of the optimiser for it. The old checkpoint, the
    new one and the weights lie side by side for a moment.
    """
    states = [module.state_dict().values() for module in method.modules.values()]
    weights = sum(each.numel() * each.element_size() for state in states for each in state)
    needed, free = 7 * weights, disk_usage(directory).free
    if needed > free:
        amounts = f"{needed / 1e6:.1f} MB are needed for a training, {free / 1e6:.1f} MB are free"
        raise InputError(f"{directory}: {amounts}; free some space or choose another place")


def _frozen(run: Path, device: torch.device) -> UNet:
    return Run(run).network(device).requires_grad_(False)


def _labelled_slices(
    prepared: PreparedSlices, subjects: Subjects, contents: tuple[str, ...]
) -> LabelledSlices:
    """The subjects' labelled slices.

    ``contents`` are the fingerprints of the subjects, so that a cache does not return slices of
    files that have changed since.
    """
    return prepared.labelled_slices([subject.labelled for subject in subjects])
