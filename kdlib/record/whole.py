"""What a whole folder of results holds, and what is wrong with one that is not whole."""

import zlib
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from kdlib.record.results import Results

TABLES = ("scores.csv", "teachers.csv", "clinics.csv")
EXPLORERS = "explorers.npz"
ARCHIVES = ("clinics.npz", "examples.npz", EXPLORERS)
LAST = "provenance.json"  # written last: a folder without it is not finished
FILES = (*TABLES, *ARCHIVES, LAST)
TRIAL = ["source", "target", "fold", "seed", "subject"]
BAD_TEXT = (ValueError, KeyError, TypeError, AttributeError)
DAMAGE = (*BAD_TEXT, EOFError, OSError, BadZipFile, zlib.error)


def damage(folder: Path) -> str:
    """What is wrong with the results in ``folder``, in a few words. Empty if they are whole."""
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        return f"{missing[-1]} is missing"
    try:
        _read(folder)
    except DAMAGE as error:
        return " ".join(str(error).split())
    return ""


def trials(results: Results) -> int:
    """The number of trials. A subject counts once for each pair, fold and seed it is in."""
    return len(results.scores[TRIAL].drop_duplicates())


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
