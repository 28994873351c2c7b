"""The commands for real scans: fetch, check, adapt, predict."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kdlib.cli.options import (
    Device,
    Form,
    Observer,
    Orientation,
    RecipeOf,
    Seed,
    Settings,
    SkipBad,
    StoreFolder,
    make_writable,
    parsed,
)
from kdlib.errors import InputError

if TYPE_CHECKING:
    from kdlib.data.subjects import Subject
    from kdlib.own_scans.check import Finding
    from kdlib.study.run import Run

Out = Annotated[Path, typer.Option(help="Folder for masks, probability maps and the report.")]


def fetch(
    folder: Annotated[Path, typer.Argument(help="Folder to fill, in the challenge's layout.")],
    only: Annotated[str | None, typer.Option(help="training or test. Default: both.")] = None,
    clinic: Annotated[
        str | None, typer.Option(help="One clinic, for example utrecht. Default: all.")
    ] = None,
) -> None:
    """Download the WMH challenge's data (8.8 GB, CC BY-NC 4.0), or what is missing of it."""
    from kdlib.data.download import NOTICE
    from kdlib.data.download import fetch as fetch_data
    from kdlib.study.progress import count_bar

    print(NOTICE)
    with count_bar("bytes") as on_bytes:
        done = fetch_data(
            folder, only=only, clinic=clinic,
            on_progress=lambda _, done_bytes, total_bytes: on_bytes(done_bytes, total_bytes),
        )  # fmt: skip
    print(f"{folder}: {done.fetched} files fetched, {done.already_whole} were there already")


def check(
    place: Annotated[Path, typer.Argument(help="Folder of scans, or one scan.")],
    inputs: Annotated[str, typer.Option(help="Images to check: flair or flair+t1.")] = "flair",
    observer: Observer = None,
    orientation: Orientation = None,
    form: Form = None,
    study: RecipeOf = "demo",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Describe each scan and say what is wrong with it, or may be.

    If a scan cannot be used, the exit status is 1.
    """
    from kdlib.data.clinics import open_clinics
    from kdlib.data.forms import Reading
    from kdlib.own_scans.check import examine_all
    from kdlib.study.progress import count_bar
    from kdlib.study.study import load_study

    clinics = open_clinics(place, observer=observer, reading=Reading(orientation, form))
    window = load_study(study).recipe.preparation
    with count_bar("scans", passing=True) as on_subject:
        examined = examine_all([clinics], inputs=inputs, window=window, on_subject=on_subject)
        findings = [finding for _, finding in examined]
    doubtful = sum(bool(finding.doubts) for finding in findings)
    bad = [finding for finding in findings if finding.problems]
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        _print_table(findings)
        usable = f"{len(findings) - len(bad)} of {len(findings)} subjects can be used"
        print(f"{usable}; {doubtful} may be wrong" if doubtful else usable)
    raise typer.Exit(1 if bad else 0)


def adapt(
    source: Annotated[Path, typer.Option(help="Folder of scans with masks, for the teacher.")],
    target: Annotated[Path, typer.Option(help="Folder of scans to adapt to, or one scan.")],
    out: Out,
    on_the_fly: Annotated[bool, typer.Option(help="Adapt to each scan alone.")] = False,
    evaluate: Annotated[
        bool, typer.Option(help="Score the result against the target's masks, at the end.")
    ] = False,
    skip_bad: SkipBad = False,
    orientation: Orientation = None,
    form: Form = None,
    study: RecipeOf = "demo",
    seed: Seed = 0,
    setting: Settings = None,
    folder: StoreFolder = Path("runs"),
    device: Device = "auto",
) -> None:
    """Adapt a network to scans without masks, and segment them. Writes masks, maps and a report."""
    from kdlib.data.forms import Reading
    from kdlib.own_scans.adapt import plan_adaptation
    from kdlib.own_scans.old_results import refuse_strange_results
    from kdlib.study.progress import count_bar, trainings
    from kdlib.study.store import Store

    with count_bar("scans checked", passing=True) as on_subject:
        plan = plan_adaptation(
            source, target, study=study, settings={"seed": seed} | parsed(setting),
            on_the_fly=on_the_fly, reading=Reading(orientation, form), skip_bad=skip_bad,
            on_subject=on_subject,
        )  # fmt: skip
    if evaluate:
        _refuse_without_masks(plan.subjects)
    make_writable(out)
    refuse_strange_results(out)
    store = Store(folder, plan.clinics, device)
    with trainings(store.missing(plan.scenarios)) as on_progress:
        runs = plan.runs(store, on_progress=on_progress)
    cases = list(zip(plan.subjects, runs, strict=True))
    alone = "on each of these scans alone" if on_the_fly else "on these scans together"
    what = f"A student was distilled from a teacher of another clinic, {alone}, without labels."
    _segment(cases, what, out, device=device, left_out=plan.left_out, scored=evaluate)


def predict(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    scans: Annotated[list[Path], typer.Argument(help="Scans, or folders of scans.")],
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
    """Segment scans with a finished run, without adapting it. Writes masks, maps and a report."""
    from kdlib.data.forms import Reading
    from kdlib.own_scans.adapt import scans_at
    from kdlib.own_scans.old_results import refuse_strange_results
    from kdlib.study.progress import count_bar
    from kdlib.study.run import Run

    made = Run(run)
    with count_bar("scans checked", passing=True) as on_subject:
        subjects, left_out = scans_at(
            scans, t1=t1, inputs=made.scenario.inputs, reading=Reading(orientation, form),
            skip_bad=skip_bad, on_subject=on_subject,
        )  # fmt: skip
    if evaluate:
        _refuse_without_masks(subjects)
    make_writable(out)
    refuse_strange_results(out)
    what = "A finished network was applied to these scans; nothing was adapted to them."
    cases = [(subject, made) for subject in subjects]
    _segment(cases, what, out, device=device, left_out=left_out, scored=evaluate)


def say_left_out(left_out: "list[Finding]") -> None:
    """What --skip-bad went on without, on the screen."""
    from kdlib.own_scans.check import problem_lines

    if left_out:
        print(f"Left out because they are wrong or doubtful ({len(left_out)}):")
        print(*problem_lines(left_out), sep="\n")


def _segment(
    cases: "list[tuple[Subject, Run]]",
    what: str,
    out: Path,
    *,
    device: str,
    left_out: "list[Finding]",
    scored: bool,
) -> None:
    from kdlib.own_scans.check import problem_lines
    from kdlib.own_scans.old_results import begin_results
    from kdlib.own_scans.scan_report import about, write_scan_report
    from kdlib.own_scans.segmentation import segment
    from kdlib.study.progress import count_bar

    begin_results(out, [subject.id for subject, _ in cases])
    head = about([run for _, run in cases], what)
    with count_bar("scans segmented") as on_subject:
        answers = segment(
            cases, out, device=device, scored=scored,
            on_subject=lambda done: on_subject(done, len(cases)),
        )  # fmt: skip
        facts = write_scan_report(out, head, answers, problem_lines(left_out))
    print(f"Scans segmented: {len(cases)}. The report: {out / 'report.html'}")
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


def _print_table(findings: "list[Finding]") -> None:
    import sys

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    head = "clinic|subject|shape|voxel (mm)|axes|labels|lesion (mL)|intensity|what is wrong"
    table = Table(*head.split("|"), box=None, header_style="bold", padding=(0, 1))
    for finding in findings:
        table.add_row(*(Text(cell) for cell in _columns(finding)))
    # In a file or a pipe no line is worth wrapping.
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _columns(finding: "Finding") -> list[str]:
    def text(values: Iterable[float] | None, between: str, form: str = "g") -> str:
        return "-" if values is None else between.join(f"{value:{form}}" for value in values)

    return [
        finding.clinic,
        finding.subject,
        text(finding.shape, "x"),
        text(finding.voxel_mm, "x", ".3g"),
        finding.orientation or "-",
        text(finding.labels, " "),
        "-" if finding.lesion_ml is None else f"{finding.lesion_ml:.1f}",
        text(finding.intensity, " to ", ".4g"),
        "\n".join([*finding.problems, *finding.doubts, *finding.notes]) or "nothing",
    ]
