"""The ``kdlib`` command. Heavy imports wait inside the commands: ``--help`` answers at once."""

import io
import sys
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer

from kdlib.cli import adapting, book, results, scans, segmenting, strip
from kdlib.cli.options import (
    Data,
    Device,
    Form,
    MethodName,
    Observer,
    Orientation,
    RecipeOf,
    Seed,
    Seeds,
    Settings,
    SkipBad,
    StoreFolder,
    StudyName,
    Threads,
    folders,
    make_writable,
    opened,
    parsed,
    seeds_in,
)
from kdlib.cli.starter import STARTER, make_starter
from kdlib.errors import (
    DoubtWarning,
    InputError,
    MadeAgainWarning,
    disk_refuses,
    path_refused,
)

if TYPE_CHECKING:
    from kdlib.data.clinics import Clinics
    from kdlib.own_scans.check import Finding

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        from kdlib import __version__

        print(__version__)
        raise typer.Exit


@app.callback()
def kdlib(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Adapt a lesion segmenter to a new scanner without labels, and measure whether it helped."""


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to write, in the challenge's layout.")],
    grid: Annotated[
        str, typer.Option(help="native: the challenge's voxels. 2mm: 2 x 2 x 3 mm.")
    ] = "native",
    training: Annotated[int, typer.Option(help="Training subjects of each clinic.")] = 20,
    test: Annotated[int, typer.Option(help="Test subjects of each clinic.")] = 5,
    seed: Annotated[int, typer.Option(help="Another seed gives other people.")] = 0,
    scanner_shift: Annotated[
        float, typer.Option(help="How far the scanners differ. 0: not at all. 1: as published.")
    ] = 1.0,
    population_shift: Annotated[
        float, typer.Option(help="How far the patients differ. 0: not at all. 1: as published.")
    ] = 1.0,
    skull: Annotated[bool, typer.Option(help="Keep the skull and the scalp.")] = True,
    controls: Annotated[
        bool, typer.Option("--controls", help="Also make the control clinics of the bench.")
    ] = False,
    dials: Annotated[
        bool,
        typer.Option("--dials", help="Also make clinics in which one part of the shift is turned."),
    ] = False,
    large: Annotated[
        bool, typer.Option("--large", help="Also make a clinic with twice as many people.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(help="How many processes. Default: one for each core.")
    ] = None,
) -> None:
    """Make simulated scans of three clinics, by the published protocols of their scanners."""
    from kdlib.simulator import simulate
    from kdlib.study.progress import count_bar

    with count_bar("subjects") as on_subject:
        simulate(
            out, grid=grid, training=training, test=test, seed=seed, scanner_shift=scanner_shift,
            population_shift=population_shift, skull=skull, controls=controls, dials=dials,
            large=large, workers=workers,
            on_subject=on_subject,
        )  # fmt: skip


@app.command()
def study(
    name: StudyName,
    seeds: Seeds = None,
    data: Data = None,
    folder: StoreFolder = Path("runs"),
    device: Device = "auto",
    workers: Annotated[
        int | None, typer.Option(help="How many processes. Default: up to 4 on a CPU, else 1.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a running Dask scheduler whose workers to use.")
    ] = None,
    cluster: Annotated[
        Path | None,
        typer.Option(help="YAML file of a cluster to make: SLURM, PBS or Kubernetes."),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Folder to write the study's results to.")
    ] = None,
    observer: Observer = None,
    orientation: Orientation = None,
    form: Form = None,
    skip_bad: SkipBad = False,
) -> None:
    """Run what is missing of a study and print its results. You can stop it and start it again."""
    if name == STARTER:
        make_starter(seeds, folder, workers, export)
        return
    from kdlib.data.places import place_of
    from kdlib.report.tables import results_table
    from kdlib.study.cluster import default_workers
    from kdlib.study.plan import plan, run_study, study_scores
    from kdlib.study.progress import trainings
    from kdlib.study.store import Store
    from kdlib.study.study import load_study

    if sum(given is not None for given in (workers, scheduler, cluster)) > 1:
        raise InputError("give one of --workers, --scheduler and --cluster")
    elsewhere = scheduler is not None or cluster is not None
    if elsewhere:  # a worker may stand in another folder
        data = [str(place_of(text).absolute()) for text in folders(data)]
        folder = folder.absolute()
    wanted = load_study(name)
    if seeds is not None:
        wanted = wanted.model_copy(update={"seeds": seeds_in(seeds)})
    if workers is None:  # elsewhere the device need not be on this machine
        workers = 1 if elsewhere else default_workers(device)
    names = sorted({name for pair in wanted.pairs for name in pair})
    clinics = opened(data, orientation, form, observer)
    clinics, left_out = _sound(clinics, names, wanted.recipe.inputs, skip_bad)
    if export is not None:
        make_writable(export)
    store = Store(folder, clinics, device)
    scenarios = [planned.scenario for planned in plan(wanted, clinics)]
    with trainings(store.missing(scenarios)) as on_progress:
        runs = run_study(
            wanted, store, workers=workers, scheduler=scheduler, cluster=cluster,
            on_progress=on_progress, on_dashboard=_say_dashboard,
        )  # fmt: skip
    if export is not None:
        from kdlib.record.export import export_study

        export_study(wanted, runs, store, export)
    print(results_table(study_scores(runs), wanted.arms).to_string())
    segmenting.say_left_out(left_out)


@app.command()
def run(
    method: MethodName,
    source: Annotated[str, typer.Option(help="Clinic whose labels are used.")],
    target: Annotated[str | None, typer.Option(help="Clinic to adapt to.")] = None,
    teacher: Annotated[
        str | None,
        typer.Option(help="Method of the teacher. Default: supervised."),
    ] = None,
    fold: Annotated[int, typer.Option(help="0 or 1: the half of the target to adapt to.")] = 0,
    subject: Annotated[
        str | None, typer.Option(help="Adapt on the fly, to this one subject.")
    ] = None,
    seed: Seed = 0,
    temperature: Annotated[
        float | None, typer.Option(help="How soft the teacher's answers are. For distillation.")
    ] = None,
    study: RecipeOf = "demo",
    setting: Settings = None,
    data: Data = None,
    folder: StoreFolder = Path("runs"),
    device: Device = "auto",
    threads: Threads = 1,
    observer: Observer = None,
    orientation: Orientation = None,
    form: Form = None,
    skip_bad: SkipBad = False,
) -> None:
    """Make one run, its teacher first, and print its scores. A finished run is only read."""
    from kdlib.recipe import Recipe
    from kdlib.study.progress import trainings
    from kdlib.study.store import Store
    from kdlib.study.study import load_study

    settings = parsed(setting)
    pair: dict[str, Any] = {"source": source, "target": target, "fold": fold, "seed": seed}
    recipe = load_study(study)
    if temperature is not None:
        settings["temperature"] = temperature
    if teacher is not None:
        shared = {k: v for k, v in settings.items() if k in Recipe.model_fields}
        settings["teacher"] = recipe.scenario(method=teacher, **pair, **shared)
    scenario = recipe.scenario(method=method, subject=subject, **pair, **settings)
    names = [name for name in (source, target) if name]
    learnt_from = names if scenario.method_type.reads_target_labels else [source]
    clinics = opened(data, orientation, form, observer)
    clinics, left_out = _sound(clinics.chosen(names), learnt_from, scenario.inputs, skip_bad)
    store = Store(folder, clinics, device, threads or 1)
    with trainings(store.missing([scenario])) as on_progress:
        done = store.run(scenario, on_progress=on_progress)
    print(done.directory)
    none = "no scores: there are no test scans, or none of them has a mask"
    print(none if done.scores.empty else done.scores.to_string(index=False))
    segmenting.say_left_out(left_out)


for command in (
    scans.fetch,
    scans.check,
    adapting.adapt,
    segmenting.predict,
    segmenting.bids,
    strip.strip,
    results.evaluate,
    results.report,
    results.record,
    book.rerun,
    book.scenarios,
):
    app.command()(command)


OWN_WARNINGS = (DoubtWarning, MadeAgainWarning)


def _say_dashboard(address: str) -> None:
    print(f"the workers at work: {address}", file=sys.stderr)


def _sound(
    clinics: "Clinics", labelled: Collection[str], inputs: str, skip_bad: bool
) -> "tuple[Clinics, list[Finding]]":
    from kdlib.own_scans.check import sound
    from kdlib.study.progress import count_bar

    with count_bar("scans checked", passing=True) as on_subject:
        kept, left_out = sound(
            [clinics], inputs=inputs, labelled="+".join(labelled).split("+"), skip_bad=skip_bad,
            on_subject=on_subject,
        )  # fmt: skip
    return kept[0], left_out


def main() -> None:
    """Run the command; what the user got wrong, or the disk, is one line and exit status 2.

    An ``OSError`` without a path is none of the user's, unless the disk is full.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a letter that it cannot show ends no command
            stream.reconfigure(errors="backslashreplace")
    try:
        with warnings.catch_warnings():
            for kind in OWN_WARNINGS:
                warnings.simplefilter("always", kind)
            warnings.showwarning = _say
            app()
    except InputError as error:
        _refuse(str(error))
    except OSError as error:
        if error.filename is None and not disk_refuses(error):
            raise
        _refuse(path_refused(error))


def _say(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show kdlib's own warnings as one line, and others as Python does."""
    text = f"kdlib: {message}\n"
    if not issubclass(category, OWN_WARNINGS):
        text = warnings.formatwarning(message, category, filename, lineno, line)
    print(text, file=file or sys.stderr, end="")


def _refuse(why: str) -> NoReturn:
    print(f"kdlib: {why}", file=sys.stderr)
    sys.exit(2)
