"""The commands that segment scans: ``adapt``, ``predict`` and ``bids``."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kdlib.cli.options import (
    Device,
    Form,
    Orientation,
    Seed,
    Settings,
    SkipBad,
    StoreFolder,
    Threads,
    make_writable,
    parsed,
)
from kdlib.errors import InputError

if TYPE_CHECKING:
    from kdlib.data.forms import Reading
    from kdlib.data.subjects import Subject
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
    Path | None, typer.Option("--run", help="Folder of a finished run. Default: the starter.")
]
APPLIED = "A finished network was applied to these scans; nothing was adapted to them."
STARTER = "The starter, which learnt from simulated people, was applied to these scans as it is."


class Level(StrEnum):
    """What a BIDS app does: one participant after the other, or all together."""

    PARTICIPANT = "participant"
    GROUP = "group"


def adapt(
    target: Annotated[Path, typer.Option(help="Folder of scans to adapt to, or one scan.")],
    out: Out,
    source: Annotated[
        Path | None,
        typer.Option(help="Folder of scans with masks, for a teacher. Default: the starter."),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="The method. Default: distillation, or adabn without a source, which is one of "
            "the methods that need none."
        ),
    ] = None,
    on_the_fly: Annotated[bool, typer.Option(help="Adapt to each scan alone.")] = False,
    evaluate: Annotated[
        bool, typer.Option(help="Score the result against the target's masks, at the end.")
    ] = False,
    skip_bad: SkipBad = False,
    orientation: Orientation = None,
    form: Form = None,
    study: Annotated[
        str | None,
        typer.Option(
            help="Study whose recipe is used with a source: a name or a .toml file. Default: demo."
        ),
    ] = None,
    seed: Seed = 0,
    setting: Settings = None,
    folder: StoreFolder = Path("runs"),
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Adapt the starter, or a network of a source, to scans without masks, and segment them.

    Without a source nothing but the scans is needed. The starter's own masks are the result if no
    clear gain is expected. Writes masks, maps and a report. With a source all cores train, unless
    --threads says otherwise.
    """
    import torch

    from kdlib.data.forms import Reading

    reading = Reading(orientation, form)
    if source is None:
        if study is not None:
            raise InputError(f"--study {study}: the starter has a recipe of its own; leave --study "
                             "out, or name a --source")  # fmt: skip
        _adapt_starter(target, out, method or "adabn", on_the_fly=on_the_fly, evaluate=evaluate,
                       skip_bad=skip_bad, reading=reading, seed=seed, setting=setting,
                       device=device)  # fmt: skip
        return
    from kdlib.own_scans.adapt import plan_adaptation
    from kdlib.own_scans.old_results import refuse_strange_results
    from kdlib.own_scans.results import results_for
    from kdlib.own_scans.segmenter import of_runs
    from kdlib.study.progress import count_bar, trainings
    from kdlib.study.store import Store

    method = method or "distillation"
    with count_bar("scans checked", passing=True) as on_subject:
        plan = plan_adaptation(
            source, target, method=method, study=study or "demo",
            settings={"seed": seed} | parsed(setting), on_the_fly=on_the_fly, reading=reading,
            skip_bad=skip_bad, on_subject=on_subject,
        )  # fmt: skip
    if evaluate:
        _refuse_without_masks(plan.subjects)
    make_writable(out)
    results = results_for([target], out)
    refuse_strange_results(results)
    store = Store(folder, plan.clinics, device, threads or torch.get_num_threads())
    with trainings(store.missing(plan.scenarios)) as on_progress:
        runs = plan.runs(store, on_progress=on_progress)
    cases = list(zip(plan.subjects, of_runs(runs, device), strict=True))
    what = f"A student of a teacher of another clinic was made by {method}, {_how(on_the_fly)}."
    _segment(cases, what, results, left_out=plan.left_out, scored=evaluate)


def _adapt_starter(
    target: Path,
    out: Path,
    method: str,
    *,
    on_the_fly: bool,
    evaluate: bool,
    skip_bad: bool,
    reading: "Reading",
    seed: int,
    setting: list[str] | None,
    device: str,
) -> None:
    from kdlib.own_scans.adapt import scans_at
    from kdlib.own_scans.adapt_starter import StudentSegmenter
    from kdlib.own_scans.old_results import refuse_strange_results
    from kdlib.own_scans.results import results_for
    from kdlib.own_scans.source_free import source_free_scenario
    from kdlib.starter.starter import load_starter
    from kdlib.study.progress import count_bar

    starter = load_starter()
    scenario = source_free_scenario(
        starter, method, seed=seed, settings=parsed(setting), on_the_fly=on_the_fly
    )
    student = StudentSegmenter(starter, scenario, device)
    with count_bar("scans checked", passing=True) as on_subject:
        subjects, left_out = scans_at(
            [target], inputs=starter.recipe.inputs, reading=reading, skip_bad=skip_bad,
            on_subject=on_subject,
        )  # fmt: skip
    if evaluate:
        _refuse_without_masks(subjects)
    make_writable(out)
    results = results_for([target], out)
    refuse_strange_results(results)
    what = f"The starter learnt from simulated people. It was adapted by {method}, "
    what += f"{_how(on_the_fly)} and without a source."
    if not on_the_fly:
        with count_bar("brains found") as on_scan, count_bar("steps") as on_step:
            student.adapt(subjects, on_scan=on_scan, on_step=on_step)
    if student.verdict is not None:
        what += f" {student.verdict.said}"
        print(student.verdict.said)
    cases = [(subject, student) for subject in subjects]
    _segment(cases, what, results, left_out=left_out, scored=evaluate)


def _how(on_the_fly: bool) -> str:
    alone = "on each of these scans alone" if on_the_fly else "on these scans together"
    return f"{alone}, without labels"


def predict(
    places: Annotated[
        list[Path],
        typer.Argument(
            metavar="[RUN] SCANS...",
            help="Scans, or folders of scans. The folder of a finished run may come first.",
        ),
    ],
    run: RunFolder = None,
    out: Out = Path(),
    t1: Annotated[
        Path | None, typer.Option(help="T1 of a single scan, for a run that uses it.")
    ] = None,
    evaluate: Annotated[
        bool, typer.Option(help="Score the result against the masks beside the scans.")
    ] = False,
    skip_bad: SkipBad = False,
    orientation: Orientation = None,
    form: Form = None,
    device: Device = "auto",
) -> None:
    """Segment scans with the starter or a finished run, without adapting it."""
    from kdlib.data.forms import Reading
    from kdlib.own_scans.adapt import scans_at
    from kdlib.own_scans.old_results import refuse_strange_results
    from kdlib.own_scans.results import results_for
    from kdlib.study.progress import count_bar

    run, scans = _run_and_scans(places, run)
    segmenter = _segmenter(run, device)
    with count_bar("scans checked", passing=True) as on_subject:
        subjects, left_out = scans_at(
            scans, t1=t1, inputs=segmenter.recipe.inputs, reading=Reading(orientation, form),
            skip_bad=skip_bad, on_subject=on_subject,
        )  # fmt: skip
    if evaluate:
        _refuse_without_masks(subjects)
    make_writable(out)
    results = results_for(scans, out)
    refuse_strange_results(results)
    cases = [(subject, segmenter) for subject in subjects]
    _segment(cases, APPLIED if run else STARTER, results, left_out=left_out, scored=evaluate)


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
        typer.Option(help="Participants, with or without sub-. Default: all. Several can follow."),
    ] = None,
    run: RunFolder = None,
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
    from kdlib.own_scans.old_results import refuse_strange_results
    from kdlib.study.progress import count_bar

    if more_labels and not participant_label:
        raise InputError(f"{more_labels[0]}: this word is too many; name participants by their "
                         "labels after --participant-label")  # fmt: skip
    people = participants_named(bids_dir, [*(participant_label or []), *(more_labels or [])])
    if level is Level.GROUP:
        print(f"{out_dir / 'lesions.tsv'}: scans in it: {gather_lesion_table(out_dir)}")
        return
    segmenter = _segmenter(run, device)
    with count_bar("scans checked", passing=True) as on_subject:
        parts, left_out = of_each_participant(
            bids_dir, out_dir, people, inputs=segmenter.recipe.inputs,
            reading=Reading(orientation, form), skip_bad=skip_bad, on_subject=on_subject,
        )  # fmt: skip
    make_writable(out_dir)
    for results, _ in parts:
        refuse_strange_results(results)
    for results, subjects in parts:
        own = [bad for bad in left_out if bad.subject.partition("_")[0] == results.report]
        cases = [(subject, segmenter) for subject in subjects]
        _segment(cases, APPLIED if run else STARTER, results, left_out=own, scored=False)


def say_left_out(left_out: "list[Finding]") -> None:
    """What --skip-bad went on without, on the screen."""
    from kdlib.own_scans.check import problem_lines

    if left_out:
        print(f"Left out because they are wrong or doubtful ({len(left_out)}):")
        print(*problem_lines(left_out), sep="\n")


def _run_and_scans(places: list[Path], run: Path | None) -> tuple[Path | None, list[Path]]:
    """Which run is named, if any, and which scans. A folder that holds a run may come first."""
    if run is None and (places[0] / "scenario.json").exists():
        run, places = places[0], places[1:]
    if not places:
        raise InputError(f"{run}: this is a run; name the scans to segment after it")
    for place in places:
        if (place / "scenario.json").exists():
            raise InputError(f"{place}: this is a run and no scan; name one run, first or by --run")
    return run, places


def _segmenter(run: Path | None, device: str) -> "Segmenter":
    """The run in a folder, or the starter if none is named."""
    from kdlib.own_scans.segmenter import of_runs
    from kdlib.study.run import Run

    if run is not None:
        return of_runs([Run(run)], device)[0]
    from kdlib.own_scans.of_starter import StarterSegmenter
    from kdlib.starter.starter import load_starter

    return StarterSegmenter(load_starter(), device)


def _segment(
    cases: "Sequence[tuple[Subject, Segmenter]]",
    what: str,
    results: "Results",
    *,
    left_out: "list[Finding]",
    scored: bool,
) -> None:
    from kdlib.own_scans.check import problem_lines
    from kdlib.own_scans.derivative import describe_derivative
    from kdlib.own_scans.lesion_table import write_lesion_table
    from kdlib.own_scans.old_results import begin_results
    from kdlib.own_scans.scan_report import about, write_scan_report
    from kdlib.own_scans.segmentation import segment
    from kdlib.study.progress import count_bar

    files = [(case.id, results.names(case, brain=made.finds_brain)) for case, made in cases]
    begin_results(results, files)
    describe_derivative(results)
    head = about([segmenter for _, segmenter in cases], what)
    with count_bar("scans segmented") as on_subject:
        answers = segment(
            cases, results, scored=scored, on_subject=lambda done: on_subject(done, len(cases))
        )
        facts = write_scan_report(results, head, answers, problem_lines(left_out))
    write_lesion_table(results, facts)
    print(f"Scans segmented: {len(cases)}. The report: {results.page}")
    for sentence in head["missing"]:
        print(sentence)
    for subject, doubt in ((fact["subject"], doubt) for fact in facts for doubt in fact["doubts"]):
        print(f"{subject}: {doubt}")
    say_left_out(left_out)


def _refuse_without_masks(subjects: "Iterable[Subject]") -> None:
    if all(subject.label is None for subject in subjects):
        raise InputError(
            "--evaluate: none of these scans has a mask; add masks, or leave --evaluate out"
        )
