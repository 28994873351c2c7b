"""A batch system that refuses a worker does not stop a study for good."""

from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from distributed.core import Status

from kdlib.data.clinics import Clinics
from kdlib.errors import InputError
from kdlib.study.asked import Asked
from kdlib.study.plan import plan, run_study
from kdlib.study.store import Store
from kdlib.study.study import Study, load_study
from tests.study.test_engine import study_file

# A batch system of two commands. It refuses the first of its jobs, as many as ``refused`` says.
SBATCH = """#!/bin/sh
echo job >> {folder}/asked
if [ $(wc -l < {folder}/asked) -le {refused} ]; then
  echo "sbatch: error: invalid partition" >&2
  exit 1
fi
cp "$1" {folder}/job.sh
setsid sh {folder}/job.sh > /dev/null 2>&1 &
echo $! > {folder}/pid
echo "Submitted batch job 7"
"""
SCANCEL = """#!/bin/sh
kill -- -$(cat {folder}/pid) || true
"""
CLUSTER = """
class: dask_jobqueue.SLURMCluster
workers: 1
options:
  cores: 1
  memory: 2GB
  interface: lo
  local_directory: {folder}
  scheduler_options: {{dashboard_address: "127.0.0.1:0"}}
"""


@pytest.fixture
def study(tmp_path: Path) -> Study:
    study = load_study(str(study_file(tmp_path, 2)))
    return study.model_copy(update={"arms": {"L-bound": study.arms["L-bound"]}})


def batch_system(folder: Path, monkeypatch: pytest.MonkeyPatch, refused: int) -> Path:
    """Put it first on the path; returns the file of a cluster that uses it."""
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (folder / name).write_text(text.format(folder=folder, refused=refused))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setattr("kdlib.study.asked.SECONDS_TO_ASK_AGAIN", 0.1)
    (folder / "cluster.yaml").write_text(CLUSTER.format(folder=folder))
    return folder / "cluster.yaml"


def test_a_worker_that_was_refused_once_is_asked_for_again(
    study: Study, clinics: Clinics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "runs", clinics)
    run_study(study, store, cluster=batch_system(tmp_path, monkeypatch, refused=1))
    assert store.missing(item.scenario for item in plan(study, clinics)) == []
    assert len((tmp_path / "asked").read_text().split()) >= 2


def test_workers_that_are_always_refused_end_the_study_in_one_line(
    study: Study, clinics: Clinics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    cluster = batch_system(tmp_path, monkeypatch, refused=1000)
    with pytest.raises(InputError, match=r"no worker could be started: .*invalid partition$"):
        run_study(study, Store(tmp_path / "runs", clinics), cluster=cluster)
    assert "Traceback" not in capfd.readouterr().err


def test_refusals_far_apart_end_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdlib.study.asked.SECONDS_TO_ASK_AGAIN", 0.0)
    cluster = SimpleNamespace(workers={}, worker_spec={}, _created=set())
    asked = Asked(cluster)
    for _ in range(5):
        for status in (Status.created, Status.running):  # refused, and the next one runs
            cluster.workers = {0: mock.Mock(status=status)}
            asked.again()
    for _ in range(2):
        cluster.workers = {0: mock.Mock(status=Status.created)}
        asked.again()
    cluster.workers = {0: mock.Mock(status=Status.created)}
    with pytest.raises(InputError, match="no worker could be started"):
        asked.again()
