"""The command ``adapt``: adapt a network to scans without labels, and segment them."""

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
from kdlib.cli.segmenting import Out, Replace, ready_results, segment_batches
from kdlib.errors import InputError

if TYPE_CHECKING:
    from kdlib.data.forms import Reading


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
    keep: Annotated[
        Path | None,
        typer.Option(
            help="New folder for the adapted starter. 'kdlib predict FOLDER SCANS' uses it later."
        ),
    ] = None,
    always: Annotated[
        bool,
        typer.Option(
            "--always", help="Use the adapted starter's masks even if no clear gain is expected."
        ),
    ] = False,
    replace: Replace = False,
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
    clear gain is expected, unless you say --always. Writes masks, maps and a report. All cores
    train, unless --threads says otherwise.
    """
    import torch

    from kdlib.data.forms import Reading
    from kdlib.training import of_threads

    reading = Reading(orientation, form)
    threads = torch.get_num_threads() if threads is None else threads
    _check_keep(keep, source, on_the_fly=on_the_fly)
    if source is None:
        if study is not None:
            raise InputError(f"--study {study}: the starter has a recipe of its own; leave --study "
                             "out, or name a --source")  # fmt: skip
        with of_threads(threads):
            _adapt_starter(
                target, out, method or "adabn", on_the_fly=on_the_fly, evaluate=evaluate,
                keep=keep, always=always, replace=replace, skip_bad=skip_bad, reading=reading,
                seed=seed, setting=setting, device=device,
            )  # fmt: skip
        return
    if always:
        raise InputError("--always: with a source the student's masks are always the result; leave "
                         "--always out")  # fmt: skip
    from kdlib.own_scans.adapt import plan_adaptation
    from kdlib.own_scans.batch import Batch
    from kdlib.own_scans.segmenter import of_runs
    from kdlib.report.on_bench import on_bench
    from kdlib.study.progress import count_bar, trainings
    from kdlib.study.store import Store

    method = method or "distillation"
    with count_bar("scans checked", passing=True) as on_subject:
        plan = plan_adaptation(
            source, target, method=method, study=study or "demo",
            settings={"seed": seed} | parsed(setting), on_the_fly=on_the_fly, reading=reading,
            skip_bad=skip_bad, scored=evaluate, on_subject=on_subject,
        )  # fmt: skip
    store = Store(folder, plan.clinics, device, threads)
    results = ready_results([target], out, plan.subjects, scored=evaluate, replace=replace)
    with trainings(store.missing(plan.scenarios)) as on_progress:
        runs = plan.runs(store, on_progress=on_progress)
    cases = list(zip(plan.subjects, of_runs(runs, device), strict=True))
    what = f"A student of a teacher of another clinic was made by {method}, {_how(on_the_fly)}. "
    what += on_bench(method, on_the_fly=on_the_fly)
    segment_batches([Batch(results, cases, plan.left_out)], what, scored=evaluate)


def _adapt_starter(
    target: Path,
    out: Path,
    method: str,
    *,
    on_the_fly: bool,
    evaluate: bool,
    keep: Path | None,
    always: bool,
    replace: bool,
    skip_bad: bool,
    reading: "Reading",
    seed: int,
    setting: list[str] | None,
    device: str,
) -> None:
    from kdlib.own_scans.adapt import scans_at
    from kdlib.own_scans.adapt_starter import StudentSegmenter
    from kdlib.own_scans.batch import Batch
    from kdlib.own_scans.source_free import source_free_scenario
    from kdlib.report.on_bench import on_bench
    from kdlib.starter.starter import load_starter
    from kdlib.study.progress import count_bar

    starter = load_starter()
    scenario = source_free_scenario(
        starter, method, seed=seed, settings=parsed(setting), on_the_fly=on_the_fly
    )
    student = StudentSegmenter(starter, scenario, device, always=always)
    with count_bar("scans checked", passing=True) as on_subject:
        subjects, left_out = scans_at(
            [target], inputs=starter.recipe.inputs, reading=reading, skip_bad=skip_bad,
            scored=evaluate, on_subject=on_subject,
        )  # fmt: skip
    results = ready_results([target], out, subjects, scored=evaluate, replace=replace)
    what = "The starter learnt from simulated people. "
    if not on_the_fly:
        with count_bar("brains found") as on_scan, count_bar("steps") as on_step:
            student.adapt(subjects, on_scan=on_scan, on_step=on_step)
    tried = f"{method} was tried {_how(on_the_fly)} and without a source."
    if student.verdict is not None:
        tried = f"{student.verdict.said} {tried}"
        print(student.verdict.said)
    what += f"{tried} {on_bench(method, on_the_fly=on_the_fly)}"
    if keep is not None:
        print(_kept(keep, student.keep(keep)))
    batch = Batch(results, [(subject, student) for subject in subjects], left_out)
    segment_batches([batch], what, scored=evaluate)


def _check_keep(keep: Path | None, source: Path | None, *, on_the_fly: bool) -> None:
    """Refuse, before hours are spent, to keep a network that cannot be kept there."""
    from kdlib.unfinished import refuse_filled

    if keep is None:
        return
    if source is not None:
        raise InputError(f"--keep {keep}: with a source the student is a run, which is kept in "
                         "--store; leave --keep out")  # fmt: skip
    if on_the_fly:
        raise InputError(f"--keep {keep}: with --on-the-fly each scan has a network of its "
                         "own; leave one of the two out")  # fmt: skip
    refuse_filled(keep)
    make_writable(keep)


def _kept(keep: Path, kept: bool) -> str:
    if kept:
        return f"The adapted network is kept in {keep}; kdlib predict {keep} SCANS uses it."
    return f"No network is kept in {keep}, since the starter is used as it is."


def _how(on_the_fly: bool) -> str:
    alone = "on each of these scans alone" if on_the_fly else "on these scans together"
    return f"{alone}, without labels"
