"""Whose results the book shows, in words and as a table."""

import json
from pathlib import Path

import pandas as pd

from kdlib.record.choice import Saved, choose

HERE = "on the machine that built this book"


def whose(shown: Saved) -> str:
    """One sentence: are these the results of record, or were they made where the book was built?"""
    name = shown.results.name
    if shown.own:
        made = f"These results of the study {name!r} were made {HERE}."
        return f"{made} They are not the results of record."
    return f"These are the results of record of the study {name!r}, which come with the book."


def scenario_pages(folder: Path | str = "runs") -> str:
    """One sentence: to which study do the executed scenarios in ``folder`` belong?"""
    names = sorted({_study(path) for path in Path(folder).glob("*.ipynb")})
    if not names:
        return 'This book was built without pages of executed scenarios; "make scenario" adds them.'
    study, run = ("study", "was run") if len(names) == 1 else ("studies", "were run")
    listed = " and ".join(map(repr, names))
    return f"The pages of the scenarios show the {study} {listed}, which {run} {HERE}."


def saved_table(studies: list[Saved], shown: Saved) -> pd.DataFrame:
    """All saved results. Columns: ``Study``, ``Folder``, ``Trials`` and ``In_this_book``."""
    read = used(studies, shown)
    rows = [
        (s.results.name, s.place, s.trials, _standing(s, shown, read, studies))
        for s in studies
        if not s.fault
    ]
    return pd.DataFrame(rows, columns=["Study", "Folder", "Trials", "In_this_book"])


def used(studies: list[Saved], shown: Saved) -> list[Saved]:
    """The results that the pages read: those that are shown, and those of studies that support."""
    first = {s.folder.name: _first(studies, s) for s in studies if not s.fault}
    return [s for s in first.values() if s is shown or s.supporting]


def _standing(saved: Saved, shown: Saved, read: list[Saved], studies: list[Saved]) -> str:
    if saved is shown:
        return "shown"
    if saved in read:
        return "read beside it, where a page names it"
    first = _first(studies, saved)
    return "not shown" if saved is first else f"replaced by {first.place}"


def _first(studies: list[Saved], saved: Saved) -> Saved:
    """The saved results of the same study that the book takes."""
    return choose([one for one in studies if not one.fault], saved.folder.name)


def _study(notebook: Path) -> str:
    """The name of the study that an executed template was run for."""
    metadata = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]
    return Path(metadata["papermill"]["parameters"]["study"]).stem
