"""A seed whose parts, each of some sources, lie in one or more exports."""

import hashlib
import math
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from kdlib.files import whole_folder
from kdlib.record.arrays import Arrays, read_arrays, write_arrays
from kdlib.record.exported import Export
from kdlib.record.seed_tables import SEED_TABLES
from kdlib.record.whole import ARCHIVES, LAST, write_last

WAITING = "parts"  # the folder, beside the results, of the parts of seeds that are not whole yet
LONGEST_NAME = 200  # bytes; a folder's name can have 255
OF_CLINICS = ("clinics.csv", "clinics.npz")  # the same in every part


@dataclass(frozen=True)
class SeedParts:
    """One seed of a study with all ``sources``, and the export that owns each of them so far."""

    seed: int
    sources: list[str]
    owners: dict[str, Export]

    @property
    def lacking(self) -> list[str]:
        """The sources that no export has."""
        return [source for source in self.sources if source not in self.owners]

    @property
    def exports(self) -> list[Export]:
        """The exports that own a source, in the order of the sources."""
        owning = [self.owners[source] for source in self.sources if source in self.owners]
        return list({export.folder: export for export in owning}.values())

    def rows(self, table: str) -> list[pd.DataFrame]:
        """The rows of a table, from each export that owns some."""
        return [export.rows(table, self.seed, self._owned(export)) for export in self.exports]

    def made(self) -> dict[str, Any]:
        """How the whole seed was made, as ``kdlib.record.provenance`` describes it."""
        parts = [export.provenance["seeds"][str(self.seed)] for export in self.exports]
        if len(parts) == 1:
            return parts[0]
        runs = {run["run"]: run for part in parts for run in part["runs"]}
        seconds = round(sum(run["seconds"] for run in runs.values()), 1)
        return parts[0] | {"seconds": seconds, "runs": [runs[name] for name in sorted(runs)]}

    def write_pictures(self, folder: Path, empty: Collection[str] = ()) -> None:
        """Write the summary of the clinics, and the pictures that are not in ``empty``."""
        copied = OF_CLINICS if len(self.exports) > 1 else ("clinics.csv", *ARCHIVES)
        for name in {"clinics.csv", *ARCHIVES} - set(empty):
            if name in copied:
                shutil.copyfile(self.exports[0].folder / name, folder / name)
                continue
            arrays: Arrays = {}
            for export in self.exports:
                arrays |= read_arrays(export.folder / name)
            write_arrays(folder / name, arrays)
        write_empty(folder, empty)

    def _owned(self, export: Export) -> list[str]:
        return [source for source, owner in self.owners.items() if owner is export]


def waiting(out: Path) -> list[Path]:
    """The folders of the parts that wait beside the results in ``out``."""
    return sorted(path.parent for path in (out / WAITING).glob(f"*/{LAST}"))


def keep_waiting(
    seeds: list[SeedParts], out: Path, whole: list[int], empty: Collection[str] = ()
) -> None:
    """Keep the parts of ``seeds`` beside the results in ``out``, and no others.

    Their pictures are left out where one of the ``whole`` seeds is lower, since its own are shown.
    Archives in ``empty`` are always left out.
    """
    kept = {_name(export): export for seed in seeds for export in seed.exports}
    for name, export in kept.items():
        place = out / WAITING / name
        if export.folder != place:
            shown = export.seeds[0] < min(whole, default=math.inf)
            _copy(export, place, empty if shown else ARCHIVES)
    for path in waiting(out):
        if path.name not in kept:
            (path / LAST).unlink()  # first: without it the rest is no part
            shutil.rmtree(path)
    if (out / WAITING).is_dir() and not any((out / WAITING).iterdir()):
        (out / WAITING).rmdir()


def _name(export: Export) -> str:
    name = f"seed{','.join(map(str, export.seeds))}-{','.join(export.sources)}"
    if len(name.encode()) <= LONGEST_NAME:
        return name
    return f"seeds-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def write_empty(folder: Path, archives: Collection[str]) -> None:
    """Write archives without arrays, so that ``folder`` is whole without their pictures."""
    for name in archives:
        write_arrays(folder / name, {})


def _copy(export: Export, place: Path, empty: Collection[str]) -> None:
    names = {"clinics.csv", *SEED_TABLES, *ARCHIVES} - set(empty)
    with whole_folder(place, last=LAST) as new:
        for name in names:
            if (export.folder / name).is_file():
                shutil.copyfile(export.folder / name, new / name)
        write_empty(new, empty)
        write_last(new, export.provenance)
