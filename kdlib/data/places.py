"""Folders of clinics as a user names them, and several of them as one set of clinics."""

import hashlib
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from kdlib.data.patients import table_of_patients
from kdlib.data.subjects import Subject
from kdlib.errors import DoubtWarning, InputError, printable

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
POOLED = "all"  # stands in tables for all pairs of clinics together
# Names that many folders count their patients by. It says nothing if two folders share them.
COUNTED = re.compile(r"(sub-)?\d{1,3}")
Subjects = Mapping[str, tuple[Subject, ...]]  # by the names of the clinics


class Place(NamedTuple):
    """A folder of scans, and what its clinic is called; None if the user did not say it."""

    folder: Path
    name: str | None

    def __str__(self) -> str:
        """The text that ``place_of`` reads."""
        return str(self.folder) if self.name is None else f"{self.folder}:{self.name}"

    def absolute(self) -> "Place":
        """The same folder for a process that stands elsewhere."""
        return Place(self.folder.absolute(), self.name)


def place_of(text: Path | str) -> Place:
    r"""Read ``FOLDER`` or ``FOLDER:NAME``.

    A ``Path``, and a text that is the path of a folder or a file as it stands, has no name in it,
    though it may have a colon. What follows the last colon is no name either if it has a slash:
    ``C:\scans`` is a folder.

    Raises:
        InputError: the name has other letters than clinics may have, or means all pairs.
    """
    whole = Path(text)
    folder, colon, name = str(text).rpartition(":")
    if isinstance(text, Path) or not colon or "/" in name or "\\" in name or whole.exists():
        return Place(whole, None)
    if not folder or not NAME.fullmatch(name) or name.lower() == POOLED:
        rule = f"letters, digits and . _ -, and another word than {POOLED!r}"
        what = f"{printable(name)!r} cannot be the name of a clinic"
        raise InputError(f"{printable(text)}: {what}; write FOLDER:NAME, with {rule}")
    return Place(Path(folder), name)


def check_names(place: Place, found: Subjects) -> None:
    """Refuse a name for a folder that says itself what its clinics are called."""
    if place.name is not None and set(found) != {place.name}:
        known = ", ".join(found)
        what = f"its folders say what its clinics are called ({known}); leave out :{place.name}"
        raise InputError(f"{place.folder}: {what}")


def check_together(places: Sequence[Place], found: Sequence[Subjects]) -> None:
    """Refuse a clinic or a patient that is in two folders, and tell what looks like one.

    The same patient is known by the same scan, and by the same name in the column ``patient`` of
    both folders' ``participants.tsv``.

    Raises:
        InputError: a clinic, a scan or a patient is in two folders. One line says which.
    """
    for (one, first), (other, second) in combinations(zip(places, found, strict=True), 2):
        for clinic in first.keys() & second.keys():
            way = "keep one of them" if other.name is None and len(second) > 1 else (
                f"give it another name, as in --data {other.folder}:{clinic}2"
            )  # fmt: skip
            what = f"it has a clinic {clinic!r}, and {one.folder} has one too"
            raise InputError(f"{other.folder}: {what}; {way}")
    check_people(places, found)


def check_people(places: Sequence[Place], found: Sequence[Subjects]) -> None:
    """Refuse a patient who is in two folders, and tell who looks like one, as above.

    Raises:
        InputError: a scan or a patient is in two folders. One line says which.
    """
    _refuse_shared_scans(places, found)
    for (one, first), (other, second) in combinations(zip(places, found, strict=True), 2):
        _refuse_shared_patients(one, first, other, second)


def _all(found: Subjects) -> list[Subject]:
    return [subject for subjects in found.values() for subject in subjects]


def _refuse_shared_scans(places: Sequence[Place], found: Sequence[Subjects]) -> None:
    """Refuse a FLAIR whose bytes are in two folders. Only files of one size are read for it."""
    alike = defaultdict[int, list[tuple[Place, Subject]]](list)
    for place, part in zip(places, found, strict=True):
        for subject in _all(part):
            if not subject.faults and subject.scan.flair.is_file():
                alike[subject.scan.flair.stat().st_size].append((place, subject))
    for group in alike.values():
        seen: dict[str, tuple[Place, Subject]] = {}
        for place, subject in group if len({place for place, _ in group}) > 1 else ():
            one, first = seen.setdefault(_digest(subject.scan.flair), (place, subject))
            if one != place:
                ours, theirs = _within(place, subject), _within(one, first)
                what = f"{ours} is the same scan as {theirs} in {one.folder}"
                raise InputError(f"{place.folder}: {what}; remove it from one of the two folders")


def _refuse_shared_patients(one: Place, first: Subjects, other: Place, second: Subjects) -> None:
    tables = [table_of_patients(place.folder) for place in (one, other)]
    shared = {s.patient for s in _all(first)} & {s.patient for s in _all(second)}
    shared = {name for name in shared if not COUNTED.fullmatch(name) or all(tables)}
    if not shared:
        return
    whose = f"{_listed(shared)} in {one.folder} too"
    advice = "remove the scans from one of the two folders"
    if all(tables):
        raise InputError(f"{other.folder}: there is the patient {whose}; {advice}")
    doubt = f"{other.folder}: there is a patient called {whose}; if it is one person, {advice}"
    warnings.warn(doubt, DoubtWarning, stacklevel=5)


def _listed(names: Iterable[str]) -> str:
    first, *more = sorted(map(printable, names))
    return first + (f" (and {len(more)} more)" if more else "")


def _within(place: Place, subject: Subject) -> str:
    path = subject.scan.flair
    inside = path.is_relative_to(place.folder) and path != place.folder
    return printable(path.relative_to(place.folder) if inside else path.name)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
