"""Scans that share a report, and all that is written about them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kdlib.data.labels import THRESHOLD
from kdlib.data.subjects import Subject
from kdlib.one_at_a_time import alone_in
from kdlib.own_scans.check import Finding
from kdlib.own_scans.derivative import describe_derivative
from kdlib.own_scans.lesion_table import write_lesion_table
from kdlib.own_scans.old_results import refuse_other_scans
from kdlib.own_scans.replaced import Replaced, begin_results
from kdlib.own_scans.results import Results
from kdlib.own_scans.scan_report import about, write_numbers, write_scan_report
from kdlib.own_scans.segmentation import Answer, segment
from kdlib.own_scans.segmenter import Segmenter

Files = dict[str, dict[str, Any]]  # of each scan's result, by the subject's id


@dataclass(frozen=True)
class Batch:
    """Scans that share a report.

    Attributes:
        results: where their results go.
        cases: each scan, and what segments it. If there is none, only the report's numbers are
            written, which say why.
        left_out: what is wrong with the scans that are not segmented. Those that fail on the way
            are added.
    """

    results: Results
    cases: Sequence[tuple[Subject, Segmenter]]
    left_out: list[Finding]

    @property
    def flairs(self) -> dict[str, Path]:
        """The FLAIR of each scan that is segmented, by the subject's id."""
        return {case.id: case.scan.flair for case, _ in self.cases}


@dataclass(frozen=True)
class Outcome:
    """What became of a batch.

    Attributes:
        facts: what was found in each scan.
        missing: sentences about what the networks cannot tell.
        removed: how many files of an earlier call's results were removed.
    """

    facts: list[dict[str, Any]]
    missing: list[str]
    removed: int


def segment_batch(
    batch: Batch,
    what: str,
    *,
    scored: bool = False,
    threshold: float = THRESHOLD,
    on_scan: Callable[[], None] = lambda: None,
) -> Outcome:
    """Segment a batch, and write masks, maps, the report and the table of lesions.

    ``what`` is a sentence for the report. The other arguments are as in ``segment``.
    """
    with alone_in(batch.results.folder, batch.results.report):
        return _segment_alone(batch, what, scored, threshold, on_scan)


def _segment_alone(
    batch: Batch, what: str, scored: bool, threshold: float, on_scan: Callable[[], None]
) -> Outcome:
    results, cases, left_out = batch.results, batch.cases, batch.left_out
    refuse_other_scans(results, batch.flairs)  # another call may have ended just now
    files: Files = {
        case.id: {**results.names(case, brain=made.finds_brain)} for case, made in cases
    }
    replaced = begin_results(results, files)
    describe_derivative(results)
    if not cases:
        removed = replaced.remove()
        write_numbers(results, {"what": what}, [], left_out)
        write_lesion_table(results, [])
        return Outcome([], [], removed)
    head = about([segmenter for _, segmenter in cases], what) | {"kept": replaced.kept}
    answers = segment(
        cases, results, left_out, scored=scored, threshold=threshold, on_scan=on_scan,
        on_write=replaced.writes, on_failure=replaced.fails,
    )  # fmt: skip
    counts: list[int] = []
    facts = write_scan_report(results, head, _noted(answers, replaced, counts), left_out)
    write_lesion_table(results, facts)
    return Outcome(facts, head["missing"], sum(counts))


def _noted(answers: Iterable[Answer], replaced: Replaced, counts: list[int]) -> Iterator[Answer]:
    """The same answers. After the last one stale results go, and are counted."""
    yield from answers
    counts.append(replaced.remove())
