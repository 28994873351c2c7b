"""What the reports of earlier calls tell of the results in a folder."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kdlib.data.formats import is_own_result
from kdlib.data.subject_files import DESCRIPTION, OWN_REPORT, is_own_derivative, own_report
from kdlib.own_scans.results import PLAIN, TABLE, Results

IGNORE = ".bidsignore"


def earlier_scans(results: Results) -> Iterator[dict[str, Any]]:
    """What the reports of earlier calls say of each scan, of one participant if asked so."""
    own = [results.numbers] if is_of_one(results) else _places(results.folder)
    for report in _reports(own).values():
        yield from _scans_of(report)


def files_of(scan: dict[str, Any], out: Path) -> Iterator[tuple[str, str]]:
    """The kinds and the names of a scan's results, as a report gives them."""
    for kind in PLAIN:
        name = str(scan.get(kind) or "")
        if is_own_result(Path(name)) and _inside(out, name):
            yield kind, name


def known_digests(scan: Mapping[str, Any]) -> dict[str, list[str]]:
    """The digests that a scan's files may have, as a finished report or a note says, by kind."""
    ended, noted = scan.get("sha256"), scan.get("known")
    found = {k: [one] for k, one in ended.items()} if isinstance(ended, dict) else {}
    return found | (noted if isinstance(noted, dict) else {})


def own_files(results: Results) -> list[str]:
    """The files of earlier calls, of one participant if asked so."""
    names = written(results.folder)
    if not is_of_one(results):
        return names
    own = (f"{results.report}/", f"{results.report}.")
    return [name for name in names if name.startswith(own)]


def written(out: Path) -> list[str]:
    """The files of earlier calls below ``out``, by their reports, which come last."""
    reports = _reports(_places(out))
    if not reports:
        return []
    scans = [scan for report in reports.values() for scan in _scans_of(report)]
    names = [name for scan in scans for _, name in files_of(scan, out)]
    sidecars = [sidecar(name) for name in names if "/" in name]
    pages = [f"{path.stem}.html" for path in reports] + [f"{TABLE}.tsv", f"{TABLE}.json"]
    about = [DESCRIPTION, IGNORE] if is_own_derivative(out) else []
    return [*names, *sidecars, *pages, *about, *(path.name for path in reports)]


def is_of_one(results: Results) -> bool:
    """Whether these are the results of one participant, beside those of others."""
    return results.numbers.name != OWN_REPORT


def sidecar(name: str) -> str:
    """The name of the JSON file beside a mask or a map of a BIDS derivative."""
    return name.removesuffix(".nii.gz") + ".json"


def _scans_of(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The scans of a report, and those whose older results it has kept."""
    kept = report.get("kept")
    return [*report["scans"], *(kept if isinstance(kept, list) else [])]


def _places(out: Path) -> list[Path]:
    """Where reports lie, or files that may be some."""
    return [out / OWN_REPORT, *out.glob("sub-*.json")]


def _reports(places: Iterable[Path]) -> dict[Path, dict[str, Any]]:
    """What the reports say. Each is read once: a call for somebody else may just remove its own."""
    found = {path: own_report(path) for path in places}
    return {path: report for path, report in found.items() if report is not None}


def _inside(out: Path, name: str) -> bool:
    """Whether a name that a report gives leads nowhere else than into ``out``."""
    return (out / name).resolve().is_relative_to(out.resolve())
