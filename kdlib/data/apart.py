"""Nobody is in two groups of scans of which one is learnt from and the other is tested on."""

import re
import warnings
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from kdlib.data.namesakes import likeness
from kdlib.data.patients import table_of_patients
from kdlib.data.subjects import Subject
from kdlib.errors import DoubtWarning, InputError, printable
from kdlib.files import sha256_of

# Names that many clinics count their patients by. It says nothing if two groups share them.
COUNTED = re.compile(r"(sub-)?\d{1,3}", re.IGNORECASE)


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
    ``participants.tsv``, in the folders of both. Other names that tell a person, and names that
    ``namesakes`` would take for one person's, are a doubt.

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
            one, first = seen.setdefault(sha256_of(subject.scan.flair), (group, subject))
            if one is not group:
                ours, theirs = _within(group.folder, subject), _within(one.folder, first)
                what = f"{ours} is the same scan as {theirs} in {one}"
                raise InputError(f"{group}: {what}; remove it from one of the two {group.kind}")


def _refuse_shared_patients(one: Group, other: Group) -> None:
    named = all(table_of_patients(group.folder) for group in (one, other))
    pairs = _namesakes(one, other, named)
    if not pairs:
        return
    ours, theirs = map(printable, pairs[0])
    more = f" (and {len(pairs) - 1} more)" if len(pairs) > 1 else ""
    advice = f"remove the scans from one of the two {one.kind}"
    same = f"{theirs}{more} in {one} too"
    if named and ours == theirs:
        raise InputError(f"{other}: there is the patient {same}; {advice}")
    whose = same if ours == theirs else f"{theirs}{more}, and one called {ours} in {one}"
    doubt = f"{other}: there is a patient called {whose}; if it is one person, {advice}"
    warnings.warn(doubt, DoubtWarning, stacklevel=5)


def _namesakes(one: Group, other: Group, named: bool) -> list[tuple[str, str]]:
    """The patients of two groups who may be the same, those of one name first."""
    alike = [
        {likeness(s.patient, by_time=not named): s.patient for s in group.subjects}
        for group in (one, other)
    ]
    shared = {s.patient for s in one.subjects} & {s.patient for s in other.subjects}
    pairs = {(name, name) for name in shared}
    pairs |= {
        (ours, theirs)
        for key, ours in alike[0].items()
        if (theirs := alike[1].get(key)) and not shared & {ours, theirs}
    }
    told = [pair for pair in pairs if named or not all(map(COUNTED.fullmatch, pair))]
    return sorted(told, key=lambda pair: (pair[0] != pair[1], pair))


def _within(folder: Path, subject: Subject) -> str:
    path = subject.scan.flair
    inside = path.is_relative_to(folder) and path != folder
    return printable(path.relative_to(folder) if inside else path.name)
