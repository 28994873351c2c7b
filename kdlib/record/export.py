"""Write what a study's runs say into small files, which the report and the book read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdlib.data.box import grey
from kdlib.data.clinics import Clinics, Subject
from kdlib.data.volume import to_lps
from kdlib.files import write_text
from kdlib.record.arrays import Arrays, Key, write_arrays
from kdlib.record.clinic_summary import clinic_summary
from kdlib.record.explorers import explorers
from kdlib.scores.scoring import example_slice
from kdlib.study.plan import Planned, study_scores
from kdlib.study.run import Run
from kdlib.study.study import Study

Runs = list[tuple[Planned, Run]]


def export_study(study: Study, runs: Runs, clinics: Clinics, folder: Path) -> None:
    """Write the results of a study into ``folder``.

    - ``scores.csv`` is described at ``kdlib.study.plan.study_scores``, and ``teachers.csv`` at
      ``teacher_scores``.
    - ``examples.npz`` holds one axial slice (x, y), uint8, of each tested subject:
      ``source/target/subject/flair`` (the head's range as 0 to 255), ``.../truth`` (labels) and
      ``.../<arm>`` (lesion probability as 0 to 255, of the first seed).
    - ``explorers.npz`` is described at ``explorers``.
    - ``clinics.csv`` and ``clinics.npz`` are described at ``clinic_summary``.
    - ``provenance.json`` is written last. A folder without it is not finished.
    """
    (folder / "provenance.json").unlink(missing_ok=True)
    write_text(folder / "scores.csv", study_scores(runs).round(6).to_csv(index=False))
    write_text(folder / "teachers.csv", teacher_scores(runs).round(6).to_csv(index=False))
    write_arrays(folder / "examples.npz", _examples(study, runs, clinics))
    write_arrays(folder / "explorers.npz", explorers(study, runs, clinics))
    _write_clinics(clinics, folder)
    write_text(folder / "provenance.json", json.dumps(_provenance(study, runs), indent=1))


def _write_clinics(clinics: Clinics, folder: Path) -> None:
    """Write ``clinics.csv`` and ``clinics.npz``, as ``clinic_summary`` describes them."""
    table, arrays = clinic_summary(clinics)
    write_text(folder / "clinics.csv", table.to_csv(index=False))
    write_arrays(folder / "clinics.npz", arrays)


def teacher_scores(runs: Runs) -> pd.DataFrame:
    """The scores of each source's teacher at home: on the source's own tested subjects."""
    teachers = {done.teacher.directory: done.teacher for _, done in runs if done.teacher}
    frames = [
        run.scores.assign(source=run.scenario.source, seed=run.scenario.seed)
        for run in teachers.values()
        if run.scenario.target is None
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _examples(study: Study, runs: Runs, clinics: Clinics) -> Arrays:
    pictures: Arrays = {}
    for item, done in runs:
        scenario = item.scenario
        if item.setting or scenario.seed != study.seeds[0]:
            continue
        for subject, probability in done.slices.items():
            owner = (scenario.source, str(scenario.target), subject)
            if Key(owner, "truth") not in pictures:
                flair, truth = _shown(clinics[str(scenario.target)].subject(subject))
                pictures |= {Key(owner, "flair"): flair, Key(owner, "truth"): truth}
            pictures[Key(owner, item.arm)] = probability
    return pictures


def _shown(subject: Subject) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The example slice of a subject's FLAIR and labels."""
    truth = subject.labelled.read_labels()
    place = example_slice(truth)
    flair = to_lps(subject.scan.read()[0]).array
    labels = to_lps(truth).array[:, :, place].astype(np.uint8)
    return grey(flair, flair > 0)[:, :, place], labels


def _provenance(study: Study, runs: Runs) -> dict[str, Any]:
    made = {done.directory: done for _, done in runs}
    made |= {done.teacher.directory: done.teacher for _, done in runs if done.teacher}
    return {
        "study": study.model_dump(mode="json"),
        "seconds": round(sum(run.provenance["seconds"] for run in made.values()), 1),
        "runs": [
            {"run": directory.name, **run.provenance} for directory, run in sorted(made.items())
        ],
    }
