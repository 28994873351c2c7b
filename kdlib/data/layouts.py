"""Find subjects in a folder in the challenge's layout, BIDS or plain folders, or in one file."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from kdlib.data.bids import bids_subjects, refuse_participant
from kdlib.data.formats import ending, holds_a_scan, images_in, is_own_result, stem
from kdlib.data.subject_files import (
    closed,
    flairs_like,
    images_named,
    is_folder,
    is_no_patient,
    loose_images,
    subject_of,
    unusable,
)
from kdlib.data.subjects import Subject
from kdlib.errors import InputError, printable

# The challenge's folders, 2022 layout (under training/ or test/) and 2017 layout (at the top).
FOLDERS = {
    "utrecht": ("Utrecht", "Utrecht"),
    "singapore": ("Singapore", "Singapore"),
    "amsterdam": ("Amsterdam/GE3T", "GE3T"),
    "amsterdam-ge1t5": ("Amsterdam/GE1T5", "GE1T5"),
    "amsterdam-philips": ("Amsterdam/Philips_VU .PETMR_01.", "Philips_VU .PETMR_01."),
}
# The control clinics, which the simulator alone makes, lie beside them in the same layout.
CONTROL_FOLDERS = {
    "utrecht-again": "Utrecht-again",
    "utrecht-bent-mildly": "Utrecht-bent-mildly",
    "utrecht-bent": "Utrecht-bent",
}
# So do the clinics of which one part of the shift is turned, and a clinic with more people.
DIAL_FOLDERS = {
    f"utrecht~{dial}{level}": f"Utrecht~{dial}{level}"
    for dial in ("contrast", "sharpness", "noise", "view", "population", "reader")
    for level in (1, 2)
}
LARGE_FOLDERS = {"singapore-large": "Singapore-large"}
MADE_FOLDERS = CONTROL_FOLDERS | DIAL_FOLDERS | LARGE_FOLDERS
OPTIONS = {"controls": CONTROL_FOLDERS, "dials": DIAL_FOLDERS, "large": LARGE_FOLDERS}
SPLITS = ("training", "test")
ANNOTATIONS = "additional_annotations"
Found = dict[str, tuple[Subject, ...]]


def find_subjects(place: Path, name: str, observer: str | None = None) -> Found:
    """Find the subjects at ``place``, for each clinic. The first layout that fits is taken.

    - The challenge's, of 2022 or 2017: it gives several clinics with their names. ``observer``
      ("o3" or "o4") takes the annotations of this observer where there are any.
    - BIDS: ``sub-*/[ses-*/]anat/*_FLAIR.nii.gz``, with masks under ``derivatives/``.
    - Plain: ``<subject>/FLAIR.nii.gz``, with ``mask.nii.gz`` or ``wmh.nii.gz`` beside it. The
      challenge's ``<subject>/pre/`` works too, and so does the only image whose name holds the word
      FLAIR. Every folder is a subject, but for hidden folders, those that BIDS has beside the
      subjects, and those that kdlib filled.
    - The folder of one such subject, or a single image. An image called FLAIR is named by its
      folder.

    All layouts but the first give one clinic, called ``name``. Files end as ``formats.ENDINGS``
    says, in upper or lower case. No image is read. If a file is missing or has a wrong name,
    format or place, its subject's ``faults`` say so. So nobody vanishes.
    Raises ``InputError`` if no layout fits.
    """
    if place.is_file():
        return {name: (_single(place, name),)}
    shown = printable(place)
    if not place.is_dir():
        raise InputError(f"{shown}: no such folder or file; check the path")
    try:
        refuse_participant(place)
        found = _challenge(place, observer)
        if observer is not None and not found:
            raise InputError(f"{shown}: only the challenge's data has observers; name none")
        found = found or {
            name: tuple(bids_subjects(place, name)) or tuple(_plain_subjects(place, name))
        }
    except OSError as error:
        advice = "check its permissions and the disk"
        raise InputError(f"{shown}: cannot be searched ({error.strerror}); {advice}") from error
    if not any(found.values()):
        raise InputError(printable(f"{place}: {_why_no_scans(place)}"))
    return {clinic: each_id_once(subjects) for clinic, subjects in found.items()}


def _single(place: Path, clinic: str) -> Subject:
    """The subject of a single image.

    FLAIR is nobody's name, so its folder tells whose it is, and has its T1 and its mask. Those are
    left alone if it is not clear which they are.
    """
    root = Path(os.path.realpath(place)).parent  # A link that the user names is followed.
    if is_own_result(place):
        what = f"{printable(place.name)}: this is a result of kdlib; name a scan"
        return unusable(clinic, root / place.name, what)
    name = stem(place)
    if name.lower() != "flair":
        return subject_of(root, clinic, name, [place], home=root / place.name)
    homes = [
        home for home in Path(os.path.normpath(place.absolute())).parents if home.name != "pre"
    ]
    subject = subject_of(root, clinic, homes[0].name or name, [place], home=root / place.name)
    if place.is_symlink():  # what lies beside it need not belong to it
        return subject
    folder = place.parent
    person = folder.parent if folder.name == "pre" else folder
    t1 = _only_one(images_named(folder, "T1"))
    label = _only_one(images_named(person, "wmh", "mask"))
    return replace(subject, scan=replace(subject.scan, t1=t1), label=label)


def _only_one(images: list[Path]) -> Path | None:
    return images[0] if len(images) == 1 and not images[0].is_symlink() else None


def _why_no_scans(folder: Path) -> str:
    images = [path for path in images_in(folder) if not is_own_result(path)]
    if images:
        return (
            "here are images without folders that say whose they are; name the images, such as "
            f"'kdlib predict {folder}/*{ending(images[0])}', or give each person a folder with a "
            "FLAIR.nii.gz"
        )
    return (
        "there are no scans here (looked for <subject>/FLAIR.nii.gz, sub-*/anat/*_FLAIR.nii.gz and "
        "training/Utrecht/<subject>/pre/FLAIR.nii.gz); name another folder, or make scans with "
        "'kdlib simulate'"
    )


def each_id_once(subjects: tuple[Subject, ...]) -> tuple[Subject, ...]:
    """The same subjects. Subjects that share an id get a fault that says so."""
    count = Counter(subject.id for subject in subjects)
    twice = "two subjects have this id; rename one"
    return tuple(
        replace(s, faults=(f"{printable(s.id)}: {twice}",)) if count[s.id] > 1 else s
        for s in subjects
    )


def _challenge(folder: Path, observer: str | None) -> Found:
    found = {}
    made = {name: (home, home) for name, home in MADE_FOLDERS.items()}
    for clinic, (new, old) in (FOLDERS | made).items():
        homes = [(split, folder / split / new) for split in SPLITS]
        homes += [("training", folder / home) for home in dict.fromkeys((new, old))]
        subjects = [s for split, home in homes for s in _of_split(folder, clinic, home, split)]
        if observer is not None:
            opinions = _annotations(folder, observer) / "training" / new
            subjects = [_as_seen_by(subject, opinions / subject.id) for subject in subjects]
        if subjects:
            found[clinic] = tuple(subjects)
    return found | _strangers(folder) if found else found


def _of_split(folder: Path, clinic: str, home: Path, split: str) -> Iterator[Subject]:
    people = _people(home)
    yield from (_in_folder(folder, clinic, person, split=split) for person in people)
    yield from loose_images(home, clinic, split) if people else ()


def _strangers(folder: Path) -> Found:
    """Folders with scans beside the challenge's clinics, which nobody would find."""
    homes = {path for pair in FOLDERS.values() for path in pair} | set(MADE_FOLDERS.values())
    homes |= {f"{split}/{home}" for split in SPLITS for home in homes}
    known = homes | {str(parent) for home in homes for parent in Path(home).parents}
    strange: Found = {}
    for parent in sorted(path for path in known - homes if (folder / path).is_dir()):
        for path in sorted((folder / parent).iterdir()):
            place = str(path.relative_to(folder))
            if place in known | {ANNOTATIONS} or not path.is_dir() or is_no_patient(path):
                continue
            if holds_a_scan(path):
                what = "there are scans in it, but it is no clinic of the challenge"
                why = f"{printable(place)}: {what}; move it away, and name it in a call of its own"
                clinic = f"unknown: {place}"
                strange[clinic] = (unusable(clinic, path, why),)
    return strange


def _annotations(folder: Path, observer: str) -> Path:
    home = folder / ANNOTATIONS
    if not (home / f"observer_{observer}").is_dir():
        known = [path.name.removeprefix("observer_") for path in sorted(home.glob("observer_*"))]
        here = f"it has {', '.join(known)}" if known else "it has none; 'kdlib fetch' brings them"
        raise InputError(f"{printable(folder)}: no annotations by observer {observer!r}; {here}")
    return home / f"observer_{observer}"


def _as_seen_by(subject: Subject, opinion: Path) -> Subject:
    labels = images_named(opinion, "result")
    return replace(subject, label=labels[0]) if labels else subject


def _plain_subjects(folder: Path, clinic: str) -> Iterator[Subject]:
    alone = images_named(folder, "FLAIR") or images_named(folder / "pre", "FLAIR")
    if alone:
        yield _in_folder(folder, clinic, folder)
    people = _people(folder)
    # Beside the scan of one subject there may be folders of other files.
    for person in [person for person in people if not alone or _has_a_flair(person)]:
        yield _in_folder(folder, clinic, person, or_like_it=True)
    yield from loose_images(folder, clinic) if people and not alone else ()


def _has_a_flair(person: Path) -> bool:
    return person.name not in ("pre", "orig") and bool(
        images_named(person, "FLAIR") or images_named(person / "pre", "FLAIR")
    )


def _people(home: Path) -> list[Path]:
    """The folders of patients, with 2 before 10. There are none unless one of them has an image."""
    if not home.is_dir():
        return []
    people = [path for path in home.iterdir() if is_folder(path) and not is_no_patient(path)]
    if not any(closed(home, path) or holds_a_scan(path) for path in people):
        return []
    return sorted(people, key=lambda path: _order(path.name))


def _in_folder(
    root: Path, clinic: str, person: Path, *, split: str = "training", or_like_it: bool = False
) -> Subject:
    """The subject in a folder. Its FLAIR may be called so, ``or_like_it`` if none is."""
    if why := closed(root, person):
        return unusable(clinic, person, why, split)
    images = person / "pre" if (person / "pre").is_dir() else person
    flairs = images_named(images, "FLAIR") or (flairs_like(images) if or_like_it else [])
    return subject_of(
        root, clinic, person.resolve().name if person == root else person.name,
        flairs, images_named(images, "T1"),
        images_named(person, "wmh", "mask"), split=split, home=images,
    )  # fmt: skip


def _order(name: str) -> tuple[int, str]:
    """A key that sorts 2 before 10."""
    return (int(name), "") if name.isdecimal() else (10**9, name)
