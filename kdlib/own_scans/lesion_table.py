"""``lesions.tsv``: one row for each scan, with the number of its lesions and their volume."""

import csv
import json
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from kdlib.errors import InputError
from kdlib.files import write_text
from kdlib.own_scans.results import BIDS, TABLE, Results

COLUMNS: dict[str, dict[str, str]] = {
    "participant_id": {"Description": "Whose scan it is."},
    "scan": {"Description": "The name of the scan."},
    "lesions": {"Description": "How many lesions there are: parts of the mask that do not touch."},
    "lesion_ml": {"Description": "The volume of all lesions.", "Units": "mL"},
    "brain_ml": {"Description": "The volume of the brain, if it was looked for.", "Units": "mL"},
    "run": {"Description": "Which network found the lesions."},
    "threshold": {"Description": "From which probability on a voxel counts as lesion."},
    "doubts": {"Description": "What looks wrong in the scan or in what was found. Look at it."},
}
TOLD = "LesionCount", "LesionVolume", "BrainVolume", "Run", "Threshold"  # in a mask's sidecar


def write_lesion_table(results: Results, facts: Sequence[dict[str, Any]]) -> None:
    """Write ``lesions.tsv`` with one row for each of the ``facts``, and ``lesions.json``.

    In a BIDS derivative there is one row for each mask in the folder.
    """
    rows = [_row(fact) for fact in facts]
    _write(results.folder, rows if results.dataset is None else list(_rows_of(results.folder)))


def gather_lesion_table(folder: Path) -> int:
    """Write the table of all masks of a BIDS derivative, and return how many there are.

    Raises:
        InputError: there is no mask of kdlib in this folder.
    """
    rows = list(_rows_of(folder))
    if not rows:
        what = "there are no lesion masks here that kdlib wrote"
        raise InputError(f"{folder}: {what}; run 'kdlib bids ... participant' first")
    _write(folder, rows)
    return len(rows)


def _row(fact: dict[str, Any]) -> list[Any]:
    found = [fact["lesions"]["result"], fact["lesion_ml"]["result"], fact.get("brain_ml")]
    made = [fact["run"], fact["threshold"], "; ".join(fact["doubts"]) or None]
    return [fact["participant"], fact["subject"], *found, *made]


def _rows_of(folder: Path) -> Iterable[list[Any]]:
    """The rows of a BIDS derivative, by the sidecars of its masks."""
    ending = f"_{BIDS['mask']}.json"
    sidecars = [*folder.glob(f"sub-*/anat/*{ending}"), *folder.glob(f"sub-*/ses-*/anat/*{ending}")]
    for path in sorted(sidecars):
        told = _told(path)
        if told is None:
            continue
        found = [told.get(name) for name in TOLD]
        found.append("; ".join(map(str, told.get("Doubts") or [])) or None)
        yield [path.relative_to(folder).parts[0], path.name.removesuffix(ending), *found]


def _told(path: Path) -> dict[str, Any] | None:
    """What a sidecar says. None if it is gone: a call for somebody else may just remove its own."""
    try:
        return dict(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise InputError(f"{path}: this file is damaged; segment the scan again") from None


def _write(folder: Path, rows: Iterable[list[Any]]) -> None:
    cells = [["n/a" if value is None else str(value) for value in row] for row in rows]
    text = StringIO()  # a name with a quotation mark is quoted, else it would swallow rows
    csv.writer(text, delimiter="\t", lineterminator="\n").writerows([list(COLUMNS), *cells])
    write_text(folder / f"{TABLE}.tsv", text.getvalue())
    write_text(folder / f"{TABLE}.json", json.dumps(COLUMNS, indent=1))
