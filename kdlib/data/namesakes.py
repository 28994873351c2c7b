"""Patients whose names look as if they were one person's, although nothing says so."""

import re
from collections.abc import Iterable

from kdlib.data.patients import TABLE
from kdlib.data.subjects import Subject
from kdlib.errors import printable

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
        key = _plain(subject.patient or subject.id)
        if by_time and (match := LATER.fullmatch(key)):
            key = next(filter(None, match.groups()))
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


def _plain(name: str) -> str:
    """The name in small letters, with _ between its parts and without zeros before a number."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"[ _.-]+", "_", name.casefold()))
