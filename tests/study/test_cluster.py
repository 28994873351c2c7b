"""A mistake on the way to a cluster is one line."""

import sys
from pathlib import Path

import pytest

from kdlib.data.clinics import Clinics
from kdlib.errors import InputError
from kdlib.study.plan import run_study
from kdlib.study.store import Store
from kdlib.study.study import Study, load_study
from tests.command import kdlib
from tests.study.test_engine import study_file


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return load_study(str(study_file(tmp_path, 2)))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdlib.study.cluster.SECONDS_TO_ANSWER", 0.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class: os.system", "'os.system': take a cluster class of dask_cuda, dask_jobqueue"),
        ("class: distributed.utils.Log", "no cluster class"),
        ("class: dask_kubernetes.KubeCluster", "run 'pip install dask-kubernetes'"),
        ("class: dask_jobqueue.slum.SLURMCluster", "No module named 'dask_jobqueue.slum'"),
        ("class: distributed.LocalCluster\nworker: 3", "'worker'; did you mean 'workers'"),
        (
            "class: distributed.SpecCluster\noptions: {colour: red}",
            "cannot be made.*'colour'",
        ),
        ("workers: 3", "class"),
        ("workers: 0\nclass: distributed.LocalCluster", "workers=0"),
        ("class: [", "not readable as YAML"),
        ("class: 2001-99-99", "a date, a number .* has no meaning; write each setting as"),
        ("class: !!timestamp x", "a value with a tag .* has no meaning; .* and no tags"),
        ("class: !!bool x", "a value with a tag .* has no meaning; .* and no tags"),
        ("[" * 3000, "not readable as YAML: it is nested too deeply; write each"),
        ("class: x\nself: 1", "unknown setting 'self'"),
        ("workers: 1\nclass: !!python/object/apply:os.system [ls]", "line 2: .*; .* and no tags"),
        ("workers: 1\nclass: !cloud x", "line 2: could not determine a constructor .*; write each"),
        ("[1, 2]", "write class"),
    ],
)
def test_a_mistake_in_a_clusters_file_is_one_line(
    text: str, said: str, study: Study, clinics: Clinics, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, "dask_kubernetes", None)  # as if it were not installed
    (tmp_path / "cluster.yaml").write_text(text)
    with pytest.raises(InputError, match=said) as raised:
        run_study(study, Store(tmp_path, clinics), cluster=tmp_path / "cluster.yaml")
    assert "\n" not in str(raised.value)
    assert "cluster.yaml" in str(raised.value)


@pytest.mark.usefixtures("hasty")
def test_a_scheduler_that_is_not_there_is_one_line(
    study: Study, clinics: Clinics, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9"):
        run_study(study, Store(tmp_path, clinics), scheduler="tcp://127.0.0.1:9")


@pytest.mark.parametrize("address", ["foo", "tcp://foo", "foo://bar:1", "", "tcp://10.0.0.1:x"])
def test_what_is_no_address_is_refused_at_once(
    address: str, study: Study, clinics: Clinics, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=f"no Dask scheduler answers at {address}: .*"):
        run_study(study, Store(tmp_path, clinics), scheduler=address)
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("hasty")
def test_a_machine_without_a_gpu_can_start_a_study_on_others_that_have_one(
    clinics: Clinics, tmp_path: Path
) -> None:
    places = ["--data", clinics.folder, "--store", tmp_path, "--scheduler", "tcp://127.0.0.1:9"]
    done = kdlib("study", study_file(tmp_path, 2), *places, "--device", "cuda")
    assert "no Dask scheduler answers" in done.err  # and not that there is no GPU here
