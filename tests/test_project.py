"""The files around the code agree with each other and with what they promise."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from kdlib.record.results import Results
from kdlib.report.readme import answer_text, with_answer

ROOT = Path(__file__).parents[1]
PYPROJECT = (ROOT / "pyproject.toml").read_text()
PROJECT = tomllib.loads(PYPROJECT)["project"]
LOCK = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if line[0] != "#"]
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()

GENERATED = {"runs/", "results/"}  # by make, absent from a fresh clone


def git(*arguments: str) -> str:
    """What git prints; skips the test where the folder is no checkout."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "-c", f"safe.directory={ROOT}", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def declared() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"]
    return [Requirement(r) for group in (PROJECT["dependencies"], *extras.values()) for r in group]


def locked() -> dict[str, str]:
    pins = [Requirement(line) for line in LOCK]
    return {canonicalize_name(p.name): str(p.specifier).removeprefix("==") for p in pins}


def test_every_locked_package_has_one_exact_version() -> None:
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+( ; python_version == \"3\.\d+\")?", p) for p in LOCK)
    assert len(locked()) == len(LOCK)


@pytest.mark.parametrize("requirement", declared(), ids=lambda r: r.name)
def test_the_lock_satisfies_every_bound(requirement: Requirement) -> None:
    name = canonicalize_name(requirement.name)
    if name == "monai":
        assert name not in locked()  # a peer that only benchmarks need
    else:
        assert locked()[name] in requirement.specifier


EVERY_MODULE = """
import importlib, pkgutil, sys
class Missing:
    def find_spec(name, path, target=None):
        if name.partition(".")[0] in sys.argv[1:]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing)
import kdlib
for module in pkgutil.walk_packages(kdlib.__path__, "kdlib.", onerror=lambda name: None):
    try:
        importlib.import_module(module.name)
    except kdlib.InputError as error:
        print(f"{module.name}: {error}")
"""


def test_only_notebooks_and_explorers_need_the_book_extra() -> None:
    extra = [
        canonicalize_name(Requirement(r).name) for r in PROJECT["optional-dependencies"]["book"]
    ]
    modules = [
        module
        for module, packages in packages_distributions().items()
        if any(canonicalize_name(package) in extra for package in packages)
    ]
    command = [sys.executable, "-W", "ignore", "-c", EVERY_MODULE, *modules]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    refused = dict(line.split(": ", 1) for line in run.stdout.splitlines())
    assert set(refused) == {
        f"kdlib.report.{name}" for name in ("kernels", "notebook", "rerun", "tiles", "widgets")
    }
    remedy = "; in kdlib's folder, run pip install '.[book]'"
    assert all(line.endswith(remedy) for line in refused.values())


def test_every_bound_has_its_reason_above_it() -> None:
    lines = [line.strip() for line in PYPROJECT.split("[tool.")[0].splitlines()]
    bounds = [i for i, line in enumerate(lines) if re.match(r'"[\w-]+[<>=].*",', line)]
    assert len(bounds) == len(declared())
    assert [lines[i] for i in bounds if not re.match(r"# \d[\d.]*: \w", lines[i - 1])] == []


def test_conda_installs_what_the_lock_says() -> None:
    *packages, pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    python = next(p for p in packages if p.startswith("python"))
    assert SpecifierSet(python.removeprefix("python")) == SpecifierSet(PROJECT["requires-python"])
    assert pip["pip"][0] == "-r requirements.lock"
    assert [p for p in pip["pip"][1:] if p not in [*LOCK, "-e ."]] == []


def test_make_refuses_the_pythons_that_the_package_refuses() -> None:
    range_ = re.search(r"\((3, \d+)\) <= .* <= \((3, \d+)\)", (ROOT / "Makefile").read_text())
    assert range_ is not None
    oldest, newest = (group.replace(", ", ".") for group in range_.groups())
    after = f"3.{int(newest.split('.')[1]) + 1}"
    assert SpecifierSet(f">={oldest},<{after}") == SpecifierSet(PROJECT["requires-python"])


def test_the_checks_run_on_the_oldest_and_the_newest_python() -> None:
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())["jobs"]["test"]
    allowed = SpecifierSet(PROJECT["requires-python"])
    pythons = [f"3.{minor}" for minor in range(30) if f"3.{minor}" in allowed]
    assert job["strategy"]["matrix"]["python"] == [pythons[0], pythons[-1]]


def test_the_hooks_before_a_commit_are_the_checks_of_make_lint() -> None:
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    checks = [line.strip().replace("$(VENV)", ".venv") for line in recipe[1].splitlines()]
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [hook["entry"] for hook in repo["hooks"]] == checks


def test_the_version_is_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    newest = re.search(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert {str(citation["version"]), newest[1]} == {PROJECT["version"]}


def test_licence_files_exist_and_are_packaged() -> None:
    assert {"LICENSE", "LICENSE-TEXT", "NOTICE"} == set(PROJECT["license-files"])
    assert "MIT License" in (ROOT / "LICENSE").read_text()
    assert "CC BY 4.0" in (ROOT / "LICENSE-TEXT").read_text()
    assert "McConnell Brain Imaging Centre" in (ROOT / "NOTICE").read_text()


def test_no_tracked_file_names_a_place_on_one_machine() -> None:
    places = rf"(?<![\w./]){os.sep}(work|root|home|tmp|Users)/\w"
    texts = {
        n: (ROOT / n).read_bytes() for n in git("ls-files").splitlines() if (ROOT / n).is_file()
    }
    found = [n for n, text in texts.items() if re.search(places.encode(), text)]
    assert found == []


MADE = (
    ".venv/a data/a runs/a wheels/a results/demo/a book/runs/a.ipynb _build/a book/_static/vendor/a"
)


def test_git_ignores_whatever_make_writes() -> None:
    made = MADE.split()
    assert git("check-ignore", "--no-index", *made).split() == made


def dry_run(*goals: str) -> subprocess.CompletedProcess[str]:
    """What make would do, whatever the make that runs the tests was told."""
    told = ("STUDY", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES")
    env = {name: value for name, value in os.environ.items() if name not in told}
    command = ["make", "--dry-run", *goals]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=env)


@pytest.mark.parametrize(
    ("goals", "export", "recorded"),
    [
        (["book"], "results/demo", []),
        (["study", "STUDY=mine/own.toml"], "results/own", []),
        (["record", "STUDY=standard"], "runs/exports/standard", ["book/results/standard"]),
    ],
)
def test_only_make_record_writes_results_into_git(
    goals: list[str], export: str, recorded: list[str]
) -> None:
    said = dry_run(*goals).stdout
    assert re.findall(r"--export (\S+)", said) == [export]
    assert re.findall(r"--out (book/results\S+)", said) == recorded


def test_the_record_is_written_only_of_a_study_that_is_named() -> None:
    run = dry_run("record")
    assert run.returncode == 2
    assert "make record STUDY=standard" in run.stderr


def test_results_in_git_are_small() -> None:
    files = [ROOT / name for name in git("ls-files", "book").splitlines()]
    sizes = Counter[Path]()
    for path in filter(Path.is_file, files):
        sizes[path.parent] += path.stat().st_size
    assert max(sizes.values()) < 10e6  # a study
    assert sizes.total() < 30e6  # eleven studies, of which most keep single slices alone


def test_the_guide_for_contributors_shows_the_tree_as_it_is() -> None:
    tree = re.search(r"```\n(README\.md.*?)```", CONTRIBUTING, re.DOTALL)
    assert tree is not None
    folder, shown = list[str](), set[Path]()
    for line in tree[1].splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        names = re.split(r"  +", line.strip())[0].split()
        folder = [*folder[:depth], names[0].rstrip("/")]
        here = ROOT.joinpath(*folder[:-1])
        assert [n for n in names if not any(here.glob(n)) and n not in GENERATED] == []
        shown |= {path for name in names for path in here.glob(name)}
    there = {ROOT / "kdlib" / name.split("/")[1] for name in git("ls-files", "kdlib").splitlines()}
    assert {path.name for path in there - shown} <= {"__init__.py", "py.typed"}


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?:)([^)]+)\)", README + CONTRIBUTING))
def test_a_link_within_the_repository_leads_to_a_file_in_git(link: str) -> None:
    assert git("ls-files", link).strip() == link


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 130


def test_the_readme_gives_the_answer_of_record() -> None:
    remedy = "run python -m kdlib.report.readme book/results/standard README.md"
    assert with_answer(README, ROOT / "book" / "results" / "standard") == README, remedy


def test_the_readme_says_how_each_seed_moved_an_arm() -> None:
    results = Results(ROOT / "book" / "results" / "controls")
    (row,) = [line for line in answer_text(results).splitlines() if line.startswith("| KD |")]
    assert len(re.findall(r"[+−]0\.\d{3}", row)) == 3 + len(results.seeds)
