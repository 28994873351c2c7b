"""Scans that share a report, and all that is written about them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kdlib.data.labels import THRESHOLD
from kdlib.data.subjects import Subject
from kdlib.own_scans.check import Finding
from kdlib.own_scans.derivative import describe_derivative
from kdlib.own_scans.lesion_table import write_lesion_table
from kdlib.own_scans.old_results import begin_results, note_results
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
    results, cases, left_out = batch.results, batch.cases, batch.left_out
    files: Files = {
        case.id: {**results.names(case, brain=made.finds_brain)} for case, made in cases
    }
    removed = begin_results(results, files)
    describe_derivative(results)
    if not cases:
        write_numbers(results, {"what": what}, [], left_out)
        write_lesion_table(results, [])
        return Outcome([], [], removed)
    head = about([segmenter for _, segmenter in cases], what)
    answers = segment(cases, results, left_out, scored=scored, threshold=threshold, on_scan=on_scan)
    facts = write_scan_report(results, head, _noted(answers, results, files), left_out)
    write_lesion_table(results, facts)
    return Outcome(facts, head["missing"], removed)


def _noted(answers: Iterable[Answer], results: Results, files: Files) -> Iterator[Answer]:
    """The same answers. If the call is interrupted, the next one knows what is in their files."""
    for answer in answers:
        files[answer.facts["subject"]]["sha256"] = answer.facts["sha256"]
        note_results(results, files)
        yield answer
