"""The commands that read results: ``evaluate``, ``report``, ``record`` and ``choose``."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kdlib.cli.options import (
    Data,
    Form,
    Orientation,
    SkipBad,
    StoreFolder,
    StudyName,
    opened,
    sound_ones,
)
from kdlib.cli.segmenting import say_how_to_open, say_left_out
from kdlib.errors import InputError

if TYPE_CHECKING:
    from kdlib.data.clinics import Clinics
    from kdlib.own_scans.check import Finding
    from kdlib.study.plan import Planned
    from kdlib.study.run import Run
    from kdlib.study.study import Study


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
    from kdlib.data.image_file import read_labels, read_volume
    from kdlib.data.streams import naming
    from kdlib.scores.in_space import evaluate_volumes, refuse_no_answer

    reading = Reading(orientation, form)
    labels = read_labels(truth, reading=reading, allow_empty=True)
    answer = read_volume(result, reading, allow_constant=True)
    with naming(result):
        refuse_no_answer(answer)
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
    labels: Annotated[
        str | None,
        typer.Option(
            help="Also score against masks of this name, where they lie beside the masks."
        ),
    ] = None,
    gap: Annotated[
        bool,
        typer.Option(
            "--gap",
            help="Also tell what the loss without adaptation is made of. These networks answer "
            "again, and the masks are used for this alone.",
        ),
    ] = False,
    orientation: Orientation = None,
    form: Form = None,
    skip_bad: SkipBad = False,
) -> None:
    """Say whether adapting is worth it, and write the tables of a study, from its finished runs.

    The claim ledger is among them. Nothing is trained.
    """
    from kdlib.evidence.paper import PAIRS
    from kdlib.record.export import teacher_scores
    from kdlib.report.gap_parts import parts_words
    from kdlib.report.worth import worth_of, worth_sentences
    from kdlib.report.written import report_tables, write_study_report
    from kdlib.study.gap_parts import study_gap
    from kdlib.study.plan import saved_runs, study_scores
    from kdlib.study.store import Store
    from kdlib.study.study import load_study

    wanted = load_study(study)
    clinics, left_out = opened(data, orientation, form), list["Finding"]()
    if skip_bad:  # the same ones as 'kdlib study --skip-bad', whose runs are without them
        clinics, left_out = sound_ones(clinics, wanted.clinics, wanted.recipe.inputs, skip_bad)
    runs, absent = saved_runs(wanted, Store(folder, clinics))
    if not runs:
        what = f"there is no finished run of the study {study} here"
        raise InputError(f"{folder}: {what}; run 'kdlib study {study}' first")
    scores = study_scores(runs)
    if "dice" not in scores:
        what = f"the finished runs of the study {study} have no scores, since no scan has a mask"
        raise InputError(f"{folder}: {what}; add masks, and run them again in another store")
    patients = clinics.patients({target for _, target in wanted.pairs})
    tables = report_tables(scores, wanted.arms, teacher_scores(wanted, runs), patients)
    if gap:
        tables["gap_parts"] = study_gap(wanted, runs, clinics, labels=labels)
    write_study_report(scores, tables, out)
    print(tables["results"].to_string())
    if set(wanted.pairs) & set(PAIRS):
        print(tables["ledger"][["number", "claim", "verdict"]].to_string(index=False))
    print(*worth_sentences(worth_of(scores, wanted.arms, patients)), sep="\n")
    if gap:
        print(parts_words(tables["gap_parts"], patients))
    if labels is not None:
        _report_on(labels, wanted, runs, clinics, out)
    if absent:
        print(f"{absent} of {absent + len(runs)} runs are still missing. They are not counted.")
    say_left_out(left_out)
    print(out)
    say_how_to_open(scores["subject"])


def _report_on(
    labels: str, study: "Study", runs: "list[tuple[Planned, Run]]", clinics: "Clinics", out: Path
) -> None:
    """The same against other masks, in a folder of its own."""
    from kdlib.data.formats import stem
    from kdlib.report.worth import worth_of, worth_sentences
    from kdlib.report.written import report_tables, write_study_report
    from kdlib.study.second_labels import scores_against

    scores = scores_against(runs, clinics, labels)
    patients = clinics.patients({target for _, target in study.pairs})
    tables = report_tables(scores, study.arms, None, patients)
    name = stem(Path(labels))
    write_study_report(scores, tables, out / name)
    print(f"Against {name}, of {scores['subject'].nunique()} subjects:")
    print(tables["results"].to_string())
    print(*worth_sentences(worth_of(scores, study.arms, patients)), sep="\n")


def record(
    study: StudyName,
    exports: Annotated[
        list[Path], typer.Argument(help="Folders that 'kdlib study --export' wrote.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results. Default: book/results/NAME.")
    ] = None,
    scans: Annotated[
        bool | None,
        typer.Option(
            "--scans/--no-scans",
            help="Keep whole scans for the book's explorers, or single slices alone, as for "
            "patients whose results you publish. Default: slices alone for a supporting study.",
        ),
    ] = None,
) -> None:
    """Merge exports of a study's seeds into one folder, after a check that they agree.

    An export of some sources alone waits beside the results until its seed is whole.
    """
    from kdlib.record.merge import merge

    name = Path(study).name.removesuffix(".toml")
    folder = Path("book/results") / name if out is None else out
    seeds = merge(name, exports, folder, scans=scans)
    whole = [str(seed.seed) for seed in seeds if not seed.lacking]
    print(f"{folder}: now has the seeds {', '.join(whole)}" if whole else f"{folder}: no seed yet")
    for seed in seeds:
        if seed.lacking:
            print(f"seed {seed.seed} waits for the sources {', '.join(seed.lacking)}")


def choose(
    study: Annotated[Path, typer.Argument(help="File of a study that waits for other studies.")],
    records: Annotated[
        Path, typer.Option("--results", help="Folder with a folder of results for each study.")
    ] = Path("book/results"),
) -> None:
    """Fill in the settings and arms that recorded studies choose for another, by their rules."""
    from kdlib.record.chosen import choose as fill

    print(*fill(study, records), sep="\n")
