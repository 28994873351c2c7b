"""Segment a clinic's scans: masks and maps on each scan's own grid, and facts about each."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from nibabel.orientations import aff2axcodes
from numpy.typing import NDArray

from kdlib.data.image_file import write_volume
from kdlib.data.labels import THRESHOLD, Label
from kdlib.data.subjects import Subject
from kdlib.data.volume import Volume
from kdlib.errors import printable
from kdlib.files import atomic, sha256_of
from kdlib.own_scans.check import Finding
from kdlib.own_scans.derivative import write_sidecars
from kdlib.own_scans.failures import ScanFailedError, costing_one_scan
from kdlib.own_scans.plausibility import (
    doubts_of_answer,
    doubts_of_brain,
    doubts_of_mask,
    doubts_of_name,
    doubts_of_scan,
    head_of,
)
from kdlib.own_scans.results import Results
from kdlib.own_scans.segmenter import Answers, Segmenter
from kdlib.recipe import Recipe
from kdlib.scores.in_space import evaluate_volumes
from kdlib.scores.metrics import components, dice

OnWrite = Callable[[str, Mapping[str, str], str], None]
PROBABILITY_STEP = 2.0**-12  # maps are rounded down to it before they give a mask


@dataclass(frozen=True, eq=False)
class Answer:
    """What was found in one scan.

    Attributes:
        facts: numbers and names for the report.
        flair: the scan.
        masks: lesions (x, y, z), bool, on the grid of ``flair``. The names are "result", "teacher"
            and "truth", as far as they are known.
        brain: the brain on the same grid, if it was looked for.
    """

    facts: dict[str, Any]
    flair: Volume
    masks: dict[str, NDArray[np.bool_]]
    brain: NDArray[np.bool_] | None = None


def segment(
    cases: Iterable[tuple[Subject, Segmenter]],
    results: Results,
    left_out: list[Finding],
    *,
    scored: bool = False,
    threshold: float = THRESHOLD,
    on_scan: Callable[[], None] = lambda: None,
    on_write: OnWrite = lambda subject, digests, flair: None,
    on_failure: Callable[[str], None] = lambda subject: None,
) -> Iterator[Answer]:
    """Write the lesion mask, the probability map and the brain mask, if any, of each scan.

    ``Results.names`` says what the files are called. Scans are segmented one at a time, so memory
    does not grow with their number. Probabilities are rounded down to multiples of
    ``PROBABILITY_STEP``, which makes files half as large.

    Args:
        cases: each subject, and what segments it.
        results: where the files go.
        left_out: if a scan cannot be read any more or does not fit into memory, this is added here,
            and the others go on.
        scored: whether to compare the result with the subject's label if it has one. If not, no
            label is read.
        threshold: a voxel is lesion if its probability is at least this.
        on_scan: called after each scan.
        on_write: called with a subject's id, the SHA-256 of its files by their kinds and that of
            its FLAIR, just before the files take their places.
        on_failure: called with the id of a subject that could not be segmented.

    Yields:
        What was found in each scan.
    """
    for subject, segmenter in cases:
        try:
            with costing_one_scan(subject):
                answer = _answer(
                    subject, segmenter, results, scored=scored, threshold=threshold,
                    on_write=on_write,
                )  # fmt: skip
        except ScanFailedError as error:
            why = f"{printable(subject.id)}: {error}"
            left_out.append(Finding(subject.scan.clinic, printable(subject.id), (why,)))
            on_failure(subject.id)
        else:
            yield answer
        on_scan()


def _answer(
    subject: Subject,
    segmenter: Segmenter,
    results: Results,
    *,
    scored: bool,
    threshold: float,
    on_write: OnWrite,
) -> Answer:
    with costing_one_scan(subject, reading=True):
        scan = subject.scan.read(segmenter.recipe.inputs)
        labelled = scored and subject.label is not None
        truth = subject.labelled.labels_on(scan[0]) if labelled else None
    answers = segmenter.answers(scan)
    maps = {name: _rounded_down(probability) for name, probability in answers.lesions.items()}
    masks = {name: probability.array >= threshold for name, probability in maps.items()}
    brain = answers.brain
    names = results.names(subject, brain=brain is not None)
    volumes = {"mask": replace(scan[0], array=masks["result"]), "probability": maps["result"]}
    volumes |= {} if brain is None else {"brain": brain}
    scores = {}
    if truth is not None:
        scores = {
            name: asdict(evaluate_volumes(truth, replace(scan[0], array=mask)))
            for name, mask in masks.items()
        }
        masks["truth"] = truth.array == Label.LESION
    facts = _facts(subject, segmenter, scan[0], masks) | names | {"scores": scores}
    facts |= {"participant": results.participant(subject), "verdict": None} | answers.told
    facts["threshold"] = threshold
    facts["flair_sha256"] = sha256_of(subject.scan.flair)
    facts["brain_ml"] = None if brain is None else _ml(brain.array, brain)
    facts["doubts"] = [
        *doubts_of_name(subject.scan.flair),
        *_doubts(scan[0], answers, masks["result"], truth, segmenter.recipe),
    ]
    with ExitStack() as files:  # that take their places together
        news = {k: files.enter_context(atomic(results.folder / n)) for k, n in names.items()}
        for kind, path in news.items():
            write_volume(path, volumes[kind])
        facts["sha256"] = {kind: sha256_of(path) for kind, path in news.items()}
        on_write(subject.id, facts["sha256"], facts["flair_sha256"])
    write_sidecars(results, subject, facts)
    return Answer(facts, scan[0], masks, None if brain is None else brain.array)


def _doubts(
    flair: Volume,
    answers: Answers,
    lesions: NDArray[np.bool_],
    truth: Volume | None,
    recipe: Recipe,
) -> Iterator[str]:
    """What is implausible in a scan, in its answer, and in the mask that scores it."""
    scan, inside = head_of(flair)
    yield from doubts_of_scan(scan, inside)
    if answers.brain is not None:
        yield from doubts_of_brain(answers.brain, inside)
    yield from doubts_of_answer(answers.seen, lesions, recipe.preparation)
    if truth is not None:
        yield from (f"its mask: {doubt}" for doubt in doubts_of_mask(truth, scan, inside))


def _rounded_down(probability: Volume) -> Volume:
    steps = np.floor(probability.array / PROBABILITY_STEP)
    return replace(probability, array=(steps * PROBABILITY_STEP).astype(np.float32))


def _ml(mask: NDArray[np.bool_], flair: Volume) -> float:
    """The volume of a mask in mL."""
    return round(int(mask.sum()) * float(np.prod(flair.spacing_mm)) / 1000, 4)


def _facts(
    subject: Subject, segmenter: Segmenter, flair: Volume, masks: dict[str, NDArray[np.bool_]]
) -> dict[str, Any]:
    return {
        "subject": subject.id,
        "run": segmenter.name,
        "shape": list(flair.array.shape),
        "voxel_mm": [round(edge, 4) for edge in flair.spacing_mm],
        "orientation": "".join(aff2axcodes(flair.affine)),
        "lesion_ml": {name: _ml(mask, flair) for name, mask in masks.items()},
        "lesions": {name: components(mask)[1] for name, mask in masks.items()},
        "difference": _beside_teacher(masks["result"], masks["teacher"], flair)
        if "teacher" in masks
        else None,
    }


def _beside_teacher(
    result: NDArray[np.bool_], teacher: NDArray[np.bool_], flair: Volume
) -> dict[str, float]:
    """How the result differs from the teacher's answer. Dice is NaN if both are empty."""
    return {
        "dice": dice(result, teacher),
        "added_ml": _ml(result & ~teacher, flair),
        "removed_ml": _ml(teacher & ~result, flair),
    }
