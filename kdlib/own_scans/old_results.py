"""Keep the results of two calls apart: what an earlier call wrote into a folder goes first."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kdlib.data.formats import images_in, is_own_result
from kdlib.data.subject_files import DESCRIPTION, OWN_REPORT, is_own_derivative, own_report
from kdlib.errors import InputError
from kdlib.files import sha256_of, write_text
from kdlib.own_scans.results import PLAIN, TABLE, Results

IGNORE = ".bidsignore"


def refuse_strange_results(results: Results) -> None:
    """Refuse a folder with results of which no report of kdlib says that kdlib wrote them.

    Raises:
        InputError: there is such a file, or somebody changed a result after kdlib wrote it. It may
            be somebody's own work, so it is not replaced.
    """
    out = results.folder
    if results.dataset is not None:
        raw = out.resolve() == results.dataset.resolve()
        if raw or ((out / DESCRIPTION).exists() and not is_own_derivative(out)):
            what = "this folder is a dataset that kdlib did not write"
            raise InputError(f"{out}: {what}; name another folder, such as derivatives/kdlib in it")
    if _is_of_one(results) and own_report(out / OWN_REPORT) is not None:
        what = "this folder has the results of another command"
        raise InputError(f"{out}: {what}; name another folder")
    ours = {out / name for name in _written(out)}
    for path in _results_in(results):
        if path not in ours:
            what = "there is a file already of which no report tells that kdlib wrote it"
            raise InputError(f"{path}: {what}; move it away, or name another folder with --out")
    for path in _changed(results):
        what = "this result was changed after kdlib wrote it"
        raise InputError(f"{path}: {what}; move it away, or name another folder for the results")


def begin_results(results: Results, scans: Mapping[str, Mapping[str, Any]]) -> int:
    """Remove the results of an earlier call, and note which files this call is going to write.

    ``scans`` are the names that ``Results.names`` gives, by the subject's id. So the results of a
    call that was interrupted are known, and the next call removes them. A call that has a report
    for one participant removes that participant's results only.

    Returns:
        How many masks and maps were removed.
    """
    refuse_strange_results(results)
    names = _written(results.folder)
    if _is_of_one(results):
        own = (f"{results.report}/", f"{results.report}.")
        names = [name for name in names if name.startswith(own)]
    there = [path for path in (results.folder / name for name in names) if path.exists()]
    for name in names:
        _remove(results.folder, name)
    note_results(results, scans)
    return sum(map(is_own_result, there))


def note_results(results: Results, scans: Mapping[str, Mapping[str, Any]]) -> None:
    """Note the files of a call, and the ``sha256`` of those that it has made, until it ends."""
    told = [{"subject": subject, **files} for subject, files in scans.items()]
    note = {"notice": "This call was interrupted.", "left_out": [], "scans": told}
    write_text(results.numbers, json.dumps(note))


def remove_results(results: Results, names: Iterable[str]) -> None:
    """Remove these files of a scan's result, and what lies beside them in a BIDS derivative."""
    for name in names:
        _remove(results.folder, name)
        if results.dataset is not None:
            _remove(results.folder, _sidecar(name))


def _is_of_one(results: Results) -> bool:
    """Whether these are the results of one participant, beside those of others."""
    return results.numbers.name != OWN_REPORT


def _results_in(results: Results) -> Iterator[Path]:
    """All files of the folder that have the name of a result, of one participant if asked so."""
    out = results.folder
    homes = [out]
    if results.dataset is not None:
        person = results.report if _is_of_one(results) else "sub-*"
        homes = [*out.glob(f"{person}/anat"), *out.glob(f"{person}/ses-*/anat")]
    for home in sorted(homes):
        yield from filter(is_own_result, images_in(home) if home.is_dir() else [])
    about = (out / f"{TABLE}.tsv", out / f"{TABLE}.json", results.page, results.numbers)
    yield from (path for path in about if path.exists())


def _changed(results: Results) -> Iterator[Path]:
    """The results of an earlier call, of one participant if asked so, that have other bytes now."""
    out = results.folder
    reports = _reports([results.numbers] if _is_of_one(results) else _places(out))
    for scan in (scan for report in reports.values() for scan in report["scans"]):
        known = scan.get("sha256")
        digests = known if isinstance(known, dict) else {}
        for kind, name in _files_of(scan, out):
            path = out / name
            if kind in digests and path.exists() and sha256_of(path) != digests[kind]:
                yield path


def _places(out: Path) -> list[Path]:
    """Where reports lie, or files that may be some."""
    return [out / OWN_REPORT, *out.glob("sub-*.json")]


def _reports(places: Iterable[Path]) -> dict[Path, dict[str, Any]]:
    """What the reports say. Each is read once: a call for somebody else may just remove its own."""
    found = {path: own_report(path) for path in places}
    return {path: report for path, report in found.items() if report is not None}


def _files_of(scan: dict[str, Any], out: Path) -> Iterator[tuple[str, str]]:
    """The kinds and the names of a scan's results, as a report gives them."""
    for kind in PLAIN:
        name = str(scan.get(kind) or "")
        if is_own_result(Path(name)) and _inside(out, name):
            yield kind, name


def _written(out: Path) -> list[str]:
    """The files of earlier calls below ``out``, by their reports, which come last."""
    reports = _reports(_places(out))
    if not reports:
        return []
    scans = [scan for report in reports.values() for scan in report["scans"]]
    names = [name for scan in scans for _, name in _files_of(scan, out)]
    sidecars = [_sidecar(name) for name in names if "/" in name]
    pages = [f"{path.stem}.html" for path in reports] + [f"{TABLE}.tsv", f"{TABLE}.json"]
    about = [DESCRIPTION, IGNORE] if is_own_derivative(out) else []
    return [*names, *sidecars, *pages, *about, *(path.name for path in reports)]


def _sidecar(name: str) -> str:
    return name.removesuffix(".nii.gz") + ".json"


def _inside(out: Path, name: str) -> bool:
    """Whether a name that a report gives leads nowhere else than into ``out``."""
    return (out / name).resolve().is_relative_to(out.resolve())


def _remove(out: Path, name: str) -> None:
    """Remove a file, and the folders below ``out`` that are empty then."""
    path = out / name
    path.unlink(missing_ok=True)
    with suppress(OSError):
        for folder in [parent for parent in path.parents if out in parent.parents]:
            folder.rmdir()
