"""Runs are made here: a scenario in, a directory out. A finished run is never repeated."""

import json
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from filelock import FileLock
from safetensors.torch import save_file

from kdlib.data.clinics import Clinics
from kdlib.data.prepared import PreparedSlices
from kdlib.data.slices import LabelledSlices
from kdlib.data.volume import to_lps
from kdlib.files import atomic, write_text
from kdlib.methods.base import Method
from kdlib.networks import UNet, precision_on
from kdlib.prediction import predict
from kdlib.scores.scoring import example_slice, score
from kdlib.study.participants import Participants, Subjects, participants
from kdlib.study.run import Run
from kdlib.study.scenario import Scenario
from kdlib.training import choose_device, train

OnProgress = Callable[[Scenario, int, int], None]
LONGEST_SLUG = 200  # bytes; a folder's name can have 255, and a subject's name may be long


def run(
    scenario: Scenario,
    clinics: Clinics,
    *,
    store: Path | str = "runs",
    device: str = "auto",
    on_progress: OnProgress | None = None,
    checkpoint_seconds: float = 30.0,
) -> Run:
    """Make the run of ``scenario``, and its teacher's before it, or read what is there.

    An interrupted run goes on from its checkpoint. One process at a time writes a run; a second
    one waits and then reads it. ``on_progress`` is called with the scenario in training, the
    steps taken and their number.
    """
    directory = run_directory(scenario, clinics, store)
    if (directory / "DONE").exists():
        return Run(directory)
    where = choose_device(device)
    people = participants(scenario, clinics)
    teacher = None
    if scenario.teacher is not None:
        teacher = run(
            scenario.teacher, clinics, store=store, device=device, on_progress=on_progress,
            checkpoint_seconds=checkpoint_seconds,
        )  # fmt: skip
    directory.mkdir(parents=True, exist_ok=True)
    with FileLock(directory / "lock"):
        if not (directory / "DONE").exists():
            began = time.monotonic()
            write_text(directory / "scenario.json", scenario.model_dump_json(indent=2))
            if teacher is not None:
                write_text(directory / "teacher", teacher.directory.name)
            prepared = PreparedSlices(Path(store) / "prepared", scenario.preparation, where)
            method = _method(scenario, people, teacher, prepared)
            history = train(
                method,
                checkpoint=directory / "checkpoint.safetensors",
                checkpoint_seconds=checkpoint_seconds,
                on_step=partial(on_progress, scenario) if on_progress else None,
            )
            _save_network(directory / "weights.safetensors", method.result)
            write_text(directory / "history.csv", pd.DataFrame(history).to_csv(index=False))
            _save_scores(directory, method.result, people, scenario)
            (directory / "checkpoint.safetensors").unlink(missing_ok=True)
            write_text(
                directory / "DONE",
                json.dumps(_provenance(where, scenario.precision, began), indent=2),
            )
    return Run(directory)


def run_directory(scenario: Scenario, clinics: Clinics, store: Path | str) -> Path:
    """Where the run of ``scenario`` on this data lies, made or not."""
    names = [name for name in (scenario.source, scenario.target) if name]
    data = " ".join(clinics[name].fingerprint for name in names)
    slug = scenario.slug.encode()[:LONGEST_SLUG].decode(errors="ignore")
    return Path(store) / f"{slug}-{scenario.digest(data)}"


def _method(
    scenario: Scenario, people: Participants, teacher: Run | None, prepared: PreparedSlices
) -> Method:
    """The scenario's method, handed what it may see and nothing else."""
    kind, handed = scenario.method_type, dict[str, Any]()
    trained = _frozen(teacher.directory, prepared.device) if teacher else None
    if kind.needs_source:
        contents = tuple(subject.fingerprint for subject in people.labelled)
        handed["labelled"] = _labelled_slices(prepared, people.labelled, contents)
    if kind.needs_target:
        handed["target"] = prepared.slices(subject.scan for subject in people.adapted_to)
    if kind.needs_teacher:
        handed["teacher"] = trained
    task = kind.task_type(**handed, start=trained if scenario.starts_from_teacher else None)
    return kind(scenario, scenario.settings, task, seed=scenario.seed, updates=scenario.updates)


# Runs that follow each other mostly share their source and teacher: the last ones are kept, and
# methods see the same objects again. Nobody changes them.


@lru_cache(maxsize=2)
def _frozen(run: Path, device: torch.device) -> UNet:
    return Run(run).network(device).requires_grad_(False)


@lru_cache(maxsize=1)
def _labelled_slices(
    prepared: PreparedSlices, subjects: Subjects, contents: tuple[str, ...]
) -> LabelledSlices:
    """The subjects' labelled slices; ``contents``, their fingerprints, tells old files from new."""
    return prepared.labelled_slices([subject.labelled for subject in subjects])


def _save_network(path: Path, network: UNet) -> None:
    weights = {name: t.cpu().contiguous() for name, t in network.state_dict().items()}
    with atomic(path) as temporary:
        save_file(weights, temporary)


def _save_scores(directory: Path, network: UNet, people: Participants, scenario: Scenario) -> None:
    """Scores on each scan's own grid, and one slice of each answer to look at."""
    scores, slices = _scored(network, people.tested, scenario)
    write_text(directory / "scores.csv", scores.to_csv(index=False))
    with atomic(directory / "slices.npz") as temporary:
        np.savez_compressed(temporary, **slices)
    if people.at_home:
        at_home, _ = _scored(network, people.at_home, scenario)
        write_text(directory / "source_scores.csv", at_home.to_csv(index=False))


def _scored(
    network: UNet, subjects: Subjects, scenario: Scenario
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A row a subject, and its answer's slice; of one without a label, neither."""
    rows, slices = [], dict[str, Any]()
    for subject in (subject for subject in subjects if subject.label is not None):
        scan, truth = subject.scan.read(scenario.inputs), subject.labelled.read_labels()
        probability = predict(network, scan, scenario)
        rows.append(score(subject, scan[0], truth, probability, scenario.settings.softening))
        shown = to_lps(probability).array[:, :, example_slice(truth)]
        slices[subject.id] = (shown * 255).round().astype(np.uint8)
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["clinic", "subject"]), slices


def _provenance(device: torch.device, precision: str, began: float) -> dict[str, Any]:
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began, 1),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "precision": precision_on(device, precision),
        "threads": torch.get_num_threads(),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("kdlib", "torch", "numpy", "scipy", "nibabel")},
    }
