"""Whole target scans with the answers of every arm, which explorers show slice by slice."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from kdlib.data.box import bounding_box, grey
from kdlib.data.clinics import Clinics
from kdlib.data.head import foreground
from kdlib.data.labels import THRESHOLD
from kdlib.data.subjects import Subject
from kdlib.data.volume import to_lps
from kdlib.prediction import predict
from kdlib.record.arrays import Arrays, Key
from kdlib.study.participants import participants
from kdlib.study.plan import Planned
from kdlib.study.run import Run
from kdlib.study.study import Study

MOST_SUBJECTS = 3  # of each target
SCAN_VOXELS = 6_000_000  # of all scans together; a page can hold no more
Box = tuple[slice, ...]


def whole_scans(
    study: Study, students: list[Run], runs: list[tuple[Planned, Run]], clinics: Clinics,
    device: torch.device,
) -> Arrays:  # fmt: skip
    """Make the arrays of up to three whole scans for each pair of clinics that has a student.

    They are the first subjects that ``ranked`` names. All arrays have axes (x, y, z) in LPS, and
    are cut to the box that holds the head:

    - ``target/subject/scan/flair``, uint8, and ``.../truth``, uint8 labels. They are kept once for
      all sources.
    - ``target/subject/scan/affine`` (4, 4): the affine of this box.
    - ``source/target/subject/scan/teacher`` and ``.../student``, uint8: the answers of the student
      that is given and of its teacher, at probability 0.5.
    - ``source/target/subject/answers/ARM``, uint8: the same for each arm that was tested on this
      subject with the student's seed.

    In older results the first pair alone has one scan, with all arrays of ``scan`` under
    ``source/target/subject``, and there are no ``answers``.
    """
    arrays: Arrays = {}
    count = _affordable({target for _, target in study.pairs}, clinics)
    for student in students:
        pair = (student.scenario.source, str(student.scenario.target))
        for subject in ranked(student, clinics)[:count]:
            scan, box = _scan(subject)
            arrays |= {Key((pair[1], subject.id, "scan"), part): a for part, a in scan.items()}
            shown = [("scan", "teacher", teacher_of(student)), ("scan", "student", student)]
            shown += [("answers", arm, run) for arm, run in _tested(student, runs, subject)]
            every = {run.directory: run for _, _, run in shown}  # the student is an arm, too
            answers = {place: _answer(run, subject, box, device) for place, run in every.items()}
            arrays |= {
                Key((*pair, subject.id, picture), part): answers[run.directory]
                for picture, part, run in shown
            }
    return arrays


def ranked(student: Run, clinics: Clinics) -> list[Subject]:
    """The subjects that a run tested with the median, the most and the least lesion volume."""
    tested = participants(student.scenario, clinics).tested
    by_volume = sorted(tested, key=lambda subject: (subject.lesion_ml, subject.id))
    chosen = [by_volume[len(by_volume) // 2], by_volume[-1], by_volume[0]]
    return list({subject.id: subject for subject in chosen}.values())


def _affordable(targets: set[str], clinics: Clinics) -> int:
    """How many subjects of each target fit into ``SCAN_VOXELS``, by the first subject's size."""
    first = [clinics[target].subjects[0] for target in targets]
    voxels = sum(subject.scan.read()[0].array.size for subject in first)
    return max(1, min(MOST_SUBJECTS, SCAN_VOXELS // max(1, voxels)))


def _tested(
    student: Run, runs: list[tuple[Planned, Run]], subject: Subject
) -> Iterator[tuple[str, Run]]:
    """Every arm with the run of the student's seed and pair that was tested on ``subject``."""
    own = student.scenario
    for item, run in runs:
        other = run.scenario
        same = (own.source, own.target, own.seed) == (other.source, other.target, other.seed)
        if same and not item.setting and subject.id in run.slices:
            yield item.arm, run


def teacher_of(student: Run) -> Run:
    """The teacher of a student, which has one."""
    if student.teacher is None:
        raise ValueError(f"{student.directory}: a student without a teacher")
    return student.teacher


def _scan(subject: Subject) -> tuple[dict[str, NDArray[Any]], Box]:
    """The FLAIR, the labels and the affine, cut to the box that holds the head."""
    flair = to_lps(subject.scan.read()[0])
    head = foreground(flair.array)
    box = bounding_box(head, margin=2)
    corner = np.eye(4)
    corner[:3, 3] = [edge.start for edge in box]
    labels = to_lps(subject.labelled.read_labels()).array
    return {
        "flair": head_grey(flair.array, filled(head))[box],
        "truth": labels[box].astype(np.uint8),
        "affine": flair.affine @ corner,
    }, box


def _answer(run: Run, subject: Subject, box: Box, device: torch.device) -> NDArray[np.uint8]:
    scan = subject.scan.read(run.scenario.inputs)
    answer = to_lps(predict(run.network(device), scan, run.scenario)).array[box]
    return (answer >= THRESHOLD).astype(np.uint8)


def filled(head: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill the holes of each slice, since fluid is dark in FLAIR but belongs to the head."""
    return np.stack([ndimage.binary_fill_holes(part) for part in np.moveaxis(head, 2, 0)], axis=2)


def head_grey(array: NDArray, head: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Map the head's intensities to 1 to 255, and everything else to 0."""
    return np.where(head, grey(array, head).clip(min=1), 0).astype(np.uint8)
