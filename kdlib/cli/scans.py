"""The commands that make, bring and check scans: ``simulate``, ``fetch`` and ``check``."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kdlib.cli.options import Form, Observer, Orientation, RecipeOf

if TYPE_CHECKING:
    from kdlib.own_scans.check import Finding

WIDEST = 100_000  # characters in a line; rich has no other word for "as wide as needed"


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
    from kdlib.recipe import Preparation
    from kdlib.study.progress import count_bar
    from kdlib.study.study import load_study

    clinics = open_clinics(place, observer=observer, reading=Reading(orientation, form))
    window = Preparation(**load_study(study).recipe.preparation.model_dump() | {"inputs": inputs})
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


def _print_table(findings: "list[Finding]") -> None:
    import sys

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    head = "clinic|subject|shape|voxel (mm)|axes|labels|lesion (mL)|intensity|what is wrong"
    table = Table(box=None, header_style="bold", padding=(0, 1))
    for name in head.split("|"):
        table.add_column(name, overflow="fold")  # no part of a name is lost
    for finding in findings:
        table.add_row(*(Text(cell) for cell in _columns(finding)))
    # In a file or a pipe no line is worth wrapping.
    Console(width=None if sys.stdout.isatty() else WIDEST).print(table)


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
