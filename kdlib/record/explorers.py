"""The arrays that the book's explorers show: soft labels, and whole scans with their answers."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kdlib.data.head import foreground
from kdlib.data.labels import THRESHOLD, Label
from kdlib.data.slices import Prepared, prepare
from kdlib.data.subjects import Subject
from kdlib.data.volume import Volume, to_lps
from kdlib.networks import answer_all
from kdlib.record.arrays import Arrays, Key
from kdlib.record.whole_scans import filled, head_grey, ranked, teacher_of, whole_scans
from kdlib.study.plan import Planned
from kdlib.study.run import Run
from kdlib.study.scenario import Scenario
from kdlib.study.store import Store
from kdlib.study.study import Study
from kdlib.training import choose_device

Pictures = dict[str, Any]
STEPS_PER_LOGIT = 256  # a stored step moves no probability by more than 0.25 / 256
STUDENT = "student@"  # begins the names of the answers of trained students
SOFT_VOXELS = 500_000  # voxels inside heads, of all pairs together; a page can hold no more


def explorers(study: Study, runs: list[tuple[Planned, Run]], store: Store) -> Arrays:
    """Make the arrays of one target subject for each pair of clinics, and of some whole scans.

    The subject is the tested one with the median lesion volume. ``whole_scans`` describes the
    arrays of whole scans. The other names start with ``source/target/subject``:

    - ``.../soft/difference``, int16: the teacher's logit of lesion minus its logit of background,
      in steps of 1 / 256 and clipped at 127. softmax(z / T) is 1 / (1 + exp(-difference / T)).
    - ``.../soft/flair``, uint8: the scan. Both arrays are (slice, row, column), with the patient's
      left on the right. They are 0 outside the head.
    - ``.../soft/slices``: the places of these slices in the scan.
    - ``.../soft/truth``, uint8: 1 is lesion. Older results lack it.
    - ``.../soft/student@T``, uint8: the lesion probability (0 to 255) that the student trained at
      temperature T gives, for each T of the arms and sweeps. Older results lack them.
    """
    students = list(_students(study, runs))
    device = choose_device(store.device)
    arrays: Arrays = {}
    for student in students:
        subject = ranked(student, store.clinics)[0]
        name = (student.scenario.source, str(student.scenario.target), subject.id)
        soft = _soft_label(student, subject, SOFT_VOXELS // len(study.pairs), device)
        soft |= _trained(student, runs, subject, soft["slices"], device)
        arrays |= {Key((*name, "soft"), part): array for part, array in soft.items()}
    return arrays | whole_scans(study, students, runs, store.clinics, device)


def _students(study: Study, runs: list[tuple[Planned, Run]]) -> Iterator[Run]:
    """Yield the first student of the plain teacher of each pair, adapted to the pooled scans."""
    seen = set()
    for item, run in runs:
        scenario = item.scenario
        pair = (scenario.source, scenario.target)
        pooled = scenario.method == "distillation" and scenario.subject is None
        if item.setting or not pooled or scenario.seed != min(study.seeds) or pair in seen:
            continue
        if scenario.teacher is not None and scenario.teacher.method == "supervised":
            seen.add(pair)
            yield run


def _trained(
    student: Run, runs: list[tuple[Planned, Run]], subject: Subject, slices: NDArray, device: Any
) -> Pictures:
    """The truth of these slices, and what the students of each temperature answer to them.

    They are the students that differ from ``student`` in nothing but the temperature.
    """
    scenario = student.scenario
    scan = subject.scan.read(scenario.inputs)
    ready = prepare(scan, scenario.preparation)
    lesion = to_lps(subject.labelled.read_labels()).array == Label.LESION
    truth = ready.window.to_network(lesion.astype(np.float32)) >= THRESHOLD
    pictures: Pictures = {"truth": truth.astype(np.uint8).transpose(2, 1, 0)[slices]}
    images = ready.images[torch.as_tensor(slices)].to(device)
    for temperature, run in sorted(_by_temperature(scenario, runs).items()):
        logits = answer_all(run.network(device), images, scenario.precision).float()
        answer = logits.softmax(dim=1)[:, Label.LESION].cpu().numpy().transpose(0, 2, 1)
        pictures[f"{STUDENT}{temperature:g}"] = np.rint(255 * answer).astype(np.uint8)
    return pictures


def _by_temperature(plain: Scenario, runs: list[tuple[Planned, Run]]) -> dict[float, Run]:
    """The runs that differ from ``plain`` in the temperature alone, by temperature."""
    own = plain.settings.model_dump()["temperature"]
    return {
        float(run.scenario.settings.model_dump()["temperature"]): run
        for _, run in runs
        if run.scenario.method == plain.method and run.scenario.changed(temperature=own) == plain
    }


def _soft_label(student: Run, subject: Subject, voxels: int, device: torch.device) -> Pictures:
    """The teacher's logits on evenly spaced slices, which hold at most ``voxels`` of the head."""
    scenario = student.scenario
    scan = subject.scan.read(scenario.inputs)
    ready = prepare(scan, scenario.preparation)
    images, teacher = ready.images.to(device), teacher_of(student).network(device)
    logits = answer_all(teacher, images, scenario.precision).cpu().numpy()
    steps = np.rint((logits[:, Label.LESION] - logits[:, Label.BACKGROUND]) * STEPS_PER_LOGIT)
    limit = 127 * STEPS_PER_LOGIT
    difference = steps.clip(-limit, limit).astype(np.int16).transpose(0, 2, 1)
    flair = _shown_slices(scan[0], ready)
    held = np.flatnonzero(ready.holds_head.numpy())
    inside = int((flair[held] > 0).sum())
    count = max(1, min(len(held), voxels * len(held) // max(1, inside)))
    chosen = held[np.linspace(0, len(held) - 1, count).round().astype(int)]
    return {
        "difference": np.where(flair > 0, difference, 0)[chosen],
        "flair": flair[chosen],
        "slices": chosen,
    }


def _shown_slices(flair: Volume, ready: Prepared) -> NDArray[np.uint8]:
    sampled = ready.window.to_network(to_lps(flair).array)
    return head_grey(sampled, filled(foreground(sampled))).transpose(2, 1, 0)
