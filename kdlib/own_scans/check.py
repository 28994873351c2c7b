"""Check scans before anything is trained on them: what they hold, and what is wrong with them."""

import os
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kdlib.data.clinics import Clinic, Clinics
from kdlib.data.head import Mask
from kdlib.data.image_file import read_header, read_labels
from kdlib.data.namesakes import may_be_one, namesakes
from kdlib.data.patients import table_of_patients
from kdlib.data.slices import HEAD_SHARE, prepare
from kdlib.data.subjects import Subject, lesion_ml
from kdlib.data.volume import Volume
from kdlib.errors import DoubtWarning, InputError, printable
from kdlib.own_scans.plausibility import (
    doubts_of_mask,
    doubts_of_name,
    doubts_of_scan,
    head_of,
    unseen,
)
from kdlib.recipe import Preparation

OnSubject = Callable[[int, int], None]


@dataclass(frozen=True)
class Finding:
    """What a subject's files hold. A value is None if the files do not tell it.

    Attributes:
        clinic: the name of the clinic.
        subject: the id of the subject.
        problems: one line for each problem, with the file's name inside its folder. A subject with
            problems cannot be used.
        doubts: one line for each thing that looks wrong, but may be right. The subject can be used.
        notes: one line for each thing worth knowing.
        shape: voxels along the file's axes.
        voxel_mm: the edges of a voxel along the same axes.
        orientation: where these axes point, for example LPS: left, posterior, superior.
        labels: the labels that occur.
        lesion_ml: the volume of label 1 in mL.
        intensity: the lowest and the highest value of the FLAIR.
    """

    clinic: str
    subject: str
    problems: tuple[str, ...]
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    shape: tuple[int, int, int] | None = None
    voxel_mm: tuple[float, float, float] | None = None
    orientation: str | None = None
    labels: tuple[int, ...] | None = None
    lesion_ml: float | None = None
    intensity: tuple[float, float] | None = None


def examine(
    subject: Subject,
    folder: Path,
    *,
    inputs: str = "flair",
    needs_label: bool = False,
    learnt_as: Preparation | None = None,
    window: Preparation | None = None,
) -> Finding:
    """Read everything of a subject under ``folder`` that a run on ``inputs`` would read.

    ``needs_label`` makes a missing label a problem. ``learnt_as`` is how slices would be prepared:
    a scan that has no slice then is a problem too. A note says what share of the head lies outside
    the ``window``, or outside that of ``learnt_as``.
    """
    if subject.faults:
        return Finding(subject.scan.clinic, printable(subject.id), subject.faults)
    problems, doubts, notes = list[str](), list[str](), list[str]()
    header, flair, labels, scan, inside = None, None, None, None, None
    path, reading = subject.scan.flair, subject.scan.reading
    with _noted(problems):
        header = read_header(path, reading)
        flair = subject.scan.read()[0]
        scan, inside = head_of(flair)
        doubts += [f"{path}: {doubt}" for doubt in doubts_of_scan(scan, inside)]
        notes += [f"{path}: {note}" for note in doubts_of_name(path)]  # T2 may be a second time
        images = [flair] if inputs == "flair" else subject.scan.read(inputs)
        _refuse_headless(path, images, inside, learnt_as)
        if seen := learnt_as or window:
            notes += [f"{path}: {note}" for note in unseen(scan, inside, seen, learnt=True)]
    if subject.label is not None:
        with _noted(problems):
            labels = read_labels(subject.label, flair, reading, allow_empty=True)
            if scan is not None and inside is not None:
                found = doubts_of_mask(labels, scan, inside)
                doubts += [f"{subject.label}: {doubt}" for doubt in found]
    elif needs_label:
        problems.append(f"{path.parent}: there is no mask; {subject.mask_advice}")
    return Finding(
        subject.scan.clinic,
        subject.id,
        _relative_to(folder, problems),
        _relative_to(folder, doubts),
        _relative_to(folder, notes),
        shape=header.shape if header else None,
        voxel_mm=header.spacing_mm if header else None,
        orientation=header.orientation if header else None,
        labels=tuple(int(label) for label in np.unique(labels.array)) if labels else None,
        lesion_ml=round(lesion_ml(labels), 3) if labels else None,
        intensity=(float(flair.array.min()), float(flair.array.max())) if flair else None,
    )


def examine_all(
    parts: Sequence[Clinics],
    *,
    inputs: str = "flair",
    labelled: Collection[str] = (),
    learnt_as: Preparation | None = None,
    window: Preparation | None = None,
    on_subject: OnSubject | None = None,
) -> Iterator[tuple[Subject, Finding]]:
    """Examine every subject of all ``parts``.

    In the clinics named in ``labelled`` each studied subject (``Clinic.studied``) needs a label.
    The other arguments are as in ``examine``; ``learnt_as`` counts for studied subjects only.
    """
    subjects = [
        (clinics.homes[clinic.name], clinic, subject)
        for clinics in parts
        for clinic in clinics.values()
        for subject in clinic.subjects
    ]
    names = _notes_on_names(parts) if labelled or learnt_as or window else {}
    for done, (folder, clinic, subject) in enumerate(subjects, start=1):
        studied = clinic.is_studied(subject)
        found = examine(
            subject, folder, inputs=inputs, needs_label=studied and clinic.name in labelled,
            learnt_as=learnt_as if studied else None, window=window,
        )  # fmt: skip
        note = names.get((clinic.name, subject.id))
        yield subject, replace(found, notes=(note, *found.notes)) if note else found
        if on_subject:
            on_subject(done, len(subjects))


def _notes_on_names(parts: Sequence[Clinics]) -> dict[tuple[str, str], str]:
    """For some (clinic, subject), who may be the same patient. A clinic has one note at most."""
    notes = {}
    for clinics in parts:
        for clinic in clinics.values():
            named = bool(table_of_patients(clinics.homes[clinic.name]))
            if pairs := namesakes(clinic.subjects, by_time=not named):
                notes[clinic.name, pairs[0][0]] = may_be_one(pairs)
    return notes


def sound(
    parts: Sequence[Clinics],
    *,
    inputs: str = "flair",
    labelled: Collection[str] = (),
    learnt_as: Preparation | None = None,
    skip_bad: bool = False,
    or_none: bool = False,
    on_subject: OnSubject | None = None,
) -> tuple[list[Clinics], list[Finding]]:
    """The usable subjects of each part, and what was found about the others.

    The arguments are as in ``examine_all``. A doubt about a subject that is used is told as a
    ``DoubtWarning``; ``skip_bad`` leaves the subject out. Raises ``InputError``, with one line for
    each problem, if there is a problem and not ``skip_bad``, or if no part has a usable subject,
    unless ``skip_bad`` may leave ``or_none``.
    """
    examined = list(
        examine_all(
            parts, inputs=inputs, labelled=labelled, learnt_as=learnt_as, on_subject=on_subject
        )
    )
    bad = [f for _, f in examined if f.problems or (skip_bad and f.doubts)]
    out = {id(finding) for finding in bad}
    good = {id(subject) for subject, finding in examined if id(finding) not in out}
    kept = [_kept(clinics, good) for clinics in parts]
    if bad and not (skip_bad and (or_none or any(kept))):
        advice = "repair them or leave them out with --skip-bad" if any(kept) else "repair them"
        raise refusal(f"{len(bad)} of {len(examined)} subjects cannot be used; {advice}", bad)
    for _, finding in examined:
        if id(finding) not in out:
            for line in (*finding.doubts, *finding.notes):
                warnings.warn(line, DoubtWarning, stacklevel=2)
    return kept, bad


def refusal(what: str, findings: Iterable[Finding]) -> InputError:
    """An error that says ``what``, and then each problem on a line of its own."""
    return InputError("\n".join([f"{what}:", *problem_lines(findings)]))


def _kept(clinics: Clinics, good: Collection[int]) -> Clinics:
    subjects = {
        name: tuple(s for s in clinic.subjects if id(s) in good) for name, clinic in clinics.items()
    }
    kept = {name: Clinic(name, some) for name, some in subjects.items() if some}
    return Clinics(clinics.folder, kept, clinics.homes)


def problem_lines(findings: Iterable[Finding]) -> list[str]:
    """All problems and doubts, each on one line."""
    return [f"  {line}" for finding in findings for line in (*finding.problems, *finding.doubts)]


def _refuse_headless(
    path: Path, scan: Sequence[Volume], inside: Mask, learnt_as: Preparation | None
) -> None:
    if not inside.any():
        what = "there is no head in it, only 0 and one other value (a mask?)"
        raise InputError(f"{path}: {what}; give the scan itself")
    if learnt_as is not None and not prepare(scan, learnt_as).holds_head.any():
        window = "{} x {}".format(*learnt_as.size)
        raise InputError(
            f"{path}: there is nothing to learn from, because in every slice the head fills less "
            f"than {HEAD_SHARE:.0%} of the {window} voxels that the network sees; leave the scan "
            "out, or set a smaller size or voxel_mm"
        )


@contextmanager
def _noted(problems: list[str]) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        problems.append(str(error))


def _relative_to(folder: Path, lines: Iterable[str]) -> tuple[str, ...]:
    """The ``lines`` with the paths of files inside ``folder``, without the folder itself."""
    home = printable(folder if folder.is_dir() else folder.parent)
    name = printable(folder.resolve().name)
    return tuple(
        re.sub(rf"(?<!\S){re.escape(home + os.sep)}", "", printable(line)).replace(
            f"{home}: ", f"{name}: "
        )
        for line in lines
    )
