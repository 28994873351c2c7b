"""What a whole folder of results holds, and what is wrong with one that is not whole."""

import json
import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from kdlib.files import sha256_of, write_text
from kdlib.record.results import Results

TABLES = ("scores.csv", "teachers.csv", "clinics.csv")
EXPLORERS = "explorers.npz"
ARCHIVES = ("clinics.npz", "examples.npz", EXPLORERS)
LAST = "provenance.json"  # written last: a folder without it is not finished
FILES = (*TABLES, *ARCHIVES, LAST)
TRIAL = ["source", "target", "fold", "seed", "subject"]
BAD_TEXT = (ValueError, KeyError, TypeError, AttributeError)
DAMAGE = (*BAD_TEXT, EOFError, OSError, BadZipFile, zlib.error)


def write_last(folder: Path, provenance: dict[str, Any]) -> None:
    """Write the provenance of a new folder of results, with the SHA-256 of all its other files."""
    files = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
    write_text(folder / LAST, json.dumps(provenance | {"files": files}, indent=1))


def damage(folder: Path) -> str:
    """What is wrong with the results in ``folder``, in a few words. Empty if they are whole."""
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        return f"{missing[-1]} is missing"
    try:
        _compare(folder)
        _read(folder)
    except DAMAGE as error:
        return " ".join(str(error).split())
    return ""


def trials(results: Results) -> int:
    """The number of trials. A subject counts once for each pair, fold and seed it is in."""
    return len(results.scores[TRIAL].drop_duplicates())


def _compare(folder: Path) -> None:
    """Hold the files against what was noted when they were written, if it was."""
    noted = json.loads((folder / LAST).read_text(encoding="utf-8")).get("files", {})
    for name, digest in noted.items():
        if not (folder / Path(name).name).is_file():
            raise ValueError(f"{name} is missing")
        if sha256_of(folder / Path(name).name) != digest:
            raise ValueError(f"{name} is not as it was written")


def _read(folder: Path) -> None:
    for name in ARCHIVES:
        with ZipFile(folder / name) as archive:
            if broken := archive.testzip():
                raise ValueError(f"{broken} in {name} is broken")
    found = Results(folder)
    # A part may have runs of sweeps alone.
    rows = len(found.all_scores) if found.study.get("sources") else trials(found)
    if not (rows and found.name and found.arms and found.runs):
        raise ValueError("there are no scores, no arms, or no runs")
