"""Segment a clinic's scans: masks and maps on each scan's own grid, and facts about each."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.orientations import aff2axcodes
from numpy.typing import NDArray

from kdlib.data.labels import Label
from kdlib.data.subjects import Subject
from kdlib.data.volume import Volume, write_volume
from kdlib.errors import InputError
from kdlib.networks import UNet
from kdlib.own_scans.old_results import result_names
from kdlib.own_scans.plausibility import doubts_of_answer
from kdlib.prediction import predict
from kdlib.scores.in_space import evaluate_volumes
from kdlib.scores.metrics import THRESHOLD, components, dice
from kdlib.study.run import Run
from kdlib.training import choose_device

PROBABILITY_STEP = 2.0**-12  # saved maps are rounded to it; the threshold is a multiple


@dataclass(frozen=True, eq=False)
class Answer:
    """What was found in one scan.

    Attributes:
        facts: numbers and names for the report.
        flair: the scan.
        masks: lesions (x, y, z), bool, on the grid of ``flair``. The names are "result", "teacher"
            and "truth", as far as they are known.
    """

    facts: dict[str, Any]
    flair: Volume
    masks: dict[str, NDArray[np.bool_]]


def segment(
    cases: Iterable[tuple[Subject, Run]],
    out: Path,
    *,
    device: str = "auto",
    scored: bool = False,
    on_subject: Callable[[int], None] = lambda done: None,
) -> Iterator[Answer]:
    """Write ``<id>_lesion_mask.nii.gz`` and ``<id>_lesion_probability.nii.gz`` of each scan.

    Scans are segmented one at a time, so memory does not grow with their number. Probabilities are
    rounded down to multiples of ``PROBABILITY_STEP``, which makes files half as large.

    Args:
        cases: each subject, and the run whose network segments it.
        out: the folder for the files.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
        scored: whether to compare the result with the subject's label if it has one. If not, no
            label is read.
        on_subject: called with the number of finished scans after each scan.

    Yields:
        What was found in each scan.
    """
    where = choose_device(device)
    network_of = lru_cache(maxsize=2)(lambda made: Run(made).network(where))  # run and teacher
    teacher_of = lru_cache(maxsize=1)(lambda made: teacher_at_hand(Run(made))[0])
    for done, (subject, run) in enumerate(cases, start=1):
        yield _answer(subject, run, teacher_of(run.directory), out, network_of, scored)
        on_subject(done)


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


def _answer(
    subject: Subject,
    run: Run,
    teacher: Run | None,
    out: Path,
    network_of: Callable[[Path], UNet],
    scored: bool,
) -> Answer:
    scan = subject.scan.read(run.scenario.inputs)
    networks = {"result": run} | ({"teacher": teacher} if teacher else {})
    maps = {
        name: predict(network_of(made.directory), scan, made.scenario)
        for name, made in networks.items()
    }
    masks = {name: probability.array >= THRESHOLD for name, probability in maps.items()}
    names = result_names(subject.id)
    write_volume(out / names["mask"], replace(scan[0], array=masks["result"]))
    write_volume(out / names["probability"], _rounded_down(maps["result"]))
    scores = {}
    if scored and subject.label is not None:
        truth = subject.labelled.labels_on(scan[0])
        scores = {
            name: asdict(evaluate_volumes(truth, probability)) for name, probability in maps.items()
        }
        masks["truth"] = truth.array == Label.LESION
    facts = _facts(subject, run, scan[0], masks) | names | {"scores": scores}
    facts["doubts"] = list(doubts_of_answer(scan[0], masks["result"], run.scenario.preparation))
    return Answer(facts, scan[0], masks)


def _rounded_down(probability: Volume) -> Volume:
    steps = np.floor(probability.array / PROBABILITY_STEP)
    return replace(probability, array=(steps * PROBABILITY_STEP).astype(np.float32))


def _facts(
    subject: Subject, run: Run, flair: Volume, masks: dict[str, NDArray[np.bool_]]
) -> dict[str, Any]:
    voxel_ml = float(np.prod(flair.spacing_mm)) / 1000
    return {
        "subject": subject.id,
        "run": run.directory.name,
        "shape": list(flair.array.shape),
        "voxel_mm": [round(edge, 4) for edge in flair.spacing_mm],
        "orientation": "".join(aff2axcodes(flair.affine)),
        "lesion_ml": {name: round(int(m.sum()) * voxel_ml, 4) for name, m in masks.items()},
        "lesions": {name: components(mask)[1] for name, mask in masks.items()},
        "difference": _beside_teacher(masks["result"], masks["teacher"], voxel_ml)
        if "teacher" in masks
        else None,
    }


def _beside_teacher(
    result: NDArray[np.bool_], teacher: NDArray[np.bool_], voxel_ml: float
) -> dict[str, float]:
    """How the result differs from the teacher's answer. Dice is NaN if both are empty."""
    return {
        "dice": dice(result, teacher),
        "added_ml": round(int((result & ~teacher).sum()) * voxel_ml, 4),
        "removed_ml": round(int((teacher & ~result).sum()) * voxel_ml, 4),
    }
