"""The examples of cluster files in the book are files that kdlib and Dask take."""

from pathlib import Path

import pytest
from dask_jobqueue.pbs import PBSJob
from dask_jobqueue.slurm import SLURMJob

from kdlib.study.cluster import ClusterFile, read_cluster_file

EXAMPLES = Path(__file__).parents[2] / "book" / "clusters"


def example(name: str) -> ClusterFile:
    return read_cluster_file(EXAMPLES / f"{name}.yaml")


def test_every_example_is_tried_here_and_shown_in_the_book() -> None:
    names = {path.name for path in EXAMPLES.iterdir()}
    page = (EXAMPLES.parent / "cluster.md").read_text()
    assert names == {"slurm.yaml", "pbs.yaml", "kubernetes.yaml"}
    assert [name for name in names if f"clusters/{name}" not in page] == []


@pytest.mark.parametrize(
    ("name", "job", "gpu"), [("slurm", SLURMJob, "--gres=gpu:1"), ("pbs", PBSJob, ":ngpus=1")]
)
def test_a_job_has_one_gpu_and_says_so(name: str, job: type[SLURMJob], gpu: str) -> None:
    wanted = example(name)
    script = job(scheduler="tcp://scheduler:8786", name="0", **wanted.options).job_script()
    assert wanted.kind == f"dask_jobqueue.{name.upper()}Cluster"
    assert gpu in script
    assert "--resources GPU=1" in script
    assert "--nthreads 1 " in script  # else it would take several runs, and others none


def test_a_pod_has_one_gpu_and_says_so() -> None:
    wanted = example("kubernetes")
    spec = wanted.options["custom_cluster_spec"]["spec"]
    worker = spec["worker"]["spec"]["containers"][0]
    assert wanted.kind == "dask_kubernetes.operator.KubeCluster"
    assert "--resources=GPU=1" in worker["args"]
    assert worker["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert spec["scheduler"]["service"]["selector"]["dask.org/component"] == "scheduler"
