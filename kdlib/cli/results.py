"""The commands that read results: ``evaluate``, ``report`` and ``record``."""

import json
import math
from pathlib import Path
from typing import Annotated

import typer

from kdlib.cli.options import Data, Form, Orientation, StoreFolder, StudyName, opened
from kdlib.errors import InputError


def evaluate(
    truth: Annotated[Path, typer.Argument(help="True labels: 0 background, 1 lesion, 2 other.")],
    result: Annotated[Path, typer.Argument(help="Mask or lesion probabilities to score.")],
    orientation: Orientation = None,
    form: Form = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON. NaN becomes null.")] = False,
) -> None:
    """Compare a result with the true mask, by the five metrics of the WMH challenge.

    Voxels are compared that lie at the same place in space. It does not matter in which order or
    direction the axes of a file are stored.
    """
    from dataclasses import asdict

    from kdlib.data.forms import Reading
    from kdlib.data.volume import naming, read_labels, read_volume
    from kdlib.scores.in_space import evaluate_volumes

    reading = Reading(orientation, form)
    labels = read_labels(truth, reading=reading, allow_empty=True)
    answer = read_volume(result, reading, allow_constant=True)
    with naming(result):
        scores = asdict(evaluate_volumes(labels, answer))
    if as_json:
        print(json.dumps({k: None if math.isnan(v) else v for k, v in scores.items()}))
    else:
        for name, value in scores.items():
            print(f"{name:14} {value:.4f}")


def report(
    study: StudyName,
    out: Annotated[Path, typer.Option(help="Folder for the tables.")] = Path("report"),
    data: Data = None,
    folder: StoreFolder = Path("runs"),
    orientation: Orientation = None,
    form: Form = None,
) -> None:
    """Write the tables and the claim ledger of a study, from its finished runs. Trains nothing."""
    from kdlib.record.export import teacher_scores
    from kdlib.report.table_files import excel_hint
    from kdlib.report.written import report_tables, write_study_report
    from kdlib.study.plan import saved_runs, study_scores
    from kdlib.study.store import Store
    from kdlib.study.study import load_study

    wanted = load_study(study)
    clinics = opened(data, orientation, form)
    runs, absent = saved_runs(wanted, Store(folder, clinics))
    if not runs:
        what = f"there is no finished run of the study {study} here"
        raise InputError(f"{folder}: {what}; run 'kdlib study {study}' first")
    scores = study_scores(runs)
    tables = report_tables(scores, wanted.arms, teacher_scores(wanted, runs))
    write_study_report(scores, tables, out)
    print(tables["results"].to_string())
    print(tables["ledger"][["number", "claim", "verdict"]].to_string(index=False))
    if absent:
        print(f"{absent} of {absent + len(runs)} runs are still missing. They are not counted.")
    print(out)
    if hint := excel_hint(scores["subject"]):
        print(hint)


def record(
    study: StudyName,
    exports: Annotated[
        list[Path], typer.Argument(help="Folders that 'kdlib study --export' wrote.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results. Default: book/results/NAME.")
    ] = None,
) -> None:
    """Merge exports of a study's seeds into one folder, after a check that they agree."""
    from kdlib.record.merge import merge

    name = Path(study).name.removesuffix(".toml")
    folder = Path("book/results") / name if out is None else out
    seeds = merge(name, exports, folder)
    print(f"{folder}: now has the seeds {', '.join(map(str, seeds))}")
