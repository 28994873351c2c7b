"""Keep the results of two calls apart: what an earlier call wrote into a folder goes first."""

import json
from collections.abc import Iterable
from pathlib import Path

from kdlib.data.formats import is_own_result
from kdlib.data.subject_files import OWN_REPORT, is_own_report
from kdlib.errors import InputError
from kdlib.files import write_text

PAGE = "report.html"


def result_names(subject: str) -> dict[str, str]:
    """The names of the files that a subject's result has: its ``mask`` and its ``probability``."""
    return {kind: f"{subject}_lesion_{kind}.nii.gz" for kind in ("mask", "probability")}


def refuse_strange_results(out: Path) -> None:
    """Refuse a folder with masks or maps of which no report of kdlib says that kdlib wrote them.

    Raises:
        InputError: there is such a file. It may be somebody's own work, so it is not replaced.
    """
    ours = _written(out)
    for path in sorted(out.iterdir()) if out.is_dir() else []:
        if is_own_result(path) and path.name not in ours:
            what = "there is a result already of which no report tells where it is from"
            raise InputError(f"{path}: {what}; move it away, or name another folder with --out")


def begin_results(out: Path, subjects: Iterable[str]) -> None:
    """Remove the results of an earlier call, and note which files this call is going to write.

    So the results of a call that was interrupted are known, and the next call removes them.
    """
    refuse_strange_results(out)
    for name in _written(out):
        (out / name).unlink(missing_ok=True)
    scans = [{"subject": subject, **result_names(subject)} for subject in subjects]
    note = {"notice": "This call was interrupted.", "left_out": [], "scans": scans}
    write_text(out / OWN_REPORT, json.dumps(note, indent=1))


def _written(out: Path) -> list[str]:
    """The files of an earlier call, by its report."""
    if not is_own_report(out / OWN_REPORT):
        return []
    scans = json.loads((out / OWN_REPORT).read_bytes())["scans"]
    names = [str(scan.get(kind)) for scan in scans for kind in ("mask", "probability")]
    return [PAGE, *(name for name in names if is_own_result(Path(name)) and "/" not in name)]
