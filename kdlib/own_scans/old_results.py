"""Refuse a folder whose results a call must not replace."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from kdlib.data.bids import is_bids
from kdlib.data.formats import images_in, is_own_result
from kdlib.data.subject_files import DESCRIPTION, OWN_REPORT, is_own_derivative, own_report
from kdlib.errors import InputError, printable
from kdlib.files import sha256_of
from kdlib.own_scans.earlier import earlier_scans, files_of, is_of_one, known_digests, written
from kdlib.own_scans.results import TABLE, Results


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
    if is_of_one(results) and own_report(out / OWN_REPORT) is not None:
        what = "this folder has the results of another command"
        raise InputError(f"{out}: {what}; name another folder")
    ours = {out / name for name in written(out)}
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
    for scan in earlier_scans(results):
        name, flair = str(scan.get("subject")), flairs.get(str(scan.get("subject")))
        if flair is not None and scan.get("flair_sha256") in (None, sha256_of(flair)):
            continue
        if any((results.folder / file).exists() for _, file in files_of(scan, results.folder)):
            what = "other scans, such as" if flair is None else "another scan that is called"
            remedy = "name another folder for the results, or give --replace to remove them"
            told = f"it has the results of {what} {printable(name)}"
            raise InputError(f"{results.folder}: {told}; {remedy}")


def _is_raw(out: Path) -> bool:
    """Whether a folder is a raw BIDS dataset, or lies in the folder of one of its participants."""
    out = Path(os.path.realpath(out))
    for home in (out, *out.parents):
        if is_bids(home) and not is_own_derivative(home):
            parts = out.relative_to(home).parts
            return not parts or parts[0].startswith("sub-")
    return False


def _results_in(results: Results) -> Iterator[Path]:
    """All files of the folder that have the name of a result, of one participant if asked so."""
    out = results.folder
    homes = [out]
    if results.dataset is not None:
        person = results.report if is_of_one(results) else "sub-*"
        homes = [*out.glob(f"{person}/anat"), *out.glob(f"{person}/ses-*/anat")]
    for home in sorted(homes):
        yield from filter(is_own_result, images_in(home) if home.is_dir() else [])
    about = (out / f"{TABLE}.tsv", out / f"{TABLE}.json", results.page, results.numbers)
    yield from (path for path in about if path.exists())


def _changed(results: Results) -> Iterator[Path]:
    """The results of an earlier call, of one participant if asked so, that have other bytes now."""
    out = results.folder
    for scan in earlier_scans(results):
        known = known_digests(scan)
        for kind, name in files_of(scan, out):
            path = out / name
            if kind in known and path.exists() and sha256_of(path) not in known[kind]:
                yield path
