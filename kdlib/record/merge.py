"""Merge exports of a study's seeds, which may have been made on different machines."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kdlib.errors import InputError
from kdlib.files import whole_folder, write_text
from kdlib.one_at_a_time import alone_in
from kdlib.record.exported import REMEDIES, Export, opened, opened_results
from kdlib.record.parts import SeedParts, keep_waiting, waiting
from kdlib.record.seed_tables import stacked
from kdlib.record.whole import EXPLORERS, FILES, LAST, write_last


def merge(
    name: str, folders: Sequence[Path], out: Path, *, scans: bool | None = None
) -> list[SeedParts]:
    """Merge the exports in ``folders`` into ``out``, with the seeds that ``out`` has already.

    The order of ``folders`` does not matter. Tables and provenance are sorted by seed. Pictures and
    the summary of the clinics are those of the lowest seed. An export may be a part of a seed, made
    with ``--sources``. It waits in ``parts`` of ``out`` until the seed is whole. ``out`` stays as
    it was if anything is refused.

    Args:
        name: the name of the study.
        folders: what ``kdlib study NAME --seeds N --export FOLDER`` wrote, here or elsewhere.
        out: a folder of results, new or with seeds of the same study.
        scans: whether the whole scans are kept, which the explorers show. Single slices stay. None:
            all but those of a supporting study, which no explorer shows.

    Returns:
        All seeds that ``out`` now has, whole or waiting.

    Raises:
        InputError: a folder is damaged or of another study; two seeds were not made by the same
            settings, data, version of kdlib and protocol; or a seed is there twice and differs.
    """
    with alone_in(out):
        return _merged_into(name, folders, out, scans)


def _merged_into(
    name: str, folders: Sequence[Path], out: Path, scans: bool | None
) -> list[SeedParts]:
    found = [opened(folder, name) for folder in [*folders, *waiting(out)]]
    if any((out / file).exists() for file in FILES):
        found.insert(0, opened_results(out, name))
    found.sort(key=lambda export: export.seeds)
    _refuse_disagreement(found)
    seeds = _seeds(found)
    kept = not found[0].supporting if scans is None else scans
    empty = () if kept else (EXPLORERS,)
    if whole := [seed for seed in seeds if not seed.lacking]:
        _write(whole, list(found[0].tables), out, empty)
    lacking = [seed for seed in seeds if seed.lacking]
    keep_waiting(lacking, out, [seed.seed for seed in whole], empty)
    return seeds


def _write(whole: list[SeedParts], tables: list[str], out: Path, empty: Sequence[str]) -> None:
    with whole_folder(out, last=LAST) as new:
        for table in tables:
            rows = stacked(rows for seed in whole for rows in seed.rows(table))
            write_text(new / table, rows.to_csv(index=False))
        whole[0].write_pictures(new, empty)
        write_last(new, _merged(whole))


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


def _seeds(found: list[Export]) -> list[SeedParts]:
    """Each seed, sorted, with the export that each source is taken from."""
    seeds: dict[int, SeedParts] = {}
    for export in found:
        for seed in export.seeds:
            parts = seeds.setdefault(seed, SeedParts(seed, export.all_sources, {}))
            for owner in parts.exports:
                _refuse_another(owner, export, seed)
            for source in export.sources:
                parts.owners.setdefault(source, export)
    return [seeds[seed] for seed in sorted(seeds)]


def _refuse_another(owner: Export, export: Export, seed: int) -> None:
    """What both have of a seed must be the same."""
    shared = [source for source in export.sources if source in owner.sources]
    if not shared:
        return
    alike = set(export.sources) == set(owner.sources)
    ours, theirs = (one.holds(seed, shared, runs=alike) for one in (export, owner))
    for (name, own), (_, held) in zip(ours, theirs, strict=True):
        if own != held:
            what = f"seed {seed} is also in {owner.folder}, where it differs"
            raise InputError(f"{export.folder / name}: {what}; leave one of the two out")


def _merged(whole: list[SeedParts]) -> dict[str, Any]:
    study = dict(whole[0].exports[0].provenance["study"])
    study.pop("sources", None)
    seeds = {str(seed.seed): seed.made() for seed in whole}
    return {"study": study | {"seeds": [seed.seed for seed in whole]}, "seeds": seeds}
