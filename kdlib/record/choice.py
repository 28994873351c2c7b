"""Decide which study the book shows, and say whose results these are.

Results are in two places. The results of record are in git, in ``book/results/<study>/``. The
reader's own results, which were made on this machine, are in ``results/<study>/``. The rules are:

1. A folder that is damaged, or only half written, is left out and named in one line.
2. If a study has results of both kinds, the reader's own results are taken.
3. The book shows the study that ``BOOK_STUDY`` names; ``make pages STUDY=name`` sets it.
4. Without such a name the book shows the study with the most trials. A trial is one tested subject,
   in one pair of clinics, one fold and one seed. Of two equal studies it shows the reader's own.
5. A study whose file says ``supporting = true`` is shown only by its name. It supports another
   study, for example by controls, and does not answer the question of the book.

So a small study that the reader made does not hide a larger one of record.

The build of a book chooses once. Its chapters find what it has chosen in ``BOOK_CHOSEN``, and do
not look through all results again.
"""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kdlib.errors import InputError
from kdlib.recipe import unknown_name
from kdlib.record.parts import WAITING
from kdlib.record.results import Results
from kdlib.record.whole import damage, trials

# These paths start at book/, where the chapters run.
RECORD, OWN = Path("results"), Path("../results")
CHOSEN = "BOOK_CHOSEN"  # the folder that the build has found whole and has chosen


@dataclass(frozen=True)
class Saved:
    """One folder of results. It is named as its study; ``own`` says that it was made here."""

    folder: Path
    own: bool

    @property
    def place(self) -> str:
        """The path of the folder from the root of the repository."""
        return f"{'' if self.own else 'book/'}results/{self.folder.name}"

    @cached_property
    def results(self) -> Results:
        """The results in the folder."""
        return Results(self.folder)

    @cached_property
    def trials(self) -> int:
        """The number of trials. A subject counts once for each pair, fold and seed it is in."""
        return trials(self.results)

    @property
    def supporting(self) -> bool:
        """Whether the study only supports another one."""
        return bool(self.results.study.get("supporting", False))

    @cached_property
    def fault(self) -> str:
        """What is wrong with the folder and what to do, in one line. Empty if it is complete."""
        what = damage(self.folder)
        return self._said(what) if what else ""

    def _said(self, what: str) -> str:
        goal = "study" if self.own else "record"
        remedy = f"remove it, or write it again by 'make {goal} STUDY={self.folder.name}'"
        return f"{self.place}: left out, since it is damaged or not finished ({what}); {remedy}"


def saved_studies(record: Path = RECORD, own: Path = OWN) -> list[Saved]:
    """All folders of results, complete or not: first the reader's own, then those of record.

    A folder that has nothing but parts, which wait for others, has no results yet.
    """
    places = [(own, True), (record, False)]
    return [
        Saved(folder, owned)
        for place, owned in places
        for folder in sorted(place.glob("[!.]*"))
        if folder.is_dir() and [path.name for path in folder.iterdir()] != [WAITING]
    ]


def choose(studies: list[Saved], name: str = "") -> Saved:
    """Choose one of ``studies`` by the rules above.

    ``name`` is the study that the user asked for. It is empty if there was no such wish. Raises
    ``InputError`` if no study is complete, or if none has this name.
    """
    whole = {saved.folder.name: saved for saved in reversed(studies) if not saved.fault}
    if not whole:
        faults = [saved.fault for saved in studies]
        raise InputError((faults or ["there are no saved results; 'make study' makes some"])[0])
    if name and name not in whole:
        faults = [saved.fault for saved in studies if saved.folder.name == name]
        raise InputError((faults or [unknown_name(name, sorted(whole), "saved study")])[0])
    answers = [saved for saved in whole.values() if not saved.supporting]
    if not (name or answers):
        what = f"the only saved results are of supporting studies ({', '.join(sorted(whole))})"
        raise InputError(f"{what}; 'make pages STUDY={min(whole)}' shows one of them")
    return whole[name] if name else max(answers, key=lambda saved: (saved.trials, saved.own))


def shown_study(studies: list[Saved] | None = None) -> Saved:
    """The study that the book shows, of ``studies`` or else of all saved ones."""
    found = saved_studies() if studies is None else studies
    return choose(found, os.environ.get("BOOK_STUDY", ""))


def results_to_show() -> Results:
    """The results that the book's chapters show."""
    chosen = os.environ.get(CHOSEN)
    return Results(Path(chosen)) if chosen else shown_study().results
