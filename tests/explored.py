"""A tiny study and its saved results, for the tests of the explorers."""

from dataclasses import dataclass
from functools import cache
from itertools import permutations
from pathlib import Path

import pandas as pd

from kdlib.data.clinics import Clinics, open_clinics
from kdlib.record.arrays import Key, write_arrays
from kdlib.record.export import export_study
from kdlib.record.results import Results, open_results
from kdlib.study.plan import Planned, run_study
from kdlib.study.run import Run
from kdlib.study.store import Store
from kdlib.study.study import Study, Sweep
from tests.tiny import RECIPE, write_clinics

ODD_NAME = "51 <b>&amp;"  # a subject whose folder's name would be HTML
ODD_LABEL = "KD <b>&amp; </SCRIPT ><!--<script>"  # an arm's label that would end a script
STUDY = Study(
    name="demo",
    about="Tiny.",
    pairs=(("utrecht", "singapore"), ("singapore", "utrecht")),
    folds=(0, 1),
    seeds=(0,),
    on_the_fly_subjects=1,
    recipe=RECIPE | {"start": "teacher", "steps": 24},
    arms={
        "L-bound": {"method": "unadapted"},
        "ADA": {"method": "adversarial"},
        "KD": {"method": "distillation", "temperature": 2.0},
        "KD, T = 6": {"method": "distillation", "temperature": 6.0, "label": ODD_LABEL},
        "KD on the fly": {"method": "distillation", "on_the_fly": True},
    },
    sweeps=(Sweep(arm="KD", setting="temperature", values=(1.0, 9.0)),),
)


@dataclass(frozen=True)
class Explored:
    """A study's runs, the clinics they ran on and what was saved of them."""

    runs: list[tuple[Planned, Run]]
    clinics: Clinics
    results: Results

    def run(self, arm: str) -> Run:
        return next(run for item, run in self.runs if item.arm == arm)


@cache
def explored(parent: Path) -> Explored:
    """The study below a folder. What another process has made there is read."""
    folder, saved = parent / "clinics", parent / "results" / "demo"
    if not folder.exists():
        write_clinics(folder)
        (folder / "training/Singapore/51").rename(folder / "training/Singapore" / ODD_NAME)
    clinics = open_clinics(folder)
    store = Store(parent / "store", clinics, "cpu")
    runs = run_study(STUDY, store)
    if not saved.exists():
        export_study(STUDY, runs, store, saved)
    return Explored(runs, clinics, open_results(saved))


def write_three_clinics(results: Results, folder: Path) -> None:
    """Write results of six pairs of clinics, all with the scores and slices of the first pair."""
    (source, target), *_ = results.pairs
    own = results.scores.query("source == @source and target == @target")
    pairs = list(permutations(("utrecht", "singapore", "amsterdam"), 2))
    rows = pd.concat(own.assign(source=pair[0], target=pair[1]) for pair in pairs)
    folder.mkdir(parents=True)
    rows.to_csv(folder / "scores.csv", index=False)
    (folder / "provenance.json").write_text((results.folder / "provenance.json").read_text())
    write_arrays(folder / "examples.npz", {
        Key((*pair, subject), part): array
        for pair in pairs
        for subject in results.subjects(source, target)
        for part, array in results.example(source, target, subject).items()
    })  # fmt: skip
