"""What many tests share."""

from pathlib import Path

import pytest
import torch

from kdlib.data.clinics import Clinics, open_clinics
from tests.tiny import write_clinics

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def clinics(tmp_path_factory: pytest.TempPathFactory) -> Clinics:
    """Two tiny clinics, Utrecht and Singapore."""
    return open_clinics(write_clinics(tmp_path_factory.mktemp("clinics")))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run store that the tests share: what one trained another reads."""
    return tmp_path_factory.mktemp("store")
