"""The wheel works outside the repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import nbformat
import pytest

from kdlib.data.clinics import Clinics
from tests.test_project import PROJECT, ROOT, git
from tests.tiny import RECIPE

TEMPLATES = sorted(path.name for path in (ROOT / "book" / "scenarios").glob("*.md"))
STUDY = "about = 'Tiny.'\npairs = [['utrecht', 'singapore']]\nfolds = [0]\nseeds = [0]\n[recipe]\n"
ARM = "[arms.L-bound]\nmethod = 'unadapted'\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the repository, made from its source distribution as a release is."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", *PROJECT["license-files"]):
        shutil.copy(ROOT / name, source)
    for name in ("kdlib", "book/scenarios"):
        skipped = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=skipped)
    command = [sys.executable, "-m", "build", "--no-isolation", source]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next((source / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing in it but the unpacked wheel."""
    folder = tmp_path_factory.mktemp("installed")
    ZipFile(wheel).extractall(folder)
    return folder


def outside(installed: Path, *command: object) -> str:
    """What a command prints that runs in another folder and imports the wheel's kdlib."""
    place = installed.parent / "elsewhere"
    place.mkdir(exist_ok=True)
    env = os.environ | {"PYTHONPATH": str(installed)}
    line = [sys.executable, *map(str, command)]
    done = subprocess.run(line, cwd=place, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_has_every_file_of_the_package_and_the_templates(installed: Path) -> None:
    tracked = [name for name in git("ls-files", "kdlib").splitlines() if (ROOT / name).is_file()]
    templates = [f"kdlib/report/scenarios/{name}" for name in TEMPLATES]
    assert [name for name in [*tracked, *templates] if not (installed / name).is_file()] == []


def test_templates_are_in_git_once() -> None:
    found = git("ls-files", *(f"*/{name}" for name in TEMPLATES)).splitlines()
    assert found == [f"book/scenarios/{name}" for name in TEMPLATES]


def test_a_template_runs_outside_the_repository(installed: Path, clinics: Clinics) -> None:
    found = outside(installed, "-c", "import kdlib; print(kdlib.__file__)")
    assert found.startswith(str(installed))
    settings = RECIPE | {"size": list(RECIPE["size"])}
    recipe = "".join(f"{name} = {value}\n" for name, value in settings.items())
    (installed.parent / "elsewhere" / "tiny.toml").write_text(STUDY + recipe + ARM)
    kdlib = ["-c", "from kdlib.cli import main; main()"]
    told = ["-p", "study=tiny.toml", "-p", f"data={clinics.folder}"]
    outside(installed, *kdlib, "rerun", "distillation", *told, "--out", "out.ipynb")
    page = nbformat.read(installed.parent / "elsewhere" / "out.ipynb", as_version=4)
    assert [c for c in page.cells if c.cell_type == "code" and not c.execution_count] == []
