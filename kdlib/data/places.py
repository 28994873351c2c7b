"""Folders of clinics as a user names them, and several of them as one set of clinics."""

import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from kdlib.data.apart import Group, check_apart
from kdlib.data.namesakes import as_file
from kdlib.data.subjects import Subject
from kdlib.errors import InputError, printable

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
POOLED = "all"  # stands in tables for all pairs of clinics together
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
        raise InputError(f"{printable(place.folder)}: {what}")


def check_together(places: Sequence[Place], found: Sequence[Subjects]) -> None:
    """Refuse a clinic or a patient that is in two folders, and tell what looks like one.

    Raises:
        InputError: a clinic, a scan or a patient is in two folders. One line says which.
    """
    for (one, first), (other, second) in combinations(zip(places, found, strict=True), 2):
        known = {as_file(clinic): clinic for clinic in first}
        for clinic in second:
            if (same := known.get(as_file(clinic))) is None:
                continue
            way = "keep one of them" if other.name is None and len(second) > 1 else (
                f"give it another name, as in --data {other.folder}:{clinic}2"
            )  # fmt: skip
            whose = "one too" if same == clinic else f"a clinic {same!r}"
            what = f"it has a clinic {clinic!r}, and {one.folder} has {whose}"
            raise InputError(printable(f"{other.folder}: {what}; {way}"))
    check_apart(
        [
            Group(place.folder, [subject for some in part.values() for subject in some])
            for place, part in zip(places, found, strict=True)
        ]
    )
