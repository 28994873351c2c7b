"""The ``kdlib`` command. Heavy imports wait inside the commands: ``--help`` answers at once."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from kdlib.errors import InputError

app = typer.Typer(
    help="Adapt a lesion segmenter to a new scanner without labels, and measure what it is worth.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Data = Annotated[Path, typer.Option(help="Folder of clinics, in the challenge's layout.")]
Store = Annotated[Path, typer.Option(help="Folder that keeps the runs.")]
Shift = Annotated[float, typer.Option(help="0: the clinics differ in nothing; 1: as published.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to write, in the challenge's layout.")],
    grid: Annotated[
        str, typer.Option(help="native (the challenge's) or 2mm (2 x 2 x 3 mm).")
    ] = "native",
    training: Annotated[int, typer.Option(help="Training subjects of each clinic.")] = 20,
    test: Annotated[int, typer.Option(help="Test subjects of each clinic.")] = 5,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 0,
    scanner_shift: Annotated[float, typer.Option(help="0: one scanner; 1: as published.")] = 1.0,
    population_shift: Annotated[
        float, typer.Option(help="0: one population; 1: as published.")
    ] = 1.0,
    skull: Annotated[bool, typer.Option(help="Leave skull and scalp on.")] = True,
    workers: Annotated[int | None, typer.Option(help="Processes; default: all cores.")] = None,
) -> None:
    """Simulate the three clinics from a brain template and the scanners' published protocols."""
    from kdlib.data.simulator import simulate
    from kdlib.progress import counted

    with counted("subjects") as on_subject:
        simulate(
            out, grid=grid, training=training, test=test, seed=seed, scanner_shift=scanner_shift,
            population_shift=population_shift, skull=skull, workers=workers, on_subject=on_subject,
        )  # fmt: skip


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="demo, standard, paper, or a .toml file.")],
    data: Data = Path("data/clinics"),
    store: Store = Path("runs"),
    device: Device = "auto",
    export: Annotated[Path | None, typer.Option(help="Folder for the study's results.")] = None,
) -> None:
    """Run what is missing of a study; it can be stopped and goes on. Prints the result table."""
    from kdlib.data.clinics import open_clinics
    from kdlib.progress import trainings
    from kdlib.report.tables import results_table
    from kdlib.study import load_study, missing, plan, run_study, study_scores

    wanted, clinics = load_study(name), open_clinics(data)
    scenarios = [planned.scenario for planned in plan(wanted, clinics)]
    with trainings(missing(scenarios, clinics, store)) as on_progress:
        runs = run_study(wanted, clinics, store=store, device=device, on_progress=on_progress)
    if export is not None:
        from kdlib.export import export_study

        export_study(wanted, runs, clinics, export)
    print(results_table(study_scores(runs)).to_string())


@app.command()
def run(
    method: Annotated[str, typer.Option(help="supervised, unadapted, adversarial, distillation.")],
    source: Annotated[str, typer.Option(help="Clinic with labels.")],
    target: Annotated[str | None, typer.Option(help="Clinic to adapt to.")] = None,
    teacher: Annotated[str | None, typer.Option(help="Method of the teacher.")] = None,
    fold: Annotated[int, typer.Option(help="0 or 1: the half of the target adapted to.")] = 0,
    subject: Annotated[str | None, typer.Option(help="Adapt on the fly to this one scan.")] = None,
    seed: Annotated[int, typer.Option(help="Of weights and batches.")] = 0,
    temperature: Annotated[float | None, typer.Option(help="T of Eq. 3, for distillation.")] = None,
    study: Annotated[str, typer.Option(help="Whose recipe to follow.")] = "demo",
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="Any other setting, as name=value.")
    ] = None,
    data: Data = Path("data/clinics"),
    store: Store = Path("runs"),
    device: Device = "auto",
) -> None:
    """Make one run (and its teacher's), or read it where it is finished. Prints its scores."""
    import kdlib.runs
    from kdlib.data.clinics import open_clinics
    from kdlib.progress import trainings
    from kdlib.study import load_study, missing

    settings = _settings(setting or [])
    pair: dict[str, Any] = {"source": source, "target": target, "fold": fold, "seed": seed}
    recipe = load_study(study)
    if temperature is not None:
        settings["temperature"] = temperature
    if teacher is not None:
        settings["teacher"] = recipe.scenario(method=teacher, **pair)
    scenario = recipe.scenario(method=method, subject=subject, **pair, **settings)
    clinics = open_clinics(data)
    with trainings(missing([scenario], clinics, store)) as on_progress:
        done = kdlib.runs.run(
            scenario, clinics, store=store, device=device, on_progress=on_progress
        )
    print(done.directory)
    print(done.scores.to_string(index=False))


@app.command()
def predict(
    run: Annotated[Path, typer.Argument(help="Directory of a finished run.")],
    scan: Annotated[Path, typer.Argument(help="FLAIR scan, .nii or .nii.gz.")],
    out: Annotated[
        Path, typer.Option(help="Folder for the mask and the probability map.")
    ] = Path(),
    t1: Annotated[
        Path | None, typer.Option(help="T1 on the same grid, for runs that read it.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Segment a scan; mask and probability map come on the scan's own grid."""
    from kdlib.data.volume import Volume, write_volume
    from kdlib.runs import THRESHOLD, Run

    probability = Run(run).predict(scan, t1, device)
    name = scan.name.removesuffix(".gz").removesuffix(".nii")
    mask = Volume((probability.array >= THRESHOLD).astype("uint8"), probability.affine)
    write_volume(out / f"{name}_lesion_mask.nii.gz", mask)
    write_volume(out / f"{name}_lesion_probability.nii.gz", probability)
    print(out / f"{name}_lesion_mask.nii.gz")


def _settings(pairs: list[str]) -> dict[str, Any]:
    """``name=value`` texts as settings; values as JSON where they are JSON."""
    import json

    settings = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"--set {pair}: write name=value, for example --set steps=500")
        try:
            settings[name] = json.loads(value)
        except json.JSONDecodeError:
            settings[name] = value
    return settings


def main() -> None:
    """Run the command; what the user got wrong is one line and exit status 2."""
    try:
        app()
    except InputError as error:
        print(f"kdlib: {error}", file=sys.stderr)
        sys.exit(2)
