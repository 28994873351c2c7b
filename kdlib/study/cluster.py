"""Where a study's runs are made: processes of this machine, a running scheduler, a batch system."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from signal import SIG_IGN, SIGINT
from typing import TYPE_CHECKING, Any

import torch
from pydantic import Field

from kdlib.errors import InputError
from kdlib.files import read_text
from kdlib.processes import START, handled, starting_at_once
from kdlib.recipe import Count, Strict
from kdlib.training import choose_device

if TYPE_CHECKING:
    from distributed import Client

    from kdlib.study.asked import Asked

# By the process that all local workers are copies of. A worker's first optimiser imports torch's
# compiler, which takes longer than all else.
IMPORTED = ("distributed", "kdlib.study.on_worker", "torch._dynamo")
MOST_BY_DEFAULT = 4  # each process holds a network, its slices and torch itself
# Dask blames a dead worker's end on every run that it had been given. The engine counts itself.
DASK_COUNTS_NO_DEATHS = {"distributed.scheduler.allowed-failures": 1_000_000}
NO_GPU = (
    "none of the workers declares a GPU, so no run can begin; start them with --resources GPU=1, or"
    " leave --device cuda out"
)
SECONDS_TO_ANSWER = 10  # that a scheduler elsewhere has
SECONDS_WITHOUT_GPU = 10.0  # a worker that has one may just be starting
ALLOWED = ("dask_cuda", "dask_jobqueue", "dask_kubernetes", "distributed")


@dataclass(frozen=True)
class Cluster:
    """Dask workers to be had.

    Attributes:
        client: of the scheduler they belong to.
        local: how many of them are processes of this machine that this process has started.
        lasting: whether they live on when the study ends, for they belong to others.
        dashboard: the address of a page that shows them, or nothing.
        asked: those that this process asks a batch system for.
    """

    client: "Client"
    local: int = 0
    lasting: bool = False
    dashboard: str = ""
    asked: "Asked | None" = None

    def unable_since(self, device: str, since: float) -> float:
        """Since when there are workers, and none of them has what a run takes; 0 if one has.

        ``since`` is what the last call returned, at first 0. Raises ``InputError`` if it lasts.
        """
        workers = self.client.scheduler_info()["workers"].values() if self.needs(device) else ()
        if not workers or any(worker["resources"].get("GPU", 0) >= 1 for worker in workers):
            return 0.0
        since = since or time.monotonic()
        if time.monotonic() - since > SECONDS_WITHOUT_GPU:
            raise InputError(NO_GPU)
        return since

    def needs(self, device: str) -> dict[str, float] | None:
        """What a run takes of a worker's resources: a run on CUDA one of its ``GPU``."""
        return {"GPU": 1} if device.startswith("cuda") and not self.local else None


class ClusterFile(Strict):
    """The settings of a cluster, as a YAML file holds them.

    Raises:
        InputError: a setting is unknown, missing or has no meaning.
    """

    kind: str = Field(alias="class", description="a cluster class of a Dask package, dotted")
    options: dict[str, Any] = Field({}, description="the class's own arguments")
    workers: Count = Field(1, description="workers kept running; a lost one is replaced")


def default_workers(device: str = "auto") -> int:
    """On a CPU a process for each of torch's threads, 4 at most; on an accelerator one."""
    on_cpu = choose_device(device).type == "cpu"
    return min(torch.get_num_threads(), MOST_BY_DEFAULT) if on_cpu else 1


@contextmanager
def local_cluster(workers: int, most: int) -> Iterator[Cluster]:
    """``workers`` processes of this machine, and no more than ``most``."""
    import dask
    from distributed import Client, LocalCluster
    from distributed.utils import get_mp_context

    count = min(workers, most)
    settings = DASK_COUNTS_NO_DEATHS | {"distributed.worker.multiprocessing-method": START}
    with dask.config.set(settings), ExitStack() as opened:
        get_mp_context()  # it names modules to import beforehand, and so do we
        starting_at_once(*IMPORTED)
        # The keyboard interrupts this process alone, which then ends the others.
        with handled(SIGINT, SIG_IGN):
            cluster = LocalCluster(
                n_workers=count, threads_per_worker=1, memory_limit=None,
                dashboard_address="127.0.0.1:0", silence_logs=100,
            )  # fmt: skip
        opened.enter_context(cluster)
        client = opened.enter_context(Client(cluster, set_as_default=False))
        page = cluster.dashboard_link if find_spec("bokeh") else ""
        yield Cluster(client, local=count, dashboard=page)


@contextmanager
def running_cluster(address: str) -> Iterator[Cluster]:
    """The workers of a scheduler that runs at ``address``, such as ``tcp://10.0.0.1:8786``."""
    from distributed import Client
    from distributed.comm import get_address_host_port

    try:
        get_address_host_port(address)  # Dask itself tries it for long, and prints a traceback.
        client = Client(address, set_as_default=False, timeout=SECONDS_TO_ANSWER)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"no Dask scheduler answers at {address}: {error}") from None
    with client:
        yield Cluster(client, lasting=True, dashboard=client.dashboard_link or "")


@contextmanager
def cluster_of_file(path: Path) -> Iterator[Cluster]:
    """A cluster that is made as the YAML file ``path`` says, and ends with the block."""
    import dask
    from distributed import Client

    from kdlib.study.asked import Asked

    wanted = read_cluster_file(path)
    try:
        with dask.config.set(DASK_COUNTS_NO_DEATHS):
            cluster = _cluster_class(wanted.kind)(**wanted.options)
    except (TypeError, ValueError, OSError, RuntimeError) as error:
        raise InputError(
            f"{path}: {wanted.kind} cannot be made: {' '.join(str(error).split())}"
        ) from None
    asked = Asked(cluster)
    with asked.listening(), cluster, Client(cluster, set_as_default=False) as client:
        cluster.adapt(minimum=wanted.workers, maximum=wanted.workers)
        page = cluster.dashboard_link if find_spec("bokeh") else ""
        yield Cluster(client, dashboard=page, asked=asked)


def read_cluster_file(path: Path) -> ClusterFile:
    """The settings in a YAML file, which can name things but run nothing."""
    import yaml

    try:
        text = read_text(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    try:
        settings = yaml.safe_load(text)
    except Exception as error:  # wrong dates, numbers and nesting are no errors of YAML's own
        raise InputError(f"{path}: not readable as YAML: {_said_of_yaml(error)}") from None
    if not isinstance(settings, dict) or not all(isinstance(key, str) for key in settings):
        raise InputError(f"{path}: write class, options and workers, each as 'name: value'")
    try:
        return ClusterFile(**settings)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _said_of_yaml(error: Exception) -> str:
    """Where a YAML file is wrong if the error knows it, what is wrong, and what to do."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    problem = problem or getattr(error, "reason", None)
    if problem is None:
        problem = "it is nested too deeply" if isinstance(error, RecursionError) else (
            "a date, a number or a value with a tag (!!) has no meaning"
        )  # fmt: skip
    where = f"line {mark.line + 1}: " if mark else ""
    advice = "write each setting as 'name: value', a date in quotation marks and no tags"
    return f"{where}{' '.join(problem.split())}; {advice}"


def _cluster_class(name: str) -> Any:
    """The class of that dotted name: a cluster, of one of the packages that have them."""
    from distributed.deploy import Cluster as DaskCluster

    module, _, last = name.rpartition(".")
    package = module.split(".")[0]
    if package not in ALLOWED:
        raise InputError(f"class {name!r}: take a cluster class of {', '.join(ALLOWED)}")
    try:
        found = getattr(import_module(module), last, None)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise InputError(f"class {name!r}: {error}") from None
        remedy = f"pip install {package.replace('_', '-')}"
        raise InputError(f"class {name!r}: {package} is not installed; run '{remedy}'") from None
    if not (isinstance(found, type) and issubclass(found, DaskCluster)):
        raise InputError(f"class {name!r} is no cluster class of {module}")
    return found
