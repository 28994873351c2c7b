"""Exports: folders of results of some seeds of a study, of all sources or of some."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from kdlib.data.places import NAME
from kdlib.errors import InputError
from kdlib.record.protocol import decisive
from kdlib.record.seed_tables import SEED_TABLES, of_seed, read_cells
from kdlib.record.whole import DAMAGE, LAST, damage
from kdlib.study.study import sources_of

REMEDIES = {
    "study": "make both by the same study file",
    "data": "make both on the same data",
    "numbers_version": "make both with the same kdlib",
    "protocol": "make both by the same protocol",
}


@dataclass(frozen=True)
class Export:
    """A folder of results of some seeds of a study."""

    folder: Path

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What its ``provenance.json`` holds."""
        return json.loads((self.folder / LAST).read_text(encoding="utf-8"))

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Its tables of seeds by the names of their files, with text in every cell."""
        paths = [self.folder / name for name in SEED_TABLES if (self.folder / name).is_file()]
        return {path.name: read_cells(path) for path in paths}

    @property
    def supporting(self) -> bool:
        """Whether its study says so, as ``Study.supporting``."""
        return bool(self.provenance["study"].get("supporting", False))

    @property
    def seeds(self) -> list[int]:
        """Its seeds, sorted."""
        return sorted(map(int, self.provenance["seeds"]))

    @cached_property
    def sources(self) -> list[str]:
        """The sources whose pairs it has."""
        return self.provenance["study"].get("sources") or self.all_sources

    @cached_property
    def all_sources(self) -> list[str]:
        """The sources that the whole study has, in its order."""
        study = self.provenance["study"]
        return sources_of(study["pairs"], [sweep.get("pairs") for sweep in study.get("sweeps", ())])

    def rows(self, name: str, seed: int, sources: Collection[str]) -> pd.DataFrame:
        """The rows that one of its tables has of a seed and of some of its sources."""
        rows = of_seed(self.tables[name], seed)
        return rows if rows.empty else rows[rows["source"].isin(sources)].reset_index(drop=True)

    def holds(self, seed: int, sources: Collection[str], runs: bool) -> Iterator[tuple[str, Any]]:
        """All that its files hold of one seed and some sources, by the names of the files.

        ``runs`` are wanted where both have the same sources, since a run does not name its own.
        """
        made = self.provenance["seeds"][str(seed)]
        yield LAST, made if runs else made | {"runs": [], "seconds": 0}
        for name in self.tables:
            rows = self.rows(name, seed, sources)
            # A table of more runs has more columns, which are empty for these.
            cells = rows.to_dict("list")
            yield name, {str(column): own for column, own in cells.items() if any(own)}

    def decisions(self, seed: int) -> dict[str, Any]:
        """What decided the numbers of one seed. All seeds of one folder of results agree on it."""
        made = self.provenance["seeds"][str(seed)]
        return {n: made.get(n) for n in REMEDIES} | {"study": decisive(self.provenance["study"])}


def opened_results(folder: Path, name: str) -> Export:
    """Open a folder of results that ``merge`` filled earlier; errors are as those of ``opened``."""
    if (folder / LAST).exists():
        return opened(folder, name)
    what = f"{LAST} is missing, as if an earlier recording was stopped"
    remedy = "bring the folder back as it was, or record all its seeds into another one (--out)"
    raise InputError(f"{folder}: {what}; {remedy}")


def _unreadable(export: Export) -> str:
    """What cannot be read of an export whose files are there, in a few words."""
    try:
        names = [*export.sources, *export.all_sources]
        strange = [name for name in names if not all(map(NAME.fullmatch, name.split("+")))]
        unknown = sorted(set(export.sources) - set(export.all_sources))
        if strange or unknown:
            return f"{LAST} has {(strange or unknown)[0]!r} as a source"
        for table in export.tables.values():
            table["seed"].astype(int)
        return "" if export.seeds else f"{LAST} has no seed"
    except DAMAGE as error:
        return " ".join(str(error).split())


def opened(folder: Path, name: str) -> Export:
    """Open an export of the study called ``name``.

    Raises:
        InputError: it is damaged, not finished, or of another study.
    """
    if folder.is_file():
        raise InputError(f"{folder}: this is a file; unpack it, and name the folder")
    if not folder.exists():
        raise InputError(f"{folder}: there is no such folder")
    if what := damage(folder) or _unreadable(Export(folder)):
        raise InputError(f"{folder}: damaged or not finished ({what}); export it again")
    export = Export(folder)
    path, study = folder / LAST, export.provenance["study"]
    if study["name"] != name:
        raise InputError(f"{path}: is of the study {study['name']!r}, not {name!r}; leave it out")
    for file, table in export.tables.items():
        if sorted(map(int, table["seed"].unique())) != export.seeds and not table.empty:
            listed = ", ".join(map(str, export.seeds))
            what = f"its seeds are not those of {LAST} ({listed})"
            raise InputError(f"{folder / file}: {what}; export it again")
    return export
