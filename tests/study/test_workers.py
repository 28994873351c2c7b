"""Laws of runs made side by side."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from multiprocessing import active_children
from pathlib import Path

import pandas as pd
import pytest

from kdlib.data.clinics import Clinics, open_clinics
from kdlib.errors import InputError
from kdlib.study.plan import plan, run_study, study_scores
from kdlib.study.scenario import Scenario
from kdlib.study.store import OnProgress, Store
from kdlib.study.study import Study, load_study
from kdlib.study.workers import _most_needed_first
from tests.tiny import RECIPE, write_clinics

TEXT = """
about = "Tiny."
pairs = [["utrecht", "singapore"]]
folds = [0]
seeds = [0]

[arms]
L-bound = {method = "unadapted"}
ADA = {method = "adversarial"}
"KD on the fly" = {method = "distillation", on_the_fly = true}
"ADA then KD" = {method = "distillation", teacher = "ADA"}

[recipe]
"""


def study_file(folder: Path, steps: int) -> Path:
    recipe = "\n".join(f"{k} = {json.dumps(v)}" for k, v in (RECIPE | {"steps": steps}).items())
    (folder / "tiny.toml").write_text(TEXT + recipe)
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


def test_workers_give_the_numbers_of_one_process_and_tell_every_step(
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
    assert told == {s: list(range(1, s.updates + 1)) for s in absent if s.updates}


def test_the_runs_that_others_wait_for_come_first(study: Study, clinics: Clinics) -> None:
    absent = Store("no", clinics).missing(item.scenario for item in plan(study, clinics))
    ordered = _most_needed_first(absent)
    assert [s.method for s in ordered[:2]] == ["supervised", "adversarial"]


def test_the_longest_of_the_other_runs_come_first(study: Study, clinics: Clinics) -> None:
    absent = Store("no", clinics).missing(item.scenario for item in plan(study, clinics))
    ordered = _most_needed_first(absent)
    lengths = [s.updates for s in ordered[2:]]
    assert lengths == sorted(lengths, reverse=True)


def test_bad_input_found_by_a_worker_ends_them_all(study: Study, tmp_path: Path) -> None:
    folder = write_clinics(tmp_path / "clinics")
    (folder / "training/Utrecht/1/pre/T1.nii.gz").unlink()
    recipe = study.recipe.model_copy(update={"inputs": "flair+t1"})
    with pytest.raises(InputError, match="there is no T1 here"):
        scores(study.model_copy(update={"recipe": recipe}), open_clinics(folder), tmp_path, 2)
    assert active_children() == []


def kill_the_workers(*_: object) -> None:
    for child in active_children():
        child.kill()


def tell_this_process_to_end(*_: object) -> None:
    signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize(
    ("on_progress", "raised"),
    [(kill_the_workers, InputError), (tell_this_process_to_end, SystemExit)],
)
def test_all_end_with_one(
    on_progress: OnProgress, raised: type[BaseException], study: Study, clinics: Clinics,
    tmp_path: Path,
) -> None:  # fmt: skip
    with pytest.raises(raised, match=r"lack of memory|143"):
        run_study(study, Store(tmp_path, clinics), workers=2, on_progress=on_progress)
    assert active_children() == []


SCRIPT = """
import sys
from kdlib import Store, open_clinics
from kdlib.study.plan import run_study
from kdlib.study.study import load_study
run_study(load_study(sys.argv[1]), Store(sys.argv[2], open_clinics(sys.argv[3])), workers=2)
"""


def test_a_script_that_lacks_its_main_guard_is_told_so(clinics: Clinics, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    words = [tmp_path / "script.py", study_file(tmp_path, 2), tmp_path / "store", clinics.folder]
    alone = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *words], env=alone, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1  # of the script itself, and none of a worker
    assert 'put that under if __name__ == "__main__"' in done.stderr.splitlines()[-1]


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
    while not (store.directory(teacher) / "scenario.json").exists():
        assert process.poll() is None
        time.sleep(0.01)
    whom = -process.pid if number == signal.SIGINT else process.pid  # the keyboard tells all
    os.kill(whom, number)
    said = process.communicate(timeout=60)[1]  # ends when no worker holds the pipe any more
    assert process.returncode != 0
    assert "Traceback" not in said
    assert not list(store.folder.rglob(".*"))
    assert store.missing(item.scenario for item in plan(study, clinics))
    if number == signal.SIGKILL:
        assert scores(study, clinics, store.folder).equals(expected)


def start(file: Path, store: Store) -> subprocess.Popen[str]:
    kdlib = str(Path(sys.executable).with_name("kdlib"))
    places = ["--data", str(store.clinics.folder), "--store", str(store.folder)]
    return subprocess.Popen(
        [kdlib, "study", str(file), *places, "--workers", "2"], stderr=subprocess.PIPE, text=True,
        start_new_session=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
        # Tests started in the background ignore the keyboard, and so would the study.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
