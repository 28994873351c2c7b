"""The plan of a study: its scenarios in order; run, read back and scored."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from kdlib.data.clinics import Clinics
from kdlib.errors import InputError
from kdlib.recipe import unknown_name
from kdlib.study.cluster import Cluster, cluster_of_file, local_cluster, running_cluster
from kdlib.study.participants import participants
from kdlib.study.run import Run
from kdlib.study.scenario import Scenario
from kdlib.study.store import OnProgress, Store
from kdlib.study.study import Study, Sweep, arm_scenario

PLACE = ["arm", "source", "target", "fold", "seed", "setting", "value"]  # where a run belongs
SWEPT = ["setting", "value", "evaluated_on"]  # the columns of scores.csv that sweeps need


@dataclass(frozen=True)
class Planned:
    """One scenario of a study and the arm it belongs to; in a sweep the setting and its value."""

    arm: str
    scenario: Scenario
    setting: str = ""
    value: float = math.nan


def plan(study: Study, clinics: Clinics) -> list[Planned]:
    """Every scenario of the study on these clinics, in the order they are run; sweeps at the end.

    Only those of the study's ``sources``, if it names any.

    A sweep's rows at the arm's own value are runs that the study may have for itself: such a
    scenario is there twice.
    """
    main = [
        planned
        for seed in study.seeds
        for pair in study.pairs
        for fold in study.folds
        for arm in study.arms
        for planned in _arm(study, clinics, arm, pair, fold, seed)
    ]
    swept = [planned for sweep in study.sweeps for planned in _sweep(study, clinics, sweep)]
    return [
        planned for planned in main + swept
        if study.sources is None or planned.scenario.source in study.sources
    ]  # fmt: skip


def _sweep(study: Study, clinics: Clinics, sweep: Sweep) -> Iterator[Planned]:
    named = {"arm": sweep.arm, "setting": sweep.setting}
    for seed, pair, fold in product(
        study.seeds, sweep.pairs or study.pairs, sweep.folds or study.folds
    ):
        own = _own_value(arm_scenario(study, sweep.arm, pair, fold, seed), sweep)
        for value in sorted({own, *sweep.values}):
            changed = {sweep.setting: value}
            for planned in _arm(study, clinics, sweep.arm, pair, fold, seed, **changed):
                yield Planned(scenario=planned.scenario, value=value, **named)


def _own_value(scenario: Scenario, sweep: Sweep) -> float:
    """What the arm has of a sweep's setting by itself."""
    settings = scenario.recipe() | scenario.settings.model_dump()
    if sweep.setting not in settings:
        raise InputError(unknown_name(sweep.setting, list(settings), f"setting of {sweep.arm}"))
    own = settings[sweep.setting]
    if isinstance(own, bool) or not isinstance(own, int | float):
        raise InputError(
            f"{sweep.setting} of {sweep.arm} is {own!r}; sweep a setting that is a number"
        )
    return float(own)


def _arm(
    study: Study,
    clinics: Clinics,
    arm: str,
    pair: tuple[str, str],
    fold: int,
    seed: int,
    **changed: float,
) -> Iterator[Planned]:
    whole = arm_scenario(study, arm, pair, fold, seed, **changed)
    if not study.arms[arm].on_the_fly:
        yield Planned(arm, whole)
        return
    tested = participants(whole, clinics).tested
    for subject in tested[: study.on_the_fly_subjects]:
        yield Planned(arm, whole.changed(subject=subject.id))


def run_study(
    study: Study,
    store: Store,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    cluster: Path | None = None,
    on_progress: OnProgress | None = None,
    on_dashboard: Callable[[str], None] | None = None,
) -> list[tuple[Planned, Run]]:
    """Run what the store lacks; a stopped study goes on where it was.

    Args:
        study: what to run.
        store: where; for workers on other machines a folder that they see under the same path.
        workers: above 1 so many processes, which train more in the same time.
        scheduler: instead, the address of a running Dask scheduler whose workers make the runs.
        cluster: instead, a YAML file that says which Dask cluster to make.
        on_progress: called with a scenario in training, the steps taken and their number.
        on_dashboard: called with the address of the workers' page where they have one.

    Raises:
        InputError: a clinic, a scan or a label is missing or damaged, the cluster cannot be had,
            or three workers died in one run that got no further.
    """
    if workers < 1:
        raise InputError(f"workers={workers}: give 1 or more")
    items = plan(study, store.clinics)
    absent = store.missing(item.scenario for item in items)
    store.check_apart(absent)
    for scenario in absent:
        participants(scenario, store.clinics)  # It refuses one with nobody to learn from.
    if not any(participants(item.scenario, store.clinics).tested for item in items):
        what = "nobody is tested in it; give its targets more subjects"
        raise InputError(f"study {study.name}: {what}")
    place: AbstractContextManager[Cluster] | None = None
    if scheduler is not None:
        place = running_cluster(scheduler)
    elif cluster is not None:
        place = cluster_of_file(cluster)
    elif workers > 1:
        place = local_cluster(workers, len(absent))
    if place is not None and absent:
        from kdlib.study.engine import run_on_dask

        ordered = most_needed_first(absent)
        run_on_dask(ordered, store, place, on_progress=on_progress, on_dashboard=on_dashboard)
    else:
        for scenario in absent:  # also a teacher that was removed, whose students are finished
            store.run(scenario, on_progress=on_progress)
    return [(item, store.run(item.scenario, on_progress=on_progress)) for item in items]


def most_needed_first(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """By how many runs wait for it, then the longest first, so that all workers end together.

    A teacher comes before its students.
    """
    needed = dict.fromkeys(scenarios, 0)
    for scenario in scenarios:
        teacher = scenario.teacher
        while teacher is not None:
            if teacher in needed:
                needed[teacher] += 1
            teacher = teacher.teacher
    return sorted(needed, key=lambda scenario: (-needed[scenario], -scenario.updates))


def saved_runs(study: Study, store: Store) -> tuple[list[tuple[Planned, Run]], int]:
    """The study's finished runs, and how many others are still missing."""
    items = plan(study, store.clinics)
    found = [(item, store.saved(item.scenario)) for item in items]
    done = [(item, run) for item, run in found if run is not None]
    return done, len(items) - len(done)


def study_scores(runs: list[tuple[Planned, Run]]) -> pd.DataFrame:
    """A row per arm, pair, fold, seed and tested subject, with the metrics.

    A study with sweeps has three more columns: ``setting`` and ``value``, empty outside a sweep,
    and ``evaluated_on``; a sweep's networks are scored on the "source" as on the "target".
    """
    frames = [_named(item, done.scores, "target") for item, done in runs]
    frames += [
        _named(item, done.source_scores, "source")
        for item, done in runs
        if item.setting and not done.source_scores.empty
    ]
    scores = pd.concat(frames, ignore_index=True)
    first = ["arm", "source", "target", "fold", "seed", *SWEPT, "subject"]
    scores = scores[[*first, *(name for name in scores if name not in first)]]
    return scores if any(item.setting for item, _ in runs) else scores.drop(columns=SWEPT)


def study_curves(runs: list[tuple[Planned, Run]]) -> pd.DataFrame:
    """How all networks of a study learnt, as ``Run.curve`` says. Each row is one point of a run.

    The columns before those of the curve are ``arm``, ``source``, ``target``, ``fold`` and
    ``seed``, and ``setting`` and ``value``, which are empty outside a sweep. The rows of a plain
    teacher have the arm "teacher" and no target or fold. In ``teaches`` they have the first arm
    that it teaches: arms may have different teachers.
    """
    parts = [done.curve.assign(**place_of_run(item), teaches="") for item, done in runs]
    for arm, teacher in _plain_teachers(runs):
        place = place_of_run(Planned("teacher", teacher.scenario)) | {"target": "", "fold": None}
        parts.append(teacher.curve.assign(**place, teaches=arm))
    return _stacked(parts, [*PLACE, "teaches", "step", "dice"])


def study_findings(runs: list[tuple[Planned, Run]]) -> pd.DataFrame:
    """What methods found of their networks, as ``Run.findings`` says. Each row is one run.

    The columns before are those of ``study_curves``, without ``teaches``. A run whose method finds
    nothing has no row.
    """
    found = [
        pd.DataFrame([place_of_run(item) | run.findings]) for item, run in runs if run.findings
    ]
    return _stacked(found, PLACE)


def _plain_teachers(runs: list[tuple[Planned, Run]]) -> list[tuple[str, Run]]:
    """Each teacher that knows no target, with the first arm that it teaches."""
    found = dict[Path, tuple[str, Run]]()
    for item, done in runs:
        for run in done.lineage:
            if run.scenario.target is None:
                found.setdefault(run.directory, (item.arm, run))
    return list(found.values())


def place_of_run(item: Planned) -> dict[str, Any]:
    """Where a run belongs in a study."""
    scenario = item.scenario
    names = {"arm": item.arm, "source": scenario.source, "target": scenario.target}
    numbers = {"fold": scenario.fold, "seed": scenario.seed}
    return names | numbers | {"setting": item.setting, "value": item.value}


def _stacked(parts: list[pd.DataFrame], first: list[str]) -> pd.DataFrame:
    """One table of all that have rows, with the columns ``first`` in front."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame(columns=first)
    table = pd.concat(parts, ignore_index=True).astype({"fold": "Int64"})
    return table[[*first, *(name for name in table if name not in first)]]


def _named(item: Planned, scores: pd.DataFrame, on: str) -> pd.DataFrame:
    return scores.drop(columns="clinic").assign(**place_of_run(item), evaluated_on=on)
