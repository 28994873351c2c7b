"""Simulate all subjects in parallel processes. A stopped simulation can be continued."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdlib.data.layouts import MADE_FOLDERS
from kdlib.errors import InputError
from kdlib.files import atomic
from kdlib.processes import starting_at_once, without_the_callers_script
from kdlib.simulator.controls import CONTROLS
from kdlib.simulator.dials import DIALLED, LARGE, MADE
from kdlib.simulator.protocols import SITES, site
from kdlib.simulator.subject import SimulatorSettings, simulate_subject, write_subject
from kdlib.simulator.template import template_maps

# Raise it when the same settings give other voxels. Old folders are then not continued.
VERSION = 9
_SETTINGS_FILE = "simulation.json"

Job = tuple[str, int, Path]


def simulate(
    out: Path,
    *,
    grid: str = "native",
    clinics: Sequence[str] = tuple(SITES),
    training: int = 20,
    test: int = 0,
    seed: int = 0,
    scanner_shift: float = 1.0,
    population_shift: float = 1.0,
    skull: bool = True,
    controls: bool = False,
    dials: bool = False,
    large: bool = False,
    workers: int | None = None,
    on_subject: Callable[[int, int], None] | None = None,
) -> None:
    """Write simulated subjects to ``out`` in the challenge's layout: ``training/Utrecht/0`` etc.

    The seed, the clinic, the subject's id and the settings decide every voxel of a subject. A
    subject's folder appears only when it is complete. A second call with the same settings makes
    what is missing. It may also ask for more clinics, more subjects or the control clinics.

    Args:
        out: a folder that is new, empty, or holds a simulation with these settings.
        grid: "native" = the challenge's shapes and voxels; "2mm" = 96 x 112 x 48 voxels of
            2 x 2 x 3 mm for every clinic.
        clinics: any of "utrecht", "singapore" and "amsterdam".
        training: training subjects of each clinic, 0 to 20, in the order of the challenge's ids.
        test: test subjects of each clinic, 0 to 30, in the same order.
        seed: decides all that is random; 0 or above.
        scanner_shift: how far the scanners differ, 0 or above. At 0 all have the mean protocol and
            nobody is defaced. At 1 they are as published. The voxel grids always differ, unless
            ``grid`` is "2mm".
        population_shift: how far lesion load and atrophy differ, in the same way.
        skull: False sets all voxels outside the brain to exactly 0, as in skull-stripped scans.
        controls: True also writes the control clinics of ``kdlib.simulator.controls``. Each has
            as many training subjects as the other clinics, and no test subjects.
        dials: True also writes the clinics of ``kdlib.simulator.dials``, in each of which one part
            of the shift is turned, and ``utrecht-again``, their level 0.
        large: True also writes ``singapore-large``, with twice as many training subjects.
        workers: how many processes; by default one for each core.
        on_subject: called with (done, total) at the start and after each subject.

    Raises:
        InputError: an argument is out of range, or ``out`` holds something else.
    """
    settings = SimulatorSettings(grid, seed, float(scanner_shift), float(population_shift), skull)
    _check(settings, clinics, training, test, workers)
    out = Path(out)
    _claim(out, settings)
    jobs = _jobs(out, clinics, training, test)
    wanted = CONTROLS if controls else {}
    if dials:
        wanted = wanted | {"utrecht-again": CONTROLS["utrecht-again"]} | DIALLED
    jobs += _made_jobs(out, [*wanted, *(LARGE if large else {})], training)
    missing = [job for job in jobs if not job[2].exists()]
    done = len(jobs) - len(missing)
    report = on_subject or (lambda done, total: None)
    report(done, len(jobs))
    if missing:
        _run(settings, missing, workers, lambda new: report(done + new, len(jobs)))


def _check(
    settings: SimulatorSettings,
    clinics: Sequence[str],
    training: int,
    test: int,
    workers: int | None,
) -> None:
    if settings.grid not in ("native", "2mm"):
        raise InputError(f'grid "{settings.grid}" is unknown; use "native" or "2mm"')
    if isinstance(clinics, str) or not clinics:
        raise InputError(f"clinics must be a list of names; choose from {', '.join(SITES)}")
    for clinic in clinics:
        site(clinic)
    for name, count, most in (("training", training, 20), ("test", test, 30)):
        if not 0 <= count <= most:
            raise InputError(f"{name} is {count}; choose 0 to {most} subjects for each clinic")
    if training + test == 0:
        raise InputError("training and test are both 0; set one of them above 0")
    if settings.seed < 0:
        raise InputError(f"seed is {settings.seed}; use 0 or above")
    for name in ("scanner_shift", "population_shift"):
        if not 0 <= getattr(settings, name) <= 2:
            raise InputError(f"{name} is {getattr(settings, name)}; use a number from 0 to 2")
    if workers is not None and workers < 1:
        raise InputError(f"workers is {workers}; use 1 or more")


def _claim(out: Path, settings: SimulatorSettings) -> None:
    """Write the settings file. If there is one, check that it says the same."""
    wanted = {"version": VERSION, **asdict(settings)}
    path = out / _SETTINGS_FILE
    if path.exists():
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(
                f"{path}: this file cannot be read ({error}); choose another folder"
            ) from error
        if found != wanted:
            raise InputError(
                f"{out} holds a simulation with other settings ({path.name}: {found}); "
                "choose another folder, or delete this one"
            )
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} holds other files; choose a new or empty folder")
    else:
        with atomic(path) as temporary:
            temporary.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")


def _jobs(out: Path, clinics: Sequence[str], training: int, test: int) -> list[Job]:
    return [
        (clinic, number, out / split / site(clinic).folder / str(number))
        for clinic in dict.fromkeys(clinics)
        for split, numbers in (
            ("training", site(clinic).training[:training]),
            ("test", site(clinic).test[:test]),
        )
        for number in numbers
    ]


def _made_jobs(out: Path, names: Sequence[str], training: int) -> list[Job]:
    people = {
        name: site(MADE[name].like).training[:training]
        + site(MADE[name].like).test[: training * MADE[name].many]
        for name in names
    }
    return [
        (name, number, out / "training" / MADE_FOLDERS[name] / str(number))
        for name, numbers in people.items()
        for number in numbers
    ]


def _run(
    settings: SimulatorSettings, jobs: list[Job], workers: int | None, report: Callable[[int], None]
) -> None:
    processes = min(workers or _cores(), len(jobs))
    template = template_maps()
    if processes == 1:
        _run_here(settings, jobs, template, report)
        return
    with TemporaryDirectory() as folder:
        maps = Path(folder) / "template.npy"
        np.save(maps, template)  # all processes share this one copy
        pool = ProcessPoolExecutor(processes, starting_at_once(__name__), _start, (settings, maps))
        try:
            with without_the_callers_script():
                futures = [pool.submit(_one, job) for job in jobs]
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                report(done)
        finally:
            pool.shutdown(cancel_futures=True)


def _run_here(
    settings: SimulatorSettings, jobs: list[Job], template: NDArray, report: Callable[[int], None]
) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the processes, so that sums are the same to the last bit
    try:
        for done, job in enumerate(jobs, start=1):
            _simulate_to_disk(settings, job, torch.from_numpy(template))
            report(done)
    finally:
        torch.set_num_threads(threads)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # on Linux: the cores that this process may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_worker: dict[str, Any] = {}  # what a process keeps between subjects


def _start(settings: SimulatorSettings, maps: Path) -> None:
    torch.set_num_threads(1)
    _worker["settings"] = settings
    _worker["template"] = torch.from_numpy(np.load(maps, mmap_mode="c", allow_pickle=False))


def _one(job: Job) -> None:
    _simulate_to_disk(_worker["settings"], job, _worker["template"])


def _simulate_to_disk(settings: SimulatorSettings, job: Job, template: Tensor) -> None:
    clinic, number, folder = job
    subject = simulate_subject(settings, clinic, number, template)
    temporary = folder.parent / f".{uuid4().hex[:12]}"
    try:
        write_subject(temporary, subject)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
