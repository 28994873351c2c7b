"""Which scans are of one patient, so that no patient is learnt from and tested on at once."""

import csv
import re
import warnings
from collections.abc import Iterable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from unicodedata import normalize

from kdlib.data.formats import NOT_FETCHED, is_lost
from kdlib.data.subjects import Subject
from kdlib.errors import DoubtWarning, InputError, printable

TABLE = "participants.tsv"
TEXTS, SPREADSHEETS = (".csv", ".txt", ".tab"), (".xlsx", ".xls", ".ods")  # in its place
# sub-1_ses-2_run-1 is a scan of sub-1, and P07_ses-2, P07_SES2 or P07-visit3 one of P07.
SESSION = r"(?:ses(?:-.*|[0-9]+)|(?:session|visit|timepoint|tp)[ _-]?[0-9]+)"
SCAN_OF = re.compile(rf"(sub-[^_]+)(?:_.*)?|(.+?)[ _-]{SESSION}", re.IGNORECASE)
POINTERS = ("/annex/objects/", "version https://git-lfs")

Subjects = tuple[Subject, ...]


def with_patients(folder: Path, clinics: dict[str, Subjects]) -> dict[str, Subjects]:
    """The same subjects, each with the name of its ``patient``.

    Subjects whose names differ only in session, acquisition or run are one patient: ``sub-1_ses-1``
    and ``sub-1_ses-2``. ``participants.tsv`` in the ``folder`` can say more: the scans whose rows
    have the same ``patient`` are one patient. A patient of both splits is a fault of the test scan.

    Raises:
        InputError: ``participants.tsv`` has patients, but not for every subject, or is damaged; or
            a table in another format has patients.
    """
    table = table_of_patients(folder)
    if not table:
        _refuse_other_tables(folder)
    return {
        name: _in_one_split(tuple(_named(subject, folder, table) for subject in subjects))
        for name, subjects in clinics.items()
    }


def by_patient(subjects: Iterable[Subject]) -> list[Subjects]:
    """The subjects of each patient of each clinic, in the order of the first subjects."""
    groups: dict[tuple[str, str], list[Subject]] = {}
    for subject in subjects:
        groups.setdefault((subject.scan.clinic, subject.patient), []).append(subject)
    return [tuple(group) for group in groups.values()]


def _named(subject: Subject, folder: Path, table: dict[str, str]) -> Subject:
    match = SCAN_OF.fullmatch(subject.id)
    name = (match[1] or match[2]) if match else subject.id
    if table:
        keys = [_spelled(key) for key in (subject.id, name, name.removeprefix("sub-"))]
        known = [table[key] for key in keys if key in table]
        if not known:
            what = f"it has a column patient, but no row for {printable(subject.id)}"
            raise InputError(f"{table_in(folder)}: {what}; add the row, or remove the column")
        name = known[0] or name
    return replace(subject, patient=name)


def table_of_patients(folder: Path) -> dict[str, str]:
    """The patient of each ``participant_id`` of a folder's ``participants.tsv``.

    It is "" if the table does not know the patient. Without such a column nothing is known.
    """
    path = table_in(folder)
    if is_lost(path):
        raise InputError(f"{path}: this is a link; {NOT_FETCHED}")
    if not path.is_file():
        return {}
    head, *rows = _rows(path) or [[]]
    columns = [cell.casefold() for cell in head]
    if "participant_id" not in columns and "patient" in re.split(r"[\t,; ]+", "\t".join(columns)):
        what = "it has no column participant_id"
        raise InputError(f"{path}: {what}; name the subjects in one, with tabs between the columns")
    if "patient" not in columns:
        return {}
    found: dict[str, str] = {}
    for row in rows:
        cells = dict(zip(columns, row, strict=False))
        scan, name = cells.get("participant_id", ""), cells.get("patient", "")
        if not scan:
            what = "one of its rows has no participant_id"
            raise InputError(f"{path}: {what}; complete the row, or remove it")
        name = "" if name.casefold() == "n/a" else name
        if found.setdefault(scan, name) != name:
            what = f"{printable(scan)} has two rows with different patients"
            raise InputError(f"{path}: {what}; remove one")
    return found


def table_in(folder: Path) -> Path:
    """Where the table of a folder is or would be. Its name may have capital letters."""
    alike = [path for path in _called_participants(folder) if path.name.casefold() == TABLE]
    return next((path for path in alike if path.name == TABLE), (alike or [folder / TABLE])[0])


def _called_participants(folder: Path) -> list[Path]:
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in found if path.stem.casefold() == Path(TABLE).stem]


def _refuse_other_tables(folder: Path) -> None:
    """Refuse a table of patients in another format, and tell of a spreadsheet that may be one."""
    for path in _called_participants(folder):
        what = f"{path}: this table is not read"
        if path.suffix.casefold() in TEXTS and b"patient" in _first_line(path):
            raise InputError(f"{what}; save it as {TABLE}, with tabs between the columns")
        if path.suffix.casefold() in SPREADSHEETS:
            advice = f"if it says whose scans these are, save it as {TABLE} with a column patient"
            warnings.warn(f"{what}; {advice}", DoubtWarning, stacklevel=2)


def _first_line(path: Path) -> bytes:
    """The first line in small letters, of whatever encoding."""
    with path.open("rb") as file:
        return file.readline(10_000).replace(b"\0", b"").lower()


def _rows(path: Path) -> list[list[str]]:
    """The cells of a table that are not empty lines, without the space around each."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        found = list(csv.reader(StringIO(text, newline=""), delimiter="\t"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        advice = "save it as text in UTF-8 with tabs between the columns"
        raise InputError(f"{path}: cannot be read; {advice}") from error
    if text.startswith(POINTERS):
        raise InputError(f"{path}: this is only a pointer to a file; {NOT_FETCHED}")
    return [[_spelled(cell) for cell in row] for row in found if any(map(str.strip, row))]


def _spelled(name: str) -> str:
    """A name in one of the ways in which Unicode can write it: ü can be u with two dots."""
    return normalize("NFC", name).strip()


def _in_one_split(subjects: Subjects) -> Subjects:
    learnt_from = {subject.patient for subject in subjects if subject.split == "training"}
    return tuple(
        replace(s, faults=(*s.faults, _in_both(s)))
        if s.split == "test" and s.patient in learnt_from
        else s
        for s in subjects
    )


def _in_both(subject: Subject) -> str:
    who = f"{printable(subject.id)}: patient {printable(subject.patient)}"
    return f"{who} is in the training set too; keep all scans of a patient in one set"
