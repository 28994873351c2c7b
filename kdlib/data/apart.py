"""Nobody is in two groups of scans of which one is learnt from and the other is tested on."""

import hashlib
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from kdlib.data.patients import table_of_patients
from kdlib.data.subjects import Subject
from kdlib.errors import DoubtWarning, InputError, printable

# Names that many clinics count their patients by. It says nothing if two groups share them.
COUNTED = re.compile(r"(sub-)?\d{1,3}")


class Group(NamedTuple):
    """Scans that are kept apart from others: those of a folder, or of one clinic in it."""

    folder: Path
    subjects: Sequence[Subject]
    clinic: str = ""

    def __str__(self) -> str:
        """What an error calls it."""
        return f"{self.folder} ({self.clinic})" if self.clinic else str(self.folder)

    @property
    def kind(self) -> str:
        """What two such groups are."""
        return "clinics" if self.clinic else "folders"


def check_apart(groups: Sequence[Group]) -> None:
    """Refuse a patient who is in two groups, and tell who looks like one.

    The same patient is known by the same scan, and by the same name in the column ``patient`` of
    ``participants.tsv``, in the folders of both. Other names that tell a person are a doubt.

    Raises:
        InputError: a scan or a patient is in two groups. One line says which.
    """
    _refuse_shared_scans(groups)
    for one, other in combinations(groups, 2):
        _refuse_shared_patients(one, other)


def _refuse_shared_scans(groups: Sequence[Group]) -> None:
    """Refuse a FLAIR whose bytes are in two groups. Only files of one size are read for it."""
    alike = defaultdict[int, list[tuple[Group, Subject]]](list)
    for group in groups:
        for subject in group.subjects:
            if not subject.faults and subject.scan.flair.is_file():
                alike[subject.scan.flair.stat().st_size].append((group, subject))
    for scans in alike.values():
        seen: dict[str, tuple[Group, Subject]] = {}
        for group, subject in scans if len({str(group) for group, _ in scans}) > 1 else ():
            one, first = seen.setdefault(_digest(subject.scan.flair), (group, subject))
            if one is not group:
                ours, theirs = _within(group.folder, subject), _within(one.folder, first)
                what = f"{ours} is the same scan as {theirs} in {one}"
                raise InputError(f"{group}: {what}; remove it from one of the two {group.kind}")


def _refuse_shared_patients(one: Group, other: Group) -> None:
    tables = [table_of_patients(group.folder) for group in (one, other)]
    shared = {s.patient for s in one.subjects} & {s.patient for s in other.subjects}
    shared = {name for name in shared if not COUNTED.fullmatch(name) or all(tables)}
    if not shared:
        return
    whose = f"{_listed(shared)} in {one} too"
    advice = f"remove the scans from one of the two {one.kind}"
    if all(tables):
        raise InputError(f"{other}: there is the patient {whose}; {advice}")
    doubt = f"{other}: there is a patient called {whose}; if it is one person, {advice}"
    warnings.warn(doubt, DoubtWarning, stacklevel=5)


def _listed(names: Iterable[str]) -> str:
    first, *more = sorted(map(printable, names))
    return first + (f" (and {len(more)} more)" if more else "")


def _within(folder: Path, subject: Subject) -> str:
    path = subject.scan.flair
    inside = path.is_relative_to(folder) and path != folder
    return printable(path.relative_to(folder) if inside else path.name)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
