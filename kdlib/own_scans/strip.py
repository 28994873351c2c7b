"""Write a copy of a folder of scans without skulls, in its own layout: it is an ordinary folder."""

import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from kdlib.data.clinics import Clinics
from kdlib.data.formats import images_in, parts_of, stem
from kdlib.data.forms import AS_STORED
from kdlib.data.head import Mask
from kdlib.data.image_file import read_labels, write_volume
from kdlib.data.labels import Label
from kdlib.data.layouts import ANNOTATIONS
from kdlib.data.namesakes import refuse_one_file
from kdlib.data.subjects import Scan, Subject
from kdlib.data.volume import Volume
from kdlib.errors import DoubtWarning, InputError, printable
from kdlib.files import filled_folder
from kdlib.own_scans.check import Finding, refusal
from kdlib.own_scans.failures import ScanFailedError, costing_one_scan
from kdlib.own_scans.plausibility import doubts_of_brain, head_of
from kdlib.starter.brain import BRAIN, find_brain, stripped
from kdlib.unfinished import refuse_filled

# What lies beside scans and says more about them.
TABLES = ("participants.tsv", "participants.json", "dataset_description.json", "simulation.json")
LABELS = ("mask", "wmh")  # how the names of labels begin in folders that are not BIDS
SIMULATION = "simulation"  # a folder of the simulator beside a subject's labels
MUCH = 0.02  # of the lesions' voxels; if more lies outside the brain that was found, it is told
OnSubject = Callable[[int, int], None]


@dataclass(frozen=True)
class Stripped:
    """One scan whose skull was removed.

    Attributes:
        subject: the id of the subject.
        doubts: what is implausible in its brain, one sentence each.
    """

    subject: str
    doubts: tuple[str, ...]


def strip(
    clinics: Clinics,
    out: Path,
    on_subject: OnSubject | None = None,
    *,
    left_out: list[Finding] | None = None,
) -> list[Stripped]:
    """Write all scans of ``clinics`` into ``out`` with 0 outside the brain, and copy their labels.

    Folders and names of files stay, and so do the tables beside them. Labels are copied as they
    are, those of the challenge's other observers too. A FLAIR or a T1 that is no NIfTI file becomes
    one. A T1 on a grid of its own is left out, which is told. The copies come into ``out`` when all
    of them are made.

    Args:
        clinics: clinics of one folder.
        out: a new folder, or an empty one.
        on_subject: called with (done, total) after each subject.
        left_out: a scan that cannot be read, or has no brain, is added here, and the others go on.
            None: such a scan ends all.

    Raises:
        InputError: ``out`` has files, or is inside the folder; a scan cannot be read, or no brain
            is found in it, and it may not be left out, or none is left.
    """
    refuse_place(clinics, out)
    home, done = _home(clinics), list[Stripped]()
    subjects = [_below(home, subject) for subject in clinics.subjects]
    with filled_folder(out) as new:
        for number, subject in enumerate(subjects, start=1):
            try:
                done.append(_strip_one(subject, home, new))
            except ScanFailedError as error:
                why = f"{printable(subject.id)}: {error}"
                if left_out is None:
                    raise InputError(f"{why}; --skip-bad goes on without it") from error
                left_out.append(Finding(subject.scan.clinic, printable(subject.id), (why,)))
            if on_subject:
                on_subject(number, len(subjects))
        if not done:
            raise refusal("no scan could be stripped", left_out or [])
        _copy_beside(home, new, as_stored=all(s.scan.reading == AS_STORED for s in subjects))
    return done


def _copy_beside(home: Path, out: Path, *, as_stored: bool) -> None:
    """Copy what lies beside the scans: tables, and labels of other observers ``as_stored``."""
    for path in home.iterdir():
        if path.name.casefold() in TABLES and path.is_file():
            shutil.copyfile(path, out / path.name)
    if (home / ANNOTATIONS).is_dir():
        if as_stored:
            shutil.copytree(home / ANNOTATIONS, out / ANNOTATIONS)
        else:
            what = "left out, since they do not say how they are oriented"
            warnings.warn(f"{ANNOTATIONS}: {what}", DoubtWarning, stacklevel=2)


def refuse_place(clinics: Clinics, out: Path) -> None:
    """Raise ``InputError`` if ``out`` has files in it, or is inside the folder of the scans.

    So it does if two copies would be one file, on this disk or on another.
    """
    home = _home(clinics)
    whole = clinics.folder.is_dir()  # a single scan shares its folder with anything
    if whole and Path(os.path.realpath(out)).is_relative_to(os.path.realpath(home)):
        raise InputError(f"{out}: it is inside the folder of the scans; choose another place")
    refuse_filled(out)
    usable = [subject for subject in clinics.subjects if not subject.faults]
    refuse_one_file(
        (str(s.scan.flair.relative_to(home).with_name(s.id)) for s in usable), "rename one"
    )


def _home(clinics: Clinics) -> Path:
    return clinics.folder if clinics.folder.is_dir() else clinics.folder.parent


def _below(home: Path, subject: Subject) -> Subject:
    """The subject without files that do not lie in the folder that is copied."""
    t1, label = (
        path if path is not None and path.is_relative_to(home) else None
        for path in (subject.scan.t1, subject.label)
    )
    return replace(subject, scan=replace(subject.scan, t1=t1), label=label)


def _strip_one(subject: Subject, home: Path, out: Path) -> Stripped:
    scan = subject.scan
    with costing_one_scan(subject, reading=True):
        if subject.faults:
            raise InputError(subject.faults[0])
        images, doubts = _images(scan)
        brain = find_brain(images[0])
        inside = brain.array >= BRAIN
        if not inside.any():
            raise InputError(f"{scan.flair}: no brain was found in it")
        labels = None if subject.label is None else subject.labelled.labels_on(images[0])
    paths = [path for path in (scan.flair, scan.t1) if path is not None]
    for path, image in zip(paths, images, strict=False):  # a T1 may have been left out
        there = out / path.relative_to(home)
        copy = stripped(image, brain)
        if scan.reading != AS_STORED:  # the copy says itself where its voxels lie
            copy = replace(copy, forms=None)
        write_volume(there.with_name(f"{stem(path)}.nii.gz"), copy)
    mask = replace(brain, array=inside)
    doubts += doubts_of_brain(mask, head_of(images[0])[1])
    if labels is not None:
        doubts += _doubts_of_lesions(labels.array == Label.LESION, inside)
        doubts += _copy_labels(subject, images[0], home, out)
    return Stripped(subject.id, tuple(doubts))


def _images(scan: Scan) -> tuple[list[Volume], list[str]]:
    """The FLAIR, and the T1 if there is one on its grid. Else what is wrong with the T1."""
    if scan.t1 is None:
        return scan.read(), []
    try:
        return scan.read("flair+t1"), []
    except InputError as error:
        return scan.read(), [f"its T1 is left out: {error}"]


def _doubts_of_lesions(lesions: Mask, brain: Mask) -> Iterator[str]:
    outside = float((lesions & ~brain).sum() / max(lesions.sum(), 1))
    if outside > MUCH:
        yield f"{outside:.0%} of its lesions lie outside the brain; look at it"


def _copy_labels(subject: Subject, flair: Volume, home: Path, out: Path) -> list[str]:
    """Copy the labels, other labels beside them, and what the simulator knows of them.

    Returns what is left out, since its place is not clear and it has no labels.
    """
    assert subject.label is not None
    folder, left_out = subject.label.parent, []
    others = [p for p in images_in(folder) if stem(p).lower().startswith(LABELS)]
    for path in dict.fromkeys([subject.label, *others]):
        there = out / path.relative_to(home)
        there.parent.mkdir(parents=True, exist_ok=True)
        if subject.scan.reading == AS_STORED:
            for part in parts_of(path):
                shutil.copyfile(part, there.with_name(part.name))
            continue
        try:
            labels = read_labels(path, flair, subject.scan.reading, allow_empty=True)
        except InputError as error:
            if path == subject.label:
                raise
            left_out.append(f"{printable(path.name)} is left out: {error}")
            continue
        write_volume(there.with_name(f"{stem(path)}.nii.gz"), labels)
    if (folder / SIMULATION).is_dir():
        shutil.copytree(folder / SIMULATION, out / (folder / SIMULATION).relative_to(home))
    return left_out
