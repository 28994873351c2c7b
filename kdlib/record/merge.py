"""Merge exports of a study's seeds, which may have been made on different machines."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from kdlib.errors import InputError
from kdlib.files import whole_folder, write_text
from kdlib.record.protocol import decisive
from kdlib.record.seed_tables import SEED_TABLES, of_seed, read_text, stacked
from kdlib.record.whole import ARCHIVES, LAST, damage

PICTURES = ("clinics.csv", *ARCHIVES)  # kept of the lowest seed alone
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
        return {path.name: read_text(path) for path in paths}

    @property
    def seeds(self) -> list[int]:
        """Its seeds, sorted."""
        return sorted(map(int, self.provenance["seeds"]))

    def holds(self, seed: int) -> Iterator[tuple[str, Any]]:
        """All that its files hold of one seed, by the names of the files."""
        yield LAST, self.provenance["seeds"][str(seed)]
        for name, table in self.tables.items():
            yield name, of_seed(table, seed).to_dict("list")

    def decisions(self, seed: int) -> dict[str, Any]:
        """What decided the numbers of one seed. All seeds of one folder of results agree on it."""
        made = self.provenance["seeds"][str(seed)]
        return {n: made.get(n) for n in REMEDIES} | {"study": decisive(self.provenance["study"])}


def merge(name: str, folders: Sequence[Path], out: Path) -> list[int]:
    """Merge the exports in ``folders`` into ``out``, with the seeds that ``out`` has already.

    The order of ``folders`` does not matter. Tables and provenance are sorted by seed. Pictures and
    the summary of the clinics are those of the lowest seed. ``out`` stays as it was if anything is
    refused.

    Args:
        name: the name of the study.
        folders: what ``kdlib study NAME --seeds N --export FOLDER`` wrote, here or elsewhere.
        out: a folder of results, new or with seeds of the same study.

    Returns:
        All seeds that ``out`` now has.

    Raises:
        InputError: a folder is damaged or of another study; two seeds were not made by the same
            settings, data, version of kdlib and protocol; or a seed is there twice and differs.
    """
    found = [_opened(folder, name) for folder in folders]
    if (out / LAST).exists():
        found.insert(0, _opened(out, name))
    found.sort(key=lambda export: export.seeds)
    _refuse_disagreement(found)
    owners = _owners(found)
    with whole_folder(out, last=LAST) as new:
        for table in found[0].tables:
            rows = [of_seed(export.tables[table], seed) for seed, export in owners.items()]
            write_text(new / table, stacked(rows).to_csv(index=False))
        for picture in PICTURES:
            shutil.copyfile(found[0].folder / picture, new / picture)
        write_text(new / LAST, json.dumps(_merged(owners), indent=1))
    return list(owners)


def _opened(folder: Path, name: str) -> Export:
    if what := damage(folder):
        raise InputError(f"{folder}: damaged or not finished ({what}); export it again")
    export = Export(folder)
    path, study = folder / LAST, export.provenance["study"]
    if study["name"] != name:
        raise InputError(f"{path}: is of the study {study['name']!r}, not {name!r}; leave it out")
    for file, table in export.tables.items():
        if sorted(map(int, table["seed"].unique())) != export.seeds and not table.empty:
            what = f"its seeds are not those of {LAST} ({_listed(export.seeds)})"
            raise InputError(f"{folder / file}: {what}; export it again")
    return export


def _refuse_disagreement(found: list[Export]) -> None:
    first = found[0]
    names = set().union(*(export.tables for export in found))
    for export in found:
        if missing := sorted(names - set(export.tables)):
            what = "is missing, but another folder has it; export it again"
            raise InputError(f"{export.folder / missing[0]}: {what}")
        for seed in export.seeds:
            _refuse_other_decisions(first, export, seed)


def _refuse_other_decisions(first: Export, export: Export, seed: int) -> None:
    lowest = first.seeds[0]
    for name, other, own in _differences(first.decisions(lowest), export.decisions(seed)):
        what = f"seed {seed} has {name}={own!r}, but seed {lowest} of {first.folder} has {other!r}"
        remedy = f"{REMEDIES[name.partition('.')[0]]}, or use another folder (--out)"
        raise InputError(f"{export.folder / LAST}: {what}; {remedy}")


def _differences(one: Any, other: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The settings that differ, by their names joined with points, with both values."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one | other:
            path = f"{name}.{key}" if name else key
            yield from _differences(one.get(key), other.get(key), path)
    elif one != other:
        yield name, one, other


def _owners(found: list[Export]) -> dict[int, Export]:
    """Which export each seed is taken from, sorted by seed. A seed there twice must be the same."""
    owners: dict[int, Export] = {}
    for export in found:
        for seed in export.seeds:
            owner = owners.setdefault(seed, export)
            for (name, own), (_, held) in zip(export.holds(seed), owner.holds(seed), strict=True):
                if own != held:
                    what = f"seed {seed} is also in {owner.folder}, where it differs"
                    raise InputError(f"{export.folder / name}: {what}; leave one of the two out")
    return dict(sorted(owners.items()))


def _merged(owners: dict[int, Export]) -> dict[str, Any]:
    first = next(iter(owners.values()))
    seeds = {str(seed): export.provenance["seeds"][str(seed)] for seed, export in owners.items()}
    return {"study": first.provenance["study"] | {"seeds": list(owners)}, "seeds": seeds}


def _listed(seeds: list[int]) -> str:
    return ", ".join(map(str, seeds))
