"""Score a study's finished networks once more, against other masks of the same scans."""

from pathlib import Path

import pandas as pd

from kdlib.data.clinics import Clinics
from kdlib.data.formats import stem
from kdlib.data.subject_files import with_labels
from kdlib.data.subjects import Subject
from kdlib.errors import InputError
from kdlib.study.outcome import scored
from kdlib.study.plan import PLACE, Planned, place_of_run
from kdlib.study.run import Run
from kdlib.training import choose_device


def scores_against(
    runs: list[tuple[Planned, Run]], clinics: Clinics, name: str, device: str = "auto"
) -> pd.DataFrame:
    """The scores of a study as ``study_scores`` gives them, but against masks called ``name``.

    These lie beside the masks of the study. Subjects without such a mask have no row, nor have
    sweeps. Every network answers again, and nothing is trained.

    Raises:
        InputError: no tested subject has such a mask, or it cannot be read.
    """
    frames = []
    for item, run in runs:
        subjects = _with_labels(item, run, clinics, name)
        if subjects and not item.setting:
            network = run.network(choose_device(device))
            table = scored(network, subjects, run.scenario)[0].drop(columns="clinic")
            frames.append(table.assign(**place_of_run(item)))
    if not frames:
        what = f"no tested subject has {name} beside its mask"
        raise InputError(f"--labels {name}: {what}; check the name of the file")
    table = pd.concat(frames, ignore_index=True).drop(columns=["setting", "value"])
    first = [*(column for column in PLACE if column in table), "subject"]
    return table[[*first, *(column for column in table if column not in first)]]


def _with_labels(item: Planned, run: Run, clinics: Clinics, name: str) -> tuple[Subject, ...]:
    target = clinics[str(item.scenario.target)]
    tested = [target.subject(subject) for subject in run.scores["subject"]]
    others = [with_labels(subject, stem(Path(name))) for subject in tested]
    return tuple(subject for subject in others if subject is not None)
