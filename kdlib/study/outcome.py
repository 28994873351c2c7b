"""Write what a training leaves in its run's directory: weights, losses, scores and a note."""

import json
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from kdlib.files import atomic, write_text
from kdlib.kept import write_tensors
from kdlib.learning_curve import LearningCurve
from kdlib.machine import processor
from kdlib.methods.base import Method
from kdlib.networks import UNet, precision_on
from kdlib.prediction import predict
from kdlib.scores.example import example_answer
from kdlib.scores.scoring import score
from kdlib.study.participants import Participants, Subjects
from kdlib.study.run import ANSWER
from kdlib.study.scenario import Scenario
from kdlib.training import History


def save_outcome(
    directory: Path,
    method: Method,
    history: History,
    curve: LearningCurve,
    people: Participants,
    scenario: Scenario,
    confirm: Callable[[], None],
) -> None:
    """Write everything that ``Run`` reads, except for the note that the run is finished.

    Scores are computed on each scan's own grid. One slice of each answer is kept as a picture.
    ``confirm`` is called when all is computed and nothing is written yet. It may raise.
    """
    network, findings = method.result, method.findings()
    scores, slices = scored(network, people.tested, scenario)
    at_home = scored(network, people.at_home, scenario)[0] if people.at_home else None
    confirm()
    write_tensors(directory / "weights.safetensors", network.state_dict())
    write_text(directory / "history.csv", pd.DataFrame(history).to_csv(index=False))
    write_text(directory / "curve.csv", pd.DataFrame(curve.rows).to_csv(index=False))
    write_text(directory / "findings.json", json.dumps(findings, indent=2))
    write_text(directory / "scores.csv", scores.to_csv(index=False))
    with atomic(directory / "slices.npz") as temporary:
        np.savez_compressed(temporary, **{ANSWER + name: array for name, array in slices.items()})
    if at_home is not None:
        write_text(directory / "source_scores.csv", at_home.to_csv(index=False))


def provenance(device: torch.device, precision: str, began: float) -> dict[str, Any]:
    """When, where and with which versions a run was made.

    ``began`` is its start, monotonic, as if it had never been interrupted.
    """
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began, 1),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "precision": precision_on(device, precision),
        "threads": torch.get_num_threads(),
        "machine": f"{platform.system()} {processor()}, {torch.backends.cpu.get_cpu_capability()}",
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("kdlib", "torch", "numpy", "scipy", "nibabel")},
    }


def scored(
    network: UNet, subjects: Subjects, scenario: Scenario
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """One row for each subject with a label, and one slice of the answer to it."""
    rows, slices = [], dict[str, Any]()
    for subject in (subject for subject in subjects if subject.label is not None):
        scan, truth = subject.scan.read(scenario.inputs), subject.labelled.read_labels()
        probability = predict(network, scan, scenario)
        rows.append(score(subject, scan[0], truth, probability, scenario.settings.softening))
        slices[subject.id] = example_answer(probability, truth)
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["clinic", "subject"]), slices
