"""Replace the results of earlier calls one by one: they stay until there are new ones."""

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kdlib.data.formats import is_own_result
from kdlib.data.subject_files import DESCRIPTION
from kdlib.files import write_text
from kdlib.own_scans.earlier import (
    IGNORE,
    earlier_scans,
    files_of,
    is_of_one,
    known_digests,
    own_files,
    sidecar,
)
from kdlib.own_scans.old_results import refuse_strange_results
from kdlib.own_scans.results import PLAIN, TABLE, Results


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
        if not is_of_one(self.results):
            gone.append(self.results.folder / f"{TABLE}.tsv")
        if self.results.dataset is not None:  # they are of the old mask, and a table reads them
            gone += [self.results.folder / sidecar(files[kind]) for kind in digests]
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
    earlier = list(earlier_scans(results))
    for scan in earlier:
        if (files := scans.get(str(scan.get("subject")))) is not None:
            known = files.setdefault("known", {})
            for kind, digests in known_digests(scan).items():
                if scan.get(kind) == files.get(kind):
                    known[kind] = [*dict.fromkeys([*known.get(kind, []), *digests])]
            files.setdefault("flair_sha256", scan.get("flair_sha256"))
    new = {name for files in scans.values() for name in _names_in(files)}
    new |= {sidecar(name) for name in new} | {results.numbers.name}
    new |= set() if results.dataset is None else {DESCRIPTION, IGNORE}
    stale = [name for name in own_files(results) if name not in new]
    others = [kept for scan in earlier if (kept := _without(scan, new, results.folder))]
    replaced = Replaced(results, scans, others, stale)
    replaced.note()
    return replaced


def _without(scan: dict[str, Any], new: Collection[str], out: Path) -> dict[str, Any]:
    """What a report says of a scan's files that are not among the ``new`` ones; may be nothing."""
    files = {kind: name for kind, name in files_of(scan, out) if name not in new}
    known = {kind: digests for kind, digests in known_digests(scan).items() if kind in files}
    return {"subject": scan.get("subject"), **files, "known": known} if files else {}


def _names_in(files: Mapping[str, Any]) -> list[str]:
    return [str(files[kind]) for kind in PLAIN if kind in files]


def _remove(out: Path, name: str) -> None:
    """Remove a file, and the folders below ``out`` that are empty then."""
    path = out / name
    path.unlink(missing_ok=True)
    with suppress(OSError):
        for folder in [parent for parent in path.parents if out in parent.parents]:
            folder.rmdir()
