"""The commands that read results: ``evaluate`` and ``report``."""

import json
import math
from pathlib import Path
from typing import Annotated

import typer

from kdlib.cli.options import Data, StoreFolder
from kdlib.errors import InputError


def evaluate(
    truth: Annotated[Path, typer.Argument(help="Labels 0, 1, 2: background, WMH, other.")],
    result: Annotated[Path, typer.Argument(help="Mask, or lesion probabilities.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; null where NaN.")] = False,
) -> None:
    """Score a result against the truth by the WMH challenge's five metrics."""
    from dataclasses import asdict

    from kdlib.data.volume import read_labels, read_volume
    from kdlib.scores.metrics import evaluate

    labels = read_labels(truth, allow_empty=True)
    answer = read_volume(result, allow_constant=True)
    if answer.array.shape != labels.array.shape:
        raise InputError(f"{result}: shape {answer.array.shape} is not the truth's; use its grid")
    scores = asdict(evaluate(labels.array, answer.array, labels.spacing_mm))
    if as_json:
        print(json.dumps({k: None if math.isnan(v) else v for k, v in scores.items()}))
    else:
        for name, value in scores.items():
            print(f"{name:14} {value:.4f}")


def report(
    study: Annotated[str, typer.Argument(help="demo, standard, paper, or a .toml file.")],
    out: Annotated[Path, typer.Option(help="Folder for the tables.")] = Path("report"),
    data: Data = Path("data/clinics"),
    folder: StoreFolder = Path("runs"),
) -> None:
    """Write a study's scores, tables and claim ledger from its saved runs; trains nothing."""
    from kdlib.data.clinics import open_clinics
    from kdlib.report.written import report_tables, write_study_report
    from kdlib.study.plan import saved_runs, study_scores
    from kdlib.study.store import Store
    from kdlib.study.study import load_study

    wanted = load_study(study)
    runs, absent = saved_runs(wanted, Store(folder, open_clinics(data)))
    if not runs:
        raise InputError(f"{folder}: no finished run of study {study}; 'kdlib study {study}' first")
    scores = study_scores(runs)
    tables = report_tables(scores, wanted.arms)
    write_study_report(scores, tables, out)
    print(tables["results"].to_string())
    print(tables["ledger"][["number", "claim", "verdict"]].to_string(index=False))
    if absent:
        print(f"{absent} of {absent + len(runs)} runs are still missing and not counted.")
    print(out)
