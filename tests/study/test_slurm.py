"""A study on a real SLURM gives the numbers of a local one, also when a job is killed."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kdlib.data.clinics import Clinics
from kdlib.study.plan import plan, run_study
from kdlib.study.store import Store
from kdlib.study.study import load_study
from tests.study.slurm import HOW_TO_GET_IT, absent, running_slurm, said
from tests.study.test_engine import study_file

pytestmark = [pytest.mark.slurm, pytest.mark.skipif(absent(), reason=HOW_TO_GET_IT)]
CLUSTER = """
class: dask_jobqueue.SLURMCluster
workers: 2
options:
  cores: 1
  memory: 2GB
  interface: lo
  walltime: "00:10:00"
  log_directory: {folder}
  local_directory: {folder}
  scheduler_options: {{dashboard_address: "127.0.0.1:0"}}
"""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (folder := tmp_path / "slurm").mkdir()
    monkeypatch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
    with running_slurm(folder):
        yield


@pytest.mark.usefixtures("slurm")
def test_a_study_on_slurm_gives_the_same_scores_though_a_job_is_killed(
    clinics: Clinics, tmp_path: Path
) -> None:
    study = load_study(str(study_file(tmp_path, steps=1000)))  # some seconds, to be killed in them
    arms = {name: study.arms[name] for name in ("L-bound", "KD on the fly")}
    study = study.model_copy(update={"arms": arms})
    file = tmp_path / "cluster.yaml"
    file.write_text(CLUSTER.format(folder=tmp_path))
    killed: list[str] = []

    def kill_the_running_job_once(*_: object) -> None:
        if not killed:  # there is room for one job, and the other one waits
            killed.extend(said("squeue", "-h", "-t", "running", "-o", "%A"))
            subprocess.run(["scancel", "--signal=KILL", *killed], check=True)

    on_slurm, here = Store(tmp_path / "slurm-store", clinics), Store(tmp_path / "here", clinics)
    run_study(study, on_slurm, cluster=file, on_progress=kill_the_running_job_once)
    run_study(study, here)
    assert len(killed) == 1
    teacher = plan(study, clinics)[0].scenario.teacher
    assert teacher is not None
    assert len([*on_slurm.directory(teacher).glob("lock.*")]) == 3  # claimed, taken over, confirmed
    for item in plan(study, clinics):
        scores = (on_slurm.directory(item.scenario) / "scores.csv").read_bytes()
        assert scores == (here.directory(item.scenario) / "scores.csv").read_bytes()
