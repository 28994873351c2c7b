"""Write what a study's runs say into small files, which the report and the book read."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdlib.data.clinics import Clinics
from kdlib.data.subjects import Subject
from kdlib.files import whole_folder, write_text
from kdlib.record.arrays import Arrays, Key, write_arrays
from kdlib.record.clinic_summary import clinic_summary
from kdlib.record.explorers import explorers
from kdlib.record.provenance import provenance
from kdlib.record.seed_tables import as_text
from kdlib.record.whole import LAST, write_last
from kdlib.scores.example import example_scan
from kdlib.study.plan import Planned, study_curves, study_findings, study_scores
from kdlib.study.run import Run
from kdlib.study.scenario import Scenario
from kdlib.study.store import Store
from kdlib.study.study import Study

Runs = list[tuple[Planned, Run]]


def export_study(study: Study, runs: Runs, store: Store, folder: Path) -> None:
    """Write the results of one or more seeds of a study into ``folder``.

    ``runs`` are those of the study in ``store``, on whose device the explorers' networks answer.

    - ``scores.csv``, ``curves.csv`` and ``findings.csv`` are described at ``study_scores``,
      ``study_curves`` and ``study_findings`` of ``kdlib.study.plan``, and ``teachers.csv`` at
      ``teacher_scores``. All are sorted by seed.
    - ``examples.npz`` holds one axial slice (x, y), uint8, of each tested subject:
      ``source/target/subject/flair`` (the head's range as 0 to 255), ``.../truth`` (labels) and
      ``.../<arm>`` (lesion probability as 0 to 255, of the lowest seed).
    - ``explorers.npz`` is described at ``explorers`` and at ``whole_scans``.
    - ``clinics.csv`` and ``clinics.npz`` are described at ``clinic_summary``.
    - ``provenance.json`` is described at ``kdlib.record.provenance``. It is written last. A folder
      without it is not finished.
    """
    clinics = store.clinics
    tables = {
        "scores.csv": study_scores(runs),
        "teachers.csv": teacher_scores(study, runs),
        "curves.csv": study_curves(runs),
        "findings.csv": study_findings(runs),
    }
    with whole_folder(folder, last=LAST) as new:
        for name, table in tables.items():
            write_text(new / name, as_text(table).to_csv(index=False))
        write_arrays(new / "examples.npz", _examples(study, runs, clinics))
        write_arrays(new / "explorers.npz", explorers(study, runs, store))
        _write_clinics(clinics, new)
        write_last(new, provenance(study, runs, clinics))


def _write_clinics(clinics: Clinics, folder: Path) -> None:
    """Write ``clinics.csv`` and ``clinics.npz``, as ``clinic_summary`` describes them."""
    table, arrays = clinic_summary(clinics)
    write_text(folder / "clinics.csv", table.to_csv(index=False))
    write_arrays(folder / "clinics.npz", arrays)


def teacher_scores(study: Study, runs: Runs) -> pd.DataFrame:
    """The scores of each source's plain teacher at home: on the source's own tested subjects.

    The plain teacher is the one that the study's recipe trains with the seed of its students.
    """
    plain = {
        (run.scenario.source, run.scenario.seed): run
        for item, done in runs
        for run in done.lineage
        if run.scenario == _plain_teacher(study, item.scenario)
    }
    if not plain:
        return pd.DataFrame(columns=["source", "seed", "subject"])
    frames = [run.scores.assign(source=source, seed=seed) for (source, seed), run in plain.items()]
    return pd.concat(frames, ignore_index=True)


def _plain_teacher(study: Study, student: Scenario) -> Scenario:
    home = {"source": student.source, "seed": student.seed}
    return study.scenario(method="supervised", **home).default_teacher()


def _examples(study: Study, runs: Runs, clinics: Clinics) -> Arrays:
    pictures: Arrays = {}
    shown = cache(_shown)  # each clinic is the target of several sources
    for item, done in runs:
        scenario = item.scenario
        if item.setting or scenario.seed != min(study.seeds):
            continue
        for subject, probability in done.slices.items():
            owner = (scenario.source, str(scenario.target), subject)
            if Key(owner, "truth") not in pictures:
                images = shown(clinics[str(scenario.target)].subject(subject))
                pictures |= {Key(owner, part): image for part, image in images.items()}
            pictures[Key(owner, item.arm)] = probability
    return pictures


def _shown(subject: Subject) -> dict[str, NDArray[np.uint8]]:
    return example_scan(subject.scan.read()[0], subject.labelled.read_labels())
