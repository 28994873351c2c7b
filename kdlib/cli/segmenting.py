"""The commands that segment scans with a network as it is: ``predict`` and ``bids``."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kdlib.cli.options import (
    Device,
    Form,
    Orientation,
    SkipBad,
    make_writable,
)
from kdlib.data.labels import THRESHOLD
from kdlib.errors import InputError

if TYPE_CHECKING:
    from kdlib.data.subjects import Subject
    from kdlib.own_scans.batch import Batch
    from kdlib.own_scans.check import Finding
    from kdlib.own_scans.results import Results
    from kdlib.own_scans.segmenter import Segmenter

Out = Annotated[
    Path,
    typer.Option(
        help="Folder for masks, probability maps and the report. For a BIDS dataset it becomes a "
        "BIDS derivative."
    ),
]
RunFolder = Annotated[
    Path | None,
    typer.Option(
        "--run", help="Folder of a finished run or of a kept network. Default: the starter."
    ),
]
Replace = Annotated[
    bool,
    typer.Option(
        "--replace", help="Remove the results that --out has of other scans. Else they are refused."
    ),
]
APPLIED = "A finished network was applied to these scans; nothing was adapted to them."
STARTER = "The starter, which learnt from simulated people, was applied to these scans as it is."
Threshold = Annotated[
    float, typer.Option(help="A voxel is lesion if its probability is at least this.")
]


class Level(StrEnum):
    """What a BIDS app does: one participant after the other, or all together."""

    PARTICIPANT = "participant"
    GROUP = "group"


def predict(
    places: Annotated[
        list[Path],
        typer.Argument(
            metavar="[RUN] SCANS...",
            help="Scans, or folders of scans. The folder of a finished run, or of a network that "
            "'kdlib adapt --keep' wrote, may come first.",
        ),
    ],
    out: Out,
    run: RunFolder = None,
    t1: Annotated[
        Path | None, typer.Option(help="T1 of a single scan, for a run that uses it.")
    ] = None,
    evaluate: Annotated[
        bool, typer.Option(help="Score the result against the masks beside the scans.")
    ] = False,
    threshold: Threshold = THRESHOLD,
    replace: Replace = False,
    skip_bad: SkipBad = False,
    orientation: Orientation = None,
    form: Form = None,
    device: Device = "auto",
) -> None:
    """Segment scans with the starter or a finished run, without adapting it."""
    from kdlib.data.forms import Reading
    from kdlib.own_scans.adapt import scans_at
    from kdlib.own_scans.batch import Batch
    from kdlib.study.progress import count_bar

    _check_threshold(threshold)
    run, scans = _run_and_scans(places, run)
    segmenter = _segmenter(run, device)
    with count_bar("scans checked", passing=True) as on_subject:
        subjects, left_out = scans_at(
            scans, t1=t1, inputs=segmenter.recipe.inputs, reading=Reading(orientation, form),
            skip_bad=skip_bad, scored=evaluate, on_subject=on_subject,
        )  # fmt: skip
    results = ready_results(scans, out, subjects, scored=evaluate, replace=replace)
    batch = Batch(results, [(subject, segmenter) for subject in subjects], left_out)
    segment_batches([batch], APPLIED if run else STARTER, scored=evaluate, threshold=threshold)


def bids(
    bids_dir: Annotated[Path, typer.Argument(help="Folder of a BIDS dataset.")],
    out_dir: Annotated[Path, typer.Argument(help="Folder for the BIDS derivative.")],
    level: Annotated[
        Level,
        typer.Argument(help="participant: segment. group: write the table of all participants."),
    ],
    more_labels: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    participant_label: Annotated[
        list[str] | None,
        typer.Option(
            "--participant-label",
            "--participant_label",
            help="Participants, with or without sub-. Default: all. Several can follow.",
        ),
    ] = None,
    run: RunFolder = None,
    threshold: Threshold = THRESHOLD,
    replace: Replace = False,
    skip_bad: SkipBad = False,
    orientation: Orientation = None,
    form: Form = None,
    device: Device = "auto",
) -> None:
    """Segment a BIDS dataset as a BIDS app: each participant has results of its own.

    Results of other participants stay, so calls for several participants may run side by side. Then
    a call with ``group`` writes the table ``lesions.tsv`` of all of them.
    """
    from kdlib.data.forms import Reading
    from kdlib.own_scans.bids_app import of_each_participant, participants_named
    from kdlib.own_scans.lesion_table import gather_lesion_table
    from kdlib.own_scans.old_results import refuse_other_scans, refuse_strange_results
    from kdlib.study.progress import count_bar

    _check_threshold(threshold)
    if more_labels and not participant_label:
        raise InputError(f"{more_labels[0]}: this word is too many; name participants by their "
                         "labels after --participant-label")  # fmt: skip
    people = participants_named(bids_dir, [*(participant_label or []), *(more_labels or [])])
    if level is Level.GROUP:
        print(f"{out_dir / 'lesions.tsv'}: scans in it: {gather_lesion_table(out_dir)}")
        return
    segmenter = _segmenter(run, device)
    with count_bar("scans checked", passing=True) as on_subject:
        batches = of_each_participant(
            bids_dir, out_dir, people, segmenter, reading=Reading(orientation, form),
            skip_bad=skip_bad, replace=replace, on_subject=on_subject,
        )  # fmt: skip
    make_writable(out_dir)
    for batch in batches:
        refuse_strange_results(batch.results)
        refuse_other_scans(batch.results, batch.flairs)
    segment_batches(batches, APPLIED if run else STARTER, threshold=threshold)


def say_left_out(left_out: "list[Finding]") -> None:
    """The scans that were left out, and why, on the screen."""
    from kdlib.own_scans.check import problem_lines

    if left_out:
        print(f"Left out ({len(left_out)}):")
        print(*problem_lines(left_out), sep="\n")


def say_how_to_open(ids: "Iterable[str]") -> None:
    """How to open tables with these ids where Excel would change one, on the screen."""
    from kdlib.report.table_files import excel_hint

    if hint := excel_hint(ids):
        print(hint)


def _check_threshold(threshold: float) -> None:
    if not 0 < threshold <= 1:
        raise InputError(f"--threshold {threshold:g}: write a number above 0 and at most 1")


def _run_and_scans(places: list[Path], run: Path | None) -> tuple[Path | None, list[Path]]:
    """Which run or kept network is named, if any, and which scans. Its folder may come first."""
    if run is None and _holds_network(places[0]):
        run, places = places[0], places[1:]
    if not places:
        raise InputError(f"{run}: this is a run; name the scans to segment after it")
    for place in places:
        if _holds_network(place):
            raise InputError(f"{place}: this is a run and no scan; name one run, first or by --run")
    return run, places


def _holds_network(folder: Path) -> bool:
    from kdlib.starter.starter import holds_lesion_network

    return (folder / "scenario.json").exists() or holds_lesion_network(folder)


def _segmenter(run: Path | None, device: str) -> "Segmenter":
    """The run or the kept network in a folder, or the starter if none is named."""
    from kdlib.own_scans.of_starter import StarterSegmenter
    from kdlib.own_scans.segmenter import of_runs
    from kdlib.starter.starter import holds_lesion_network, load_starter, read_starter
    from kdlib.study.run import Run

    if run is None:
        return StarterSegmenter(load_starter(), device)
    if holds_lesion_network(run):
        return StarterSegmenter(read_starter(run), device)
    return of_runs([Run(run)], device)[0]


def segment_batches(
    batches: "Sequence[Batch]", what: str, *, scored: bool = False, threshold: float = THRESHOLD
) -> None:
    """Segment all batches, and say on the screen what became of them.

    Raises ``typer.Exit`` with status 1 if a scan failed on the way, or none could be segmented.
    """
    from kdlib.own_scans.batch import segment_batch
    from kdlib.study.progress import count_bar

    done, total = count(1), sum(len(batch.cases) for batch in batches)
    with count_bar("scans segmented") as on_scan:
        outcomes = [
            segment_batch(
                batch, what, scored=scored, threshold=threshold,
                on_scan=lambda: on_scan(next(done), total),
            )
            for batch in batches
        ]  # fmt: skip
    facts = [fact for outcome in outcomes for fact in outcome.facts]
    pages = [batch.results.page for batch in batches if batch.cases]
    home = batches[0].results.folder
    told = f"The report: {pages[0]}" if len(pages) == 1 else f"Reports in {home}: {len(pages)}"
    print(f"Scans segmented: {len(facts)}. {told}")
    if removed := sum(outcome.removed for outcome in outcomes):
        print(f"Masks and maps of an earlier call that were removed: {removed}")
    for sentence in dict.fromkeys(why for outcome in outcomes for why in outcome.missing):
        print(sentence)
    if verdicts := [fact["adapted"] for fact in facts if "adapted" in fact]:
        print(f"Scans whose result is an adapted network's: {sum(verdicts)} of {len(verdicts)}.")
    for subject, doubt in ((fact["subject"], doubt) for fact in facts for doubt in fact["doubts"]):
        print(f"{subject}: {doubt}")
    say_left_out([finding for batch in batches for finding in batch.left_out])
    say_how_to_open(fact["subject"] for fact in facts)
    if len(facts) < max(total, 1):
        raise typer.Exit(1)


def ready_results(
    places: list[Path],
    out: Path,
    subjects: "Sequence[Subject]",
    *,
    scored: bool,
    replace: bool = False,
) -> "Results":
    """Where results go, before hours are spent on what fills it.

    Raises:
        InputError: results of others are in the way, or there is no mask to score against.
    """
    from kdlib.own_scans.old_results import refuse_other_scans, refuse_strange_results
    from kdlib.own_scans.results import results_for

    if scored and all(subject.label is None for subject in subjects):
        raise InputError(
            "--evaluate: none of these scans has a mask; add masks, or leave --evaluate out"
        )
    make_writable(out)
    results = results_for(places, out, replace=replace)
    refuse_strange_results(results)
    refuse_other_scans(results, {subject.id: subject.scan.flair for subject in subjects})
    return results
