"""Patients whose names look as if they were one person's, although nothing says so."""

import re
from collections.abc import Iterable
from unicodedata import normalize

from kdlib.data.patients import TABLE
from kdlib.data.subjects import Subject
from kdlib.errors import InputError, printable

# P1_baseline, P1-m12, P1_20210503 and P1_b may be later scans of P1. After a number so may P1-02.
# After a word the number counts patients: case-02 is another one than case-01.
LATER = re.compile(
    r"(?P<who>.+)_(?:(?:bl|baseline|fu|follow_?up|pre|post|scan|year|month|week|day)_?\d*"
    r"|[ymwdtv]\d+|[a-e])"
    r"|(?P<dated>.+)_(?:\d{8}|\d{4}_\d\d?_\d\d?|(?:19|20)\d\d)"
    r"|(?P<numbered>.*\d)_\d\d?"
)


def namesakes(subjects: Iterable[Subject], *, by_time: bool = True) -> list[tuple[str, str]]:
    """Pairs of subjects who count as two patients but may be one, by their names.

    Names that differ only in upper and lower case, in zeros before a number, or in what stands
    between their parts are alike. With ``by_time`` so are names that differ in a last part which
    may tell the time of a scan. Of several such subjects the first two are named.
    """
    alike: dict[str, dict[str, str]] = {}
    for subject in subjects:
        key = likeness(subject.patient or subject.id, by_time=by_time)
        alike.setdefault(key, {}).setdefault(subject.patient, subject.id)
    return [(pair[0], pair[1]) for same in alike.values() if len(pair := [*same.values()]) > 1]


def may_be_one(pairs: list[tuple[str, str]]) -> str:
    """One sentence about such pairs, with the remedy."""
    one, other = map(printable, pairs[0])
    more = f" (and {len(pairs) - 1} more such names)" if len(pairs) > 1 else ""
    return (
        f"{one} and {other}{more} count as two patients, of whom one may be learnt from and the "
        f"other tested on; if they are one, say so in the column patient of {TABLE}"
    )


def likeness(name: str, *, by_time: bool = True) -> str:
    """A key that is the same for names which may be one person's, as ``namesakes`` says."""
    plain = re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"[ _.-]+", "_", as_file(name)))
    match = LATER.fullmatch(plain) if by_time else None
    return next(filter(None, match.groups())) if match else plain


def as_file(name: str) -> str:
    """A key that is the same for names which some disks take for one file: Anna and anna."""
    return normalize("NFC", name).casefold()


def refuse_one_file(names: Iterable[str], remedy: str) -> None:
    """Refuse two names that are the same, or that some disks take for one file.

    Raises:
        InputError: there are such names. One line says which, with the ``remedy``.
    """
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(as_file(name), []).append(name)
    for same in (same for same in alike.values() if len(same) > 1):
        differ = "these names differ so little that some disks take them for one"
        what = differ if len(set(same)) > 1 else "two scans have this name"
        raise InputError(f"{printable(' and '.join(dict.fromkeys(same)))}: {what}; {remedy}")
