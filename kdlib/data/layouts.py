"""Layouts of folders, as subjects: the challenge's, BIDS, plain folders, or a single file."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from kdlib.data.subjects import Scan, Subject
from kdlib.errors import InputError

# The challenge's folders, 2022 layout (under training/ or test/) and 2017 layout (at the top).
FOLDERS = {
    "utrecht": ("Utrecht", "Utrecht"),
    "singapore": ("Singapore", "Singapore"),
    "amsterdam": ("Amsterdam/GE3T", "GE3T"),
    "amsterdam-ge1t5": ("Amsterdam/GE1T5", "GE1T5"),
    "amsterdam-philips": ("Amsterdam/Philips_VU .PETMR_01.", "Philips_VU .PETMR_01."),
}
SPLITS = ("training", "test")
ENDINGS = (".nii.gz", ".nii")
# Beside kdlib's own masks, which a folder of scans may hold too.
OWN_REPORT = "report.json"
# An id names files: a name can have 255 bytes, and the results' names have up to 30 more.
LONGEST_ID = 200
Found = dict[str, tuple[Subject, ...]]


def find_subjects(place: Path, name: str, observer: str | None = None) -> Found:
    """The subjects at ``place`` by clinic, in the first layout that fits.

    - the challenge's, of 2022 or 2017: its clinics by their names; ``observer`` ("o3" or "o4")
      takes that observer's annotations where there are some
    - BIDS: ``sub-*/[ses-*/]anat/*_FLAIR.nii.gz``, masks under ``derivatives/``: one clinic ``name``
    - plain: ``<subject>/FLAIR.nii.gz``, ``mask.nii.gz`` or ``wmh.nii.gz`` beside it (or the
      challenge's ``<subject>/pre/``): one clinic ``name``
    - one such subject's folder, or a single NIfTI file: one clinic ``name`` of one subject

    Files end in ``.nii.gz`` or ``.nii``. Nothing is read. What is wrong with a subject's files by
    name or place stands in its ``faults``. Raises ``InputError`` where no layout fits.
    """
    if place.is_file():
        root = Path(os.path.realpath(place)).parent  # Who names a link wants it followed.
        return {name: (_subject(root, name, _stem(place), [place]),)}
    if not place.is_dir():
        raise InputError(f"{place}: no such folder or file; check the path")
    try:
        found = _challenge(place, observer)
        if observer is not None and not found:
            raise InputError(f"{place}: observers have annotated the challenge's data alone")
        found = found or {name: tuple(_bids(place, name)) or tuple(_plain(place, name))}
    except OSError as error:
        raise InputError(f"{place}: cannot be searched ({error.strerror}); mend that") from error
    if not any(found.values()):
        raise InputError(
            f"{place}: no scans here (looked for training/Utrecht/<id>/pre/FLAIR.nii.gz and the "
            "like, sub-*/anat/*_FLAIR.nii.gz, and <subject>/FLAIR.nii.gz); make some with "
            "'kdlib simulate', or name another folder"
        )
    return {clinic: each_id_once(subjects) for clinic, subjects in found.items()}


def each_id_once(subjects: tuple[Subject, ...]) -> tuple[Subject, ...]:
    """The subjects, with a fault more where two have one id."""
    count = Counter(subject.id for subject in subjects)
    twice = "two subjects with this id; rename one"
    return tuple(
        replace(s, faults=(f"{printable(s.id)}: {twice}",)) if count[s.id] > 1 else s
        for s in subjects
    )


def _challenge(folder: Path, observer: str | None) -> Found:
    found = {}
    for clinic, (new, old) in FOLDERS.items():
        homes = [(split, folder / split / new) for split in SPLITS]
        homes += [("training", folder / home) for home in dict.fromkeys((new, old))]
        subjects = [
            _in_folder(folder, clinic, person, split)
            for split, home in homes
            for person in _people(home)
        ]
        if observer is not None:
            opinions = _annotations(folder, observer) / "training" / new
            subjects = [_as_seen_by(subject, opinions / subject.id) for subject in subjects]
        if subjects:
            found[clinic] = tuple(subjects)
    return found


def _annotations(folder: Path, observer: str) -> Path:
    home = folder / "additional_annotations"
    if not (home / f"observer_{observer}").is_dir():
        known = [path.name.removeprefix("observer_") for path in sorted(home.glob("observer_*"))]
        here = f"there are {', '.join(known)}" if known else "there are none: 'kdlib fetch' them"
        raise InputError(f"{folder}: no annotations by observer {observer!r}; {here}")
    return home / f"observer_{observer}"


def _as_seen_by(subject: Subject, opinion: Path) -> Subject:
    labels = _images(opinion, "result")
    return replace(subject, label=labels[0]) if labels else subject


def _bids(folder: Path, clinic: str) -> Iterator[Subject]:
    derived = [path for path in sorted(folder.glob("derivatives/**/sub-*.nii*")) if _entities(path)]
    for person in sorted(path for path in folder.glob("sub-*") if path.is_dir()):
        if why := _closed(folder, person):
            yield _unusable(clinic, person, why)
            continue
        for anatomy in sorted([*person.glob("anat"), *person.glob("ses-*/anat")]):
            yield from _bids_anatomy(folder, clinic, anatomy, derived)


def _bids_anatomy(
    folder: Path, clinic: str, anatomy: Path, derived: list[Path]
) -> Iterator[Subject]:
    files = [path for path in sorted(anatomy.glob("sub-*.nii*")) if _entities(path)]
    flairs = [path for path in files if _stem(path).endswith("_FLAIR")]
    if not flairs:
        yield _subject(folder, clinic, "_".join(anatomy.relative_to(folder).parts[:-1]), [])
    for flair in flairs:
        near = [path for path in derived if _belongs(path, flair)]
        t1s = [p for p in near if _stem(p).endswith("_T1w") and "FLAIR" in _stem(p)]
        t1s = t1s or [path for path in files if _stem(path).endswith("_T1w")]
        name = _stem(flair).removesuffix("_FLAIR")
        yield _subject(folder, clinic, name, [flair], _closest(t1s, flair), _lesion_masks(near))


def _entities(path: Path) -> dict[str, str]:
    """``sub-1_ses-2_FLAIR`` as {sub: 1, ses: 2}; empty where the name is not BIDS."""
    pairs = [part.partition("-") for part in _stem(path).split("_")[:-1]]
    valid = path.name.endswith(ENDINGS) and all(dash for _, dash, _ in pairs)
    return {key: value for key, _, value in pairs} if valid else {}


def _belongs(path: Path, flair: Path) -> bool:
    """Whether a file is of the same session as a FLAIR, and not of another run."""
    ours, theirs = _entities(flair), _entities(path)
    return all(theirs.get(key) == ours.get(key) for key in ("sub", "ses")) and all(
        theirs.get(key, ours.get(key)) == ours.get(key) for key in ("acq", "run")
    )


def _closest(t1s: list[Path], flair: Path) -> list[Path]:
    """Those whose names differ least from a FLAIR's: in nothing, or not in acquisition and run.

    Else all but those of another run; an acquisition's name may be of one kind of image alone.
    """
    ours = _entities(flair)
    same = [path for path in t1s if _entities(path) == ours]
    alike = [p for p in t1s if all(_entities(p).get(k) == ours.get(k) for k in ("acq", "run"))]
    others = [p for p in t1s if len({_entities(p).get("run"), ours.get("run")} - {None}) < 2]
    return same or alike or others


def _lesion_masks(derived: list[Path]) -> list[Path]:
    """Those that say lesion or WMH; else those that do not say of what they are."""
    masks = [path for path in derived if _stem(path).endswith(("_mask", "_dseg"))]
    named = [p for p in masks if any(word in p.name.lower() for word in ("lesion", "wmh"))]
    return named or [path for path in masks if not {"label", "desc"} & _entities(path).keys()]


def _plain(folder: Path, clinic: str) -> Iterator[Subject]:
    people = _people(folder)
    if _images(folder, "FLAIR") or _images(folder / "pre", "FLAIR"):
        people = [folder]
    for person in people:
        yield _in_folder(folder, clinic, person)


def _people(home: Path) -> list[Path]:
    """The folders that hold a NIfTI file, themselves or one level down, 2 before 10.

    And those that may hold one, but may not be read.
    """
    if not home.is_dir():
        return []
    folders = [
        path for path in home.iterdir()
        if path.is_dir() and path.name[0] != "." and not os.path.lexists(path / OWN_REPORT)
    ]  # fmt: skip
    people = [
        path for path in folders
        if any(path.glob("*.nii*")) or any(path.glob("*/*.nii*")) or _closed(home, path)
    ]  # fmt: skip
    return sorted(people, key=lambda path: _order(path.name))


def _in_folder(root: Path, clinic: str, person: Path, split: str = "training") -> Subject:
    if why := _closed(root, person):
        return _unusable(clinic, person, why, split)
    images = person / "pre" if (person / "pre").is_dir() else person
    return _subject(
        root, clinic, person.resolve().name if person == root else person.name,
        _images(images, "FLAIR"), _images(images, "T1"), _images(person, "wmh", "mask"),
        split=split, home=images,
    )  # fmt: skip


def _closed(root: Path, person: Path) -> str:
    """What to say of a person's folders where one may not be read; else nothing."""
    errors: list[OSError] = []
    for _ in os.walk(person, onerror=errors.append):
        pass
    names = [printable(Path(error.filename).relative_to(root)) for error in errors]
    return f"{names[0]}: no permission to read this folder; ask its owner" if names else ""


def _unusable(clinic: str, person: Path, why: str, split: str = "training") -> Subject:
    return Subject(Scan(clinic, person.name, person / "FLAIR.nii.gz"), None, split, (why,))


def _subject(
    root: Path, clinic: str, name: str, flairs: list[Path], t1s: Iterable[Path] = (),
    labels: Iterable[Path] = (), split: str = "training", home: Path | None = None,
) -> Subject:  # fmt: skip
    """A subject of the files that may be its own, and what is wrong with them."""
    t1s, labels, home = list(t1s), list(labels), home or root / name
    where = printable(home.relative_to(root) if home != root else name)
    faults = [] if flairs else [f"{where}: no FLAIR.nii.gz here; add it or leave the folder out"]
    for kind, files in (("FLAIR", flairs), ("mask", labels)):
        if len(files) > 1:
            names = printable(" and ".join(file.name for file in files))
            faults.append(f"{where}: {len(files)} files for one {kind} ({names}); keep one")
    if not name.isprintable() or len(name.encode(errors="replace")) > LONGEST_ID:
        faults.append(f"{where[:80]}: a name too long or with unprintable letters; rename it")
    t1 = t1s[0] if len(t1s) == 1 else None  # Of several none is known to be the one to read.
    used = [*flairs[:1], *([t1] if t1 else []), *labels[:1]]
    base = os.path.realpath(root)
    for file in used:
        if not Path(os.path.realpath(file)).is_relative_to(base):
            what = "a link out of the folder; copy the file itself here"
            faults.append(f"{printable(file.relative_to(root))}: {what}")
    doubt = () if t1 else tuple(path.name for path in t1s)
    scan = Scan(clinic, name, flairs[0] if flairs else home / "FLAIR.nii.gz", t1, doubt)
    return Subject(scan, labels[0] if labels else None, split, tuple(faults))


def _images(folder: Path, *stems: str) -> list[Path]:
    """The NIfTI files of these names, links that lead nowhere among them."""
    paths = [folder / f"{stem}{ending}" for stem in stems for ending in ENDINGS]
    return [path for path in paths if os.path.lexists(path)]


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".nii")


def printable(text: object) -> str:
    """``text`` as one line that a terminal can show."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))


def _order(name: str) -> tuple[int, str]:
    """Sort 2 before 10."""
    return (int(name), "") if name.isdecimal() else (10**9, name)
