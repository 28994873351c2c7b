"""Scans of a clinic of its own, and what an adaptation to them left: no test changes either."""

from pathlib import Path

import pytest

from kdlib.data.clinics import Clinics
from tests.own_scans.adapted import NAMES, PRIVATE, adapted, hide_private_text
from tests.patients import write_plain


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scans of a scanner of their own, in a folder of somebody's name."""
    folder = write_plain(tmp_path_factory.mktemp("own") / PRIVATE, *NAMES)
    for name in NAMES:
        hide_private_text(folder / name / "FLAIR.nii.gz")
    return folder


@pytest.fixture(scope="session")
def done(clinics: Clinics, target: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command left: masks/ and runs/."""
    out = tmp_path_factory.mktemp("adapted")
    said = adapted(clinics, target, out, "--evaluate")
    assert said.status == 0, said.err
    (out / "screen").write_text(said.out + said.err)
    return out
