"""What many tests share."""

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch
from filelock import FileLock

from kdlib.cache import VARIABLE
from kdlib.data.clinics import Clinics, open_clinics
from kdlib.evidence import power
from kdlib.processes import starting_at_once
from kdlib.study.cluster import IMPORTED
from tests.explored import Explored, explored
from tests.known_effects import known_effects
from tests.pages import ROOT
from tests.tiny import write_clinics

# Also in the processes that tests start: threads that wait for a core spin, and cost others theirs.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"
# Whichever test starts processes first: they are copies of one that has imported this.
starting_at_once(*IMPORTED, "kdlib.simulator.simulation")
# What takes ten seconds and more, longest first: begun last, one core would wait for the other.
LONG = (
    "test_pairs", "test_site", "test_book", "explorers", "try_page", "test_engine", "simulator",
    "test_slurm", "test_lock", "test_faults", "test_training", "test_base", "test_store",
    "test_wheel", "test_adapt", "test_starter", "test_adapting", "test_page_size", "test_sweeps",
    "test_brain_training", "test_brain", "test_starter_study", "test_new_arm", "test_widgets",
    "test_ledger", "test_answer", "test_vendor", "test_cluster",
)  # fmt: skip


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than cores: who waits for other processes leaves its core to a test."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first. Others keep their order."""
    places = {name: place for place, name in enumerate(LONG)}
    last = len(LONG)
    items.sort(key=lambda item: min(places.get(part, last) for part in _names(item)))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is imported stays: Python's collector need not look through it again and again."""
    gc.freeze()


def _names(item: pytest.Item) -> tuple[str, str]:
    """The folder and the file of a test."""
    return item.path.parent.name, item.path.stem


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all processes of this call of pytest have in common."""
    folder = tmp_path_factory.getbasetemp()
    return folder if worker_id == "master" else folder.parent


@pytest.fixture(scope="session", autouse=True)
def one_cache(shared_folder: Path) -> Iterator[None]:
    """The average brain and the starter's ONNX files are made by one process for all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(shared_folder / "cache"))
        yield


@pytest.fixture(scope="session", autouse=True)
def few_drawn_studies() -> Iterator[None]:
    """Drawing studies takes half of a judgement's time. Fewer of them give the same verdicts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(power, "STUDIES", 200)
        patch.setattr(power, "SEARCHED", 50)
        yield


@pytest.fixture(scope="session")
def clinics(tmp_path_factory: pytest.TempPathFactory) -> Clinics:
    """Two tiny clinics, Utrecht and Singapore."""
    return open_clinics(write_clinics(tmp_path_factory.mktemp("clinics")))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run store that the tests share: what one trained another reads."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def explored_study(shared_folder: Path) -> Explored:
    """The tiny study of the explorers; made by one process for all."""
    with FileLock(shared_folder / "explored.lock"):
        return explored(shared_folder / "explored")


@pytest.fixture(scope="session")
def scripts() -> bool:
    """Whether the pages' JavaScript is there: what is missing is fetched first, as make does."""
    command = [sys.executable, ROOT / "book" / "vendor.py"]
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.fixture
def study() -> Callable[..., pd.DataFrame]:
    """A maker of scores with known effects."""
    return known_effects
