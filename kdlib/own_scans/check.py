"""Check scans before anything is trained on them: what they hold, and what is wrong with them."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kdlib.data.clinics import Clinic, Clinics
from kdlib.data.head import foreground
from kdlib.data.slices import HEAD_SHARE, prepare
from kdlib.data.subjects import Subject, lesion_ml
from kdlib.data.volume import Volume, read_header, read_labels
from kdlib.errors import InputError, printable
from kdlib.recipe import Preparation

OnSubject = Callable[[int, int], None]


@dataclass(frozen=True)
class Finding:
    """What a subject's files hold. A value is None if the files do not tell it.

    Attributes:
        clinic: the name of the clinic.
        subject: the id of the subject.
        problems: one line for each problem, with the file's name inside its folder.
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
) -> Finding:
    """Read everything of a subject under ``folder`` that a run on ``inputs`` would read.

    ``needs_label`` makes a missing label a problem. ``learnt_as`` is how slices would be prepared:
    a scan that has no slice then is a problem too.
    """
    if subject.faults:
        return Finding(subject.scan.clinic, printable(subject.id), subject.faults)
    problems: list[str] = []
    header, flair, labels = None, None, None
    with _noted(problems):
        header = read_header(subject.scan.flair, subject.scan.reading)
        scan = subject.scan.read(inputs)
        flair = scan[0]
        _refuse_headless(subject.scan.flair, scan, learnt_as)
    if subject.label is not None:
        with _noted(problems):
            labels = read_labels(subject.label, flair, subject.scan.reading, allow_empty=True)
    elif needs_label:
        problems.append(
            f"{subject.scan.flair.parent}: there is no mask; add mask.nii.gz or wmh.nii.gz"
        )
    lines = tuple(_relative_to(folder, problem) for problem in problems)
    return Finding(
        subject.scan.clinic,
        subject.id,
        lines,
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
    on_subject: OnSubject | None = None,
) -> Iterator[tuple[Subject, Finding]]:
    """Examine every subject of all ``parts``.

    In the clinics named in ``labelled`` each studied subject (``Clinic.studied``) needs a label.
    ``inputs`` and ``learnt_as`` are as in ``examine``; the second counts for studied subjects only.
    """
    subjects = [
        (clinics.folder, clinic, subject)
        for clinics in parts
        for clinic in clinics.values()
        for subject in clinic.subjects
    ]
    for done, (folder, clinic, subject) in enumerate(subjects, start=1):
        studied = subject in clinic.studied
        yield subject, examine(
            subject, folder, inputs=inputs, needs_label=studied and clinic.name in labelled,
            learnt_as=learnt_as if studied else None,
        )  # fmt: skip
        if on_subject:
            on_subject(done, len(subjects))


def sound(
    parts: Sequence[Clinics],
    *,
    inputs: str = "flair",
    labelled: Collection[str] = (),
    learnt_as: Preparation | None = None,
    skip_bad: bool = False,
    on_subject: OnSubject | None = None,
) -> tuple[list[Clinics], list[Finding]]:
    """The usable subjects of each part, and what was found about the others.

    The arguments are as in ``examine_all``. Raises ``InputError``, with one line for each problem,
    if there is a problem and not ``skip_bad``, or if no part has a usable subject.
    """
    examined = list(
        examine_all(
            parts, inputs=inputs, labelled=labelled, learnt_as=learnt_as, on_subject=on_subject
        )
    )
    bad = [finding for _, finding in examined if finding.problems]
    good = {id(subject) for subject, finding in examined if not finding.problems}
    kept = [_kept(clinics, good) for clinics in parts]
    if bad and not (skip_bad and any(kept)):
        advice = "repair them or leave them out with --skip-bad" if any(kept) else "repair them"
        raise refusal(f"{len(bad)} of {len(examined)} subjects cannot be used; {advice}", bad)
    return kept, bad


def refusal(what: str, findings: Iterable[Finding]) -> InputError:
    """An error that says ``what``, and then each problem on a line of its own."""
    return InputError("\n".join([f"{what}:", *problem_lines(findings)]))


def _kept(clinics: Clinics, good: Collection[int]) -> Clinics:
    subjects = {
        name: tuple(s for s in clinic.subjects if id(s) in good) for name, clinic in clinics.items()
    }
    return Clinics(clinics.folder, {k: Clinic(k, v) for k, v in subjects.items() if v})


def problem_lines(findings: Iterable[Finding]) -> list[str]:
    """All problems, each on one line."""
    return [f"  {problem}" for finding in findings for problem in finding.problems]


def _refuse_headless(path: Path, scan: Sequence[Volume], learnt_as: Preparation | None) -> None:
    if not foreground(scan[0].array).any():
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


def _relative_to(folder: Path, problem: str) -> str:
    """``problem`` with the paths of files inside ``folder``, without the folder itself."""
    home = printable(folder if folder.is_dir() else folder.parent)
    name = printable(folder.resolve().name)
    return printable(problem).replace(f"{home}{os.sep}", "").replace(f"{home}: ", f"{name}: ")
