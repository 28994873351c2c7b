"""Laws of runs made side by side."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing import active_children
from pathlib import Path
from typing import Any
from unittest import mock

import dask
import pandas as pd
import pytest
from dask.utils import key_split
from distributed import Client, LocalCluster

from kdlib.data.clinics import Clinic, Clinics, open_clinics
from kdlib.errors import InputError
from kdlib.processes import START
from kdlib.study.engine import _Graph
from kdlib.study.on_worker import Maker, run_key
from kdlib.study.plan import most_needed_first, plan, run_study, study_scores
from kdlib.study.scenario import Scenario
from kdlib.study.store import OnProgress, Store
from kdlib.study.study import Study, load_study
from tests.tiny import RECIPE, study_text, write_clinics

ARMS = """
[arms]
L-bound = {method = "unadapted"}
ADA = {method = "adversarial"}
"KD on the fly" = {method = "distillation", on_the_fly = true}
"ADA then KD" = {method = "distillation", teacher = "ADA"}
"""


def study_file(folder: Path, steps: int) -> Path:
    (folder / "tiny.toml").write_text(study_text(ARMS, steps=steps))
    return folder / "tiny.toml"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return load_study(str(study_file(tmp_path_factory.mktemp("study"), RECIPE["steps"])))


def scores(study: Study, clinics: Clinics, store: Path, workers: int = 1) -> pd.DataFrame:
    return study_scores(run_study(study, Store(store, clinics), workers=workers))


@pytest.fixture(scope="module")
def expected(study: Study, clinics: Clinics, store: Path) -> pd.DataFrame:
    """What one process makes of the study."""
    return scores(study, clinics, store)


def test_workers_give_the_numbers_of_one_process_and_tell_how_far_they_are(
    study: Study, clinics: Clinics, expected: pd.DataFrame, tmp_path: Path
) -> None:
    store = Store(tmp_path, clinics)
    absent = store.missing(item.scenario for item in plan(study, clinics))
    told: dict[Scenario, list[int]] = {}
    runs = run_study(
        study, store, workers=2,
        on_progress=lambda scenario, step, _: told.setdefault(scenario, []).append(step),
    )  # fmt: skip
    assert active_children() == []
    assert study_scores(runs).equals(expected)
    assert {s: steps[-1] for s, steps in told.items()} == {
        s: s.updates for s in absent if s.updates
    }
    assert all(steps == sorted(steps) for steps in told.values())


def test_the_runs_that_others_wait_for_come_first(study: Study, clinics: Clinics) -> None:
    absent = Store("no", clinics).missing(item.scenario for item in plan(study, clinics))
    ordered = most_needed_first(absent)
    assert [s.method for s in ordered[:2]] == ["supervised", "adversarial"]


def test_the_longest_of_the_other_runs_come_first(study: Study, clinics: Clinics) -> None:
    absent = Store("no", clinics).missing(item.scenario for item in plan(study, clinics))
    ordered = most_needed_first(absent)
    lengths = [s.updates for s in ordered[2:]]
    assert lengths == sorted(lengths, reverse=True)


def test_all_runs_are_one_kind_of_work_to_dask(study: Study, clinics: Clinics) -> None:
    """It would leave a worker idle while runs of a kind that it has not seen wait at another."""
    absent = Store("no", clinics).missing(item.scenario for item in plan(study, clinics))
    keys = [run_key(number, scenario, "kdlib-ab") for number, scenario in enumerate(absent)]
    assert len({scenario.method for scenario in absent}) > 2
    assert len({key_split(key) for key in keys}) == 1
    assert len(set(keys)) == len(keys)


def test_bad_input_found_by_a_worker_ends_them_all(study: Study, tmp_path: Path) -> None:
    folder = write_clinics(tmp_path / "clinics")
    (folder / "training/Utrecht/1/pre/T1.nii.gz").unlink()
    recipe = study.recipe.model_copy(update={"inputs": "flair+t1"})
    with pytest.raises(InputError, match=r"utrecht-.*seed0: .*there is no T1 here"):
        scores(study.model_copy(update={"recipe": recipe}), open_clinics(folder), tmp_path, 2)
    assert active_children() == []


def kill_the_workers(*_: object) -> None:
    for child in active_children():
        child.kill()


def tell_this_process_to_end(*_: object) -> None:
    signal.raise_signal(signal.SIGTERM)


def beside_others() -> float:
    """How many times as long everything takes because other processes want the cores too."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.mark.parametrize(
    ("on_progress", "raised", "said"),
    [
        (kill_the_workers, InputError, "utrecht-supervised.*: three workers died"),
        (tell_this_process_to_end, SystemExit, "143"),
    ],
)
def test_all_end_with_one(
    on_progress: OnProgress, raised: type[BaseException], said: str, study: Study,
    clinics: Clinics, tmp_path: Path,
) -> None:  # fmt: skip
    recipe = study.recipe.model_copy(update={"steps": 20_000})  # over in no second
    long = study.model_copy(update={"recipe": recipe})
    told: list[float] = []

    def tell(*news: Any) -> None:
        told.append(time.monotonic())
        on_progress(*news)

    with pytest.raises(raised, match=said):
        run_study(long, Store(tmp_path, clinics), workers=2, on_progress=tell)
    # After the last death another worker has to start first.
    assert time.monotonic() - told[-1] < (10 if raised is SystemExit else 60) * beside_others()
    assert active_children() == []
    assert raised is InputError or not list(tmp_path.rglob(".*"))


def test_a_worker_that_dies_costs_nothing_but_time(
    study: Study, clinics: Clinics, expected: pd.DataFrame, tmp_path: Path
) -> None:
    victims: list[Scenario] = []

    def kill_each_once(scenario: Scenario, *_: object) -> None:
        if len(victims) < 2 and scenario not in victims:
            victims.append(scenario)
            kill_the_workers()

    store = Store(tmp_path, clinics)
    runs = run_study(study, store, workers=2, on_progress=kill_each_once)
    assert len(victims) == 2
    assert study_scores(runs).equals(expected)


def test_deaths_count_only_while_the_run_gets_no_further(clinics: Clinics, tmp_path: Path) -> None:
    (run,) = Store(tmp_path, clinics).missing([Scenario(method="supervised", source="utrecht")])
    graph = _Graph([run], None, None)  # type: ignore[arg-type]
    told: list[int] = []

    def attempt(checkpoint: int) -> None:
        for step in (0, checkpoint + 1, checkpoint + 50):
            graph._step(lambda _, done, __: told.append(done), 0, step, 1000)

    for checkpoint in (0, 0, 100, 200, 300, 400, 400, 400):
        attempt(checkpoint)
    with pytest.raises(InputError, match="three workers died"):
        attempt(400)
    assert told[-1] == 450


def test_too_little_memory_of_a_worker_is_one_line() -> None:
    store = mock.Mock()
    store.run.side_effect = MemoryError("9 TiB")
    maker = Maker("study", store, 0, lasting=True)
    maker.setup(mock.Mock())
    with pytest.raises(InputError, match=r"utrecht-supervised.*too little memory \(9 TiB\)"):
        maker.make(0, Scenario(method="supervised", source="utrecht"))


@pytest.fixture(scope="module", autouse=True)
def workers_are_copies() -> Iterator[None]:
    """Also those that a user starts: they import nothing."""
    with dask.config.set({"distributed.worker.multiprocessing-method": START}):
        yield


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a running one whose workers take two tasks at a time."""
    with LocalCluster(
        n_workers=2, threads_per_worker=2, dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield cluster.scheduler_address


def test_a_running_scheduler_gives_the_same_numbers(
    scheduler: str, study: Study, clinics: Clinics, expected: pd.DataFrame, tmp_path: Path
) -> None:
    store = Store(tmp_path / "store", clinics)
    with pytest.raises(SystemExit):
        run_study(study, store, scheduler=scheduler, on_progress=tell_this_process_to_end)
    assert store.missing(item.scenario for item in plan(study, clinics))
    assert study_scores(run_study(study, store, scheduler=scheduler)).equals(expected)
    with Client(scheduler, set_as_default=False) as client:
        assert len(client.scheduler_info()["workers"]) == 2  # it outlives a study that ended
        plugins = client.run(lambda dask_worker: [*dask_worker.plugins])
    assert not [name for names in plugins.values() for name in names if "kdlib" in name]


def test_workers_that_declare_no_gpu_are_told_of_and_not_waited_for(
    scheduler: str, study: Study, clinics: Clinics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdlib.study.cluster.SECONDS_WITHOUT_GPU", 0.5)
    with pytest.raises(InputError, match=r"none of the workers declares.*--resources GPU=1"):
        run_study(study, Store(tmp_path, clinics, "cuda"), scheduler=scheduler)


def test_a_cluster_made_from_a_file_gives_the_same_numbers(
    study: Study, clinics: Clinics, expected: pd.DataFrame, tmp_path: Path
) -> None:
    file = tmp_path / "cluster.yaml"
    options = "{threads_per_worker: 1, n_workers: 0, dashboard_address: 127.0.0.1:0}"
    file.write_text(f"class: distributed.LocalCluster\noptions: {options}\nworkers: 2\n")
    runs = run_study(study, Store(tmp_path / "store", clinics), cluster=file)
    assert study_scores(runs).equals(expected)


SCRIPT = """
import sys
from kdlib import Store, open_clinics
from kdlib.study.plan import run_study
from kdlib.study.study import load_study
study, clinics = load_study(sys.argv[1]), open_clinics(sys.argv[2])
run_study(study, Store(sys.argv[3], clinics))
print([name for name in ("dask", "distributed") if name in sys.modules])
run_study(study, Store(sys.argv[4], clinics), workers=2)
print("ran")
"""


def test_one_worker_needs_no_cluster_and_a_script_with_more_no_main_guard(
    clinics: Clinics, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    words = [study_file(tmp_path, 2), clinics.folder, tmp_path / "one", tmp_path / "two"]
    command = [sys.executable, tmp_path / "script.py", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\nran\n", "")


def test_a_study_with_nobody_to_learn_from_or_to_test_trains_nothing(
    study: Study, clinics: Clinics, tmp_path: Path
) -> None:
    alone = Clinic("singapore", clinics["singapore"].training[:1])
    store = Store(tmp_path, Clinics(clinics.folder, {**clinics, "singapore": alone}))
    on_the_fly = {"arms": {"KD on the fly": study.arms["KD on the fly"]}}
    for changed, said in (
        ({"folds": (0, 1)}, "fold 1 of clinic singapore has no subjects"),
        ({}, "nobody is tested"),
        (on_the_fly, "nobody is tested"),
    ):
        with pytest.raises(InputError, match=said):
            run_study(study.model_copy(update=changed), store)
    assert not list(tmp_path.iterdir())


def test_no_workers_train_nothing(study: Study, clinics: Clinics, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="workers=0"):
        scores(study, clinics, tmp_path, workers=0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_study_leaves_no_process_and_goes_on(
    number: signal.Signals, study: Study, clinics: Clinics, expected: pd.DataFrame, tmp_path: Path
) -> None:
    store = Store(tmp_path / "store", clinics)
    process = start(study_file(tmp_path, RECIPE["steps"]), store)
    teacher = plan(study, clinics)[0].scenario.teacher
    assert teacher is not None
    # At its first run: later, what is left might be done before the signal is heard.
    made = store.directory(teacher) / "scenario.json"
    while not made.exists():
        assert process.poll() is None
        time.sleep(0.01)
    whom = -process.pid if number == signal.SIGINT else process.pid  # the keyboard tells all
    os.kill(whom, number)
    # It ends when no worker holds the pipe any more.
    said = process.communicate(timeout=10 * beside_others())[1]
    assert process.returncode != 0
    assert "Traceback" not in said
    assert number == signal.SIGKILL or not list(store.folder.rglob(".*"))
    assert store.missing(item.scenario for item in plan(study, clinics))
    if number == signal.SIGKILL:
        assert scores(study, clinics, store.folder).equals(expected)


def start(file: Path, store: Store) -> subprocess.Popen[str]:
    command = str(Path(sys.executable).with_name("kdlib"))
    places = ["--data", str(store.clinics.folder), "--store", str(store.folder)]
    return subprocess.Popen(
        [command, "study", str(file), *places, "--workers", "2"], stderr=subprocess.PIPE, text=True,
        start_new_session=True,
        # Tests started in the background ignore the keyboard, and so would the study.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
