"""The commands that train: ``study`` and ``run``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kdlib.cli import segmenting
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
    Sources,
    StoreFolder,
    StudyOrStarter,
    Threads,
    folders,
    make_writable,
    opened,
    parsed,
    seeds_in,
    sound_ones,
)
from kdlib.cli.starter import STARTER, make_starter, refuse_options
from kdlib.errors import InputError

if TYPE_CHECKING:
    from kdlib.study.store import Store
    from kdlib.study.study import Study


def study(
    name: StudyOrStarter,
    seeds: Seeds = None,
    sources: Sources = None,
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
    only_plan: Annotated[
        bool, typer.Option("--plan", help="Say what would be run and how long it takes, no more.")
    ] = False,
) -> None:
    """Run what is missing of a study and print its results. You can stop it and start it again."""
    if name == STARTER:
        refuse_options({
            "--sources": sources, "--data": data, "--scheduler": scheduler, "--cluster": cluster,
            "--observer": observer, "--orientation": orientation, "--form": form,
            "--skip-bad": skip_bad, "--plan": only_plan, "--device": device != "auto",
        })  # fmt: skip
        make_starter(seeds, folder, workers, export)
        return
    from kdlib.data.places import place_of
    from kdlib.report.tables import results_table
    from kdlib.study.cluster import default_workers
    from kdlib.study.plan import plan, run_study, study_scores
    from kdlib.study.progress import trainings
    from kdlib.study.store import Store
    from kdlib.study.study import load_study, refuse_undecided

    if sum(given is not None for given in (workers, scheduler, cluster)) > 1:
        raise InputError("give one of --workers, --scheduler and --cluster")
    elsewhere = scheduler is not None or cluster is not None
    if elsewhere:  # a worker may stand in another folder
        data = [str(place_of(text).absolute()) for text in folders(data)]
        folder = folder.absolute()
    wanted = load_study(name)
    if seeds is not None:
        wanted = wanted.model_copy(update={"seeds": seeds_in(seeds)})
    if sources is not None:
        wanted = wanted.only_from(sources.split(","))
    if workers is None:  # elsewhere the device need not be on this machine
        workers = 1 if elsewhere else default_workers(device)
    refuse_undecided(wanted)
    clinics = opened(data, orientation, form, observer)
    if only_plan:
        _say_plan(wanted, Store(folder, clinics, device))
        return
    clinics, left_out = sound_ones(clinics, wanted.clinics, wanted.recipe.inputs, skip_bad)
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
    scores = study_scores(runs)
    table = results_table(scores, wanted.arms)
    print("These are runs of sweeps alone." if table.empty else table.to_string())
    segmenting.say_left_out(left_out)
    segmenting.say_how_to_open(scores["subject"])


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
    from kdlib.study.scenario import DEFAULT_TEACHER
    from kdlib.study.store import Store
    from kdlib.study.study import load_study

    settings = parsed(setting)
    pair: dict[str, Any] = {"source": source, "target": target, "fold": fold, "seed": seed}
    recipe = load_study(study)
    if temperature is not None:
        settings["temperature"] = temperature
    if teacher not in (None, DEFAULT_TEACHER):
        shared = {k: v for k, v in settings.items() if k in Recipe.model_fields}
        settings["teacher"] = recipe.scenario(method=teacher, **pair, **shared)
    scenario = recipe.scenario(method=method, subject=subject, **pair, **settings)
    names = [name for name in (source, target) if name]
    learnt_from = names if scenario.method_type.reads_target_labels else [source]
    clinics = opened(data, orientation, form, observer)
    clinics, left_out = sound_ones(clinics.chosen(names), learnt_from, scenario.inputs, skip_bad)
    store = Store(folder, clinics, device, 1 if threads is None else threads)
    with trainings(store.missing([scenario])) as on_progress:
        done = store.run(scenario, on_progress=on_progress)
    print(done.directory)
    none = "no scores: there are no test scans, or none of them has a mask"
    print(none if done.scores.empty else done.scores.to_string(index=False))
    segmenting.say_left_out(left_out)
    segmenting.say_how_to_open(done.scores.get("subject", []))


def _say_plan(study: "Study", store: "Store") -> None:
    from kdlib.study.cost import cost
    from kdlib.study.plan import plan

    runs = [run for planned in plan(study, store.clinics) for run in planned.scenario.lineage]
    print(f"{study.name}: {cost(runs)}")
    print(f"Not in {store.folder} yet: {cost(store.missing(runs))}")


def _say_dashboard(address: str) -> None:
    print(f"the workers at work: {address}", file=sys.stderr)
