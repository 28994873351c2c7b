"""Keep the results of two calls apart: those of an earlier one stay until there are new ones."""

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kdlib.data.bids import is_bids
from kdlib.data.formats import images_in, is_own_result
from kdlib.data.subject_files import DESCRIPTION, OWN_REPORT, is_own_derivative, own_report
from kdlib.errors import InputError, printable
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
    foreign = (out / DESCRIPTION).exists() and not is_own_derivative(out)
    if _is_raw(out) or (results.dataset is not None and foreign):
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


def refuse_other_scans(results: Results, flairs: Mapping[str, Path]) -> None:
    """Refuse a folder that has results of other scans than these.

    They would be removed. So they may be only if the user says so, which ``results.replace`` tells.

    Args:
        results: where the new results go.
        flairs: the FLAIR of each scan, by the subject's id. Another FLAIR of the same id is another
            scan.

    Raises:
        InputError: there are some. One line names one of them and the remedy.
    """
    if results.replace:
        return
    for scan in _earlier(results):
        name, flair = str(scan.get("subject")), flairs.get(str(scan.get("subject")))
        if flair is not None and scan.get("flair_sha256") in (None, sha256_of(flair)):
            continue
        if any((results.folder / file).exists() for _, file in _files_of(scan, results.folder)):
            what = "other scans, such as" if flair is None else "another scan that is called"
            remedy = "name another folder for the results, or give --replace to remove them"
            told = f"it has the results of {what} {printable(name)}"
            raise InputError(f"{results.folder}: {told}; {remedy}")


@dataclass(frozen=True)
class Replaced:
    """The results of earlier calls that a call replaces. They stay until there are new ones.

    Attributes:
        results: where the new ones go.
        scans: the new ones by the subject's id: the names that ``Results.names`` gives, and as
            ``known`` all digests (SHA-256) that each of these files may have, old or new.
        others: what the reports of the earlier calls say of files that are not overwritten.
        stale: these files.
        kept: what is known of scans whose old results stay, since they could not be segmented.
    """

    results: Results
    scans: Mapping[str, dict[str, Any]]
    others: list[dict[str, Any]]
    stale: list[str]
    kept: list[dict[str, Any]] = field(default_factory=list)

    def note(self) -> None:
        """Note all files, old and new. If the call is interrupted, the next one knows them."""
        told = [{"subject": subject, **files} for subject, files in self.scans.items()]
        note = {"notice": "This call was interrupted.", "left_out": []}
        write_text(self.results.numbers, json.dumps(note | {"scans": [*told, *self.others]}))

    def writes(self, subject: str, digests: Mapping[str, str], flair: str) -> None:
        """Note what a scan's files will be in a moment. The page and the table of before go."""
        files = self.scans[subject]
        known = files.setdefault("known", {})
        for kind, digest in digests.items():
            known.setdefault(kind, []).append(digest)
        files |= {"flair_sha256": flair}
        gone = [self.results.page]
        if not _is_of_one(self.results):
            gone.append(self.results.folder / f"{TABLE}.tsv")
        if self.results.dataset is not None:  # they are of the old mask, and a table reads them
            gone += [self.results.folder / _sidecar(files[kind]) for kind in digests]
        for path in gone:
            path.unlink(missing_ok=True)
        self.note()

    def fails(self, subject: str) -> None:
        """A scan could not be segmented: what was there of it stays, and is known later."""
        files = {"subject": subject, **self.scans[subject]}
        there = [(self.results.folder / name).exists() for name in _names_in(files)]
        self.kept.extend([files] if any(there) else [])

    def remove(self) -> int:
        """Remove what is stale, and return how many masks and maps these are."""
        out = self.results.folder
        there = [name for name in self.stale if (out / name).exists()]
        for name in there:
            _remove(out, name)
        return sum(is_own_result(Path(name)) for name in there)


def begin_results(results: Results, scans: Mapping[str, dict[str, Any]]) -> Replaced:
    """Note which files this call is going to write.

    ``scans`` are the names that ``Results.names`` gives, by the subject's id. A call that has a
    report for one participant replaces that participant's results only.
    """
    refuse_strange_results(results)
    earlier = list(_earlier(results))
    for scan in earlier:
        if (files := scans.get(str(scan.get("subject")))) is not None:
            known = files.setdefault("known", {})
            for kind, digests in _known(scan).items():
                if scan.get(kind) == files.get(kind):
                    known[kind] = [*dict.fromkeys([*known.get(kind, []), *digests])]
            files.setdefault("flair_sha256", scan.get("flair_sha256"))
    new = {name for files in scans.values() for name in _names_in(files)}
    new |= {_sidecar(name) for name in new} | {results.numbers.name}
    new |= set() if results.dataset is None else {DESCRIPTION, IGNORE}
    stale = [name for name in _own_files(results) if name not in new]
    others = [kept for scan in earlier if (kept := _without(scan, new, results.folder))]
    replaced = Replaced(results, scans, others, stale)
    replaced.note()
    return replaced


def remove_results(results: Results, names: Iterable[str]) -> None:
    """Remove these files of a scan's result, and what lies beside them in a BIDS derivative."""
    for name in names:
        _remove(results.folder, name)
        if results.dataset is not None:
            _remove(results.folder, _sidecar(name))


def _without(scan: dict[str, Any], new: Collection[str], out: Path) -> dict[str, Any]:
    """What a report says of a scan's files that are not among the ``new`` ones; may be nothing."""
    files = {kind: name for kind, name in _files_of(scan, out) if name not in new}
    known = {kind: digests for kind, digests in _known(scan).items() if kind in files}
    return {"subject": scan.get("subject"), **files, "known": known} if files else {}


def _known(scan: Mapping[str, Any]) -> dict[str, list[str]]:
    """The digests that a scan's files may have, as a finished report or a note says, by kind."""
    ended, noted = scan.get("sha256"), scan.get("known")
    found = {k: [one] for k, one in ended.items()} if isinstance(ended, dict) else {}
    return found | (noted if isinstance(noted, dict) else {})


def _names_in(files: Mapping[str, Any]) -> list[str]:
    return [str(files[kind]) for kind in PLAIN if kind in files]


def _is_raw(out: Path) -> bool:
    """Whether a folder is a raw BIDS dataset, or lies in the folder of one of its participants."""
    out = Path(os.path.realpath(out))
    for home in (out, *out.parents):
        if is_bids(home) and not is_own_derivative(home):
            parts = out.relative_to(home).parts
            return not parts or parts[0].startswith("sub-")
    return False


def _earlier(results: Results) -> Iterator[dict[str, Any]]:
    """What the reports of earlier calls say of each scan, of one participant if asked so."""
    own = [results.numbers] if _is_of_one(results) else _places(results.folder)
    for report in _reports(own).values():
        yield from _scans_of(report)


def _scans_of(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The scans of a report, and those whose older results it has kept."""
    kept = report.get("kept")
    return [*report["scans"], *(kept if isinstance(kept, list) else [])]


def _own_files(results: Results) -> list[str]:
    """The files of earlier calls, of one participant if asked so."""
    names = _written(results.folder)
    if not _is_of_one(results):
        return names
    own = (f"{results.report}/", f"{results.report}.")
    return [name for name in names if name.startswith(own)]


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
    for scan in _earlier(results):
        known = _known(scan)
        for kind, name in _files_of(scan, out):
            path = out / name
            if kind in known and path.exists() and sha256_of(path) not in known[kind]:
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
    scans = [scan for report in reports.values() for scan in _scans_of(report)]
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
