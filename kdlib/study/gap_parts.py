"""What the loss of a study's unadapted networks is made of, on each tested scan of its targets."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pandas as pd
import torch
from numpy.typing import NDArray

from kdlib.data.clinics import Clinics
from kdlib.data.formats import stem
from kdlib.data.subject_files import with_labels
from kdlib.data.subjects import Subject
from kdlib.data.volume import Volume
from kdlib.errors import InputError
from kdlib.prediction import predict
from kdlib.scores.gap import at_shared_threshold, dice_at_thresholds, gap_parts
from kdlib.scores.metrics import Mask
from kdlib.starter.brain import BRAIN, find_brain
from kdlib.study.arm import lower_bound
from kdlib.study.plan import Planned, place_of_run
from kdlib.study.run import Run
from kdlib.study.study import Study
from kdlib.training import choose_device

OWNER = ["source", "target", "fold", "seed", "subject"]
UNUSED = ["arm", "setting", "value"]  # they are the same in all rows


def study_gap(
    study: Study,
    runs: list[tuple[Planned, Run]],
    clinics: Clinics,
    *,
    labels: str | None = None,
    device: str = "auto",
) -> pd.DataFrame:
    """The parts of the loss of the arm without adaptation; its networks answer again.

    Each row is one tested scan of one run. After ``source``, ``target``, ``fold``, ``seed`` and
    ``subject`` stand ``slice_mm``, the thickness of the slices, and what
    ``kdlib.scores.gap.gap_parts`` gives: ``dice``, and the Dice that is gained if one kind of error
    is forgiven. ``threshold`` is that of the scan's own best threshold, and ``clinic_threshold``
    that of the one threshold that is best in the mean over all scans of the same source, target
    and seed. The brain is the one that the network of the starter finds.

    Args:
        study: the study.
        runs: its finished runs.
        clinics: its clinics.
        labels: the name of masks beside the masks of the study that hold more than these. Without
            it, and for scans without such a mask, there is no part ``other_labels``.
        device: where the networks answer.

    Raises:
        InputError: the study has no arm without adaptation, or no run of it is finished.
    """
    lower = lower_bound(study.arms)
    own = [(item, run) for item, run in runs if item.arm == lower and not item.setting]
    if not own:
        what = "there is no finished run without adaptation"
        raise InputError(f"{study.name}: {what}; add an arm 'unadapted' to its file and run it")
    brain_of = cache(_brain)  # each scan is tested with several seeds and sources
    parts, dices = [], []
    for item, run in own:
        for subject, answer in _answers(item, run, clinics, choose_device(device)):
            truth = subject.labelled.read_labels()
            owner = {**place_of_run(item), "subject": subject.id, "slice_mm": _thickness(truth)}
            found = gap_parts(
                truth.array, answer.array, truth.spacing_mm, brain=brain_of(subject),
                other_labels=_other(subject, labels),
            )  # fmt: skip
            parts.append(owner | found)
            dices.append(dice_at_thresholds(truth.array, answer.array))
    return _tidy(pd.DataFrame(parts), pd.DataFrame(dices))


def _answers(
    item: Planned, run: Run, clinics: Clinics, device: torch.device
) -> Iterator[tuple[Subject, Volume]]:
    """The subjects that a run tested, and the probabilities that its network answers."""
    network, target = run.network(device), clinics[str(item.scenario.target)]
    for name in run.scores["subject"]:
        subject = target.subject(name)
        yield subject, predict(network, subject.scan.read(run.scenario.inputs), run.scenario)


def _other(subject: Subject, labels: str | None) -> NDArray | None:
    """The labels that lie beside the subject's own, if there are some."""
    other = with_labels(subject, stem(Path(labels))) if labels is not None else None
    return None if other is None else other.labelled.read_labels().array


def _brain(subject: Subject) -> Mask | None:
    """The brain of a scan. None if none is found."""
    inside = find_brain(subject.scan.read()[0]).array >= BRAIN
    return inside if inside.any() else None


def _thickness(volume: Volume) -> float:
    """The largest edge of a voxel in mm: it lies across the slices."""
    return round(max(volume.spacing_mm), 2)


def _tidy(parts: pd.DataFrame, dices: pd.DataFrame) -> pd.DataFrame:
    """The parts with that of the shared threshold, and first of all whose they are."""
    groups = parts.groupby(["source", "target", "seed"]).indices.values()
    shared = pd.concat([at_shared_threshold(dices.iloc[rows]) for rows in groups])
    gained = {"clinic_threshold": shared - parts["dice"]}
    names = [*OWNER, "slice_mm", "dice", "threshold", *gained]
    parts = parts.assign(**gained).drop(columns=UNUSED)
    return parts[[*names, *(name for name in parts if name not in names)]]
