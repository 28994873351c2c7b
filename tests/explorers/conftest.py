"""A book of the explorers' pages, and a page of it in a browser."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from filelock import FileLock

from tests.dialled import write_dialled
from tests.explored import Explored, write_three_clinics
from tests.explorers.pages import CAUTION, MAP, PAGE, opened
from tests.pages import NO_SCRIPTS, ROOT, chromium, served

LONG_TABLE = """
## A long table

```{code-cell} ipython3
import pandas as pd
from kdlib.report.shown import shown
shown(pd.DataFrame({"No.": [f"n{i}" for i in range(200)]}), "long", ids="row-")
```
"""


@pytest.fixture(scope="session")
def site(explored_study: Explored, scripts: bool, shared_folder: Path) -> Path:
    """The built book of the explorers; made by one process for all."""
    if not scripts:
        pytest.skip(NO_SCRIPTS)
    folder = shared_folder / "site"
    with FileLock(shared_folder / "site.lock"):
        if not folder.exists():
            build(explored_study, folder)
    return folder / "_build" / "html"


def build(explored_study: Explored, folder: Path) -> None:
    """A book of the explorers' pages alone, from the tiny study, with the book's settings."""
    folder.mkdir()
    others = "".join(f"- file: {page.removesuffix('.html')}\n" for page in (CAUTION, MAP))
    toc = f"format: jb-book\nroot: book/10_explorers\nchapters:\n{others}"
    (folder / "_toc.yml").write_text(toc)
    shutil.copy(ROOT / "_config.yml", folder)
    without_results = shutil.ignore_patterns("results", "runs")
    shutil.copytree(ROOT / "book", folder / "book", ignore=without_results)
    shutil.copytree(explored_study.results.folder.parent, folder / "book" / "results")
    write_dialled(folder / "book" / "dialled")
    dials = cell("dials_explorer", 'open_results(Path("dialled"))')
    (folder / "book" / "why.md").write_text(chapter("why", "threshold_explorer") + dials)
    write_three_clinics(explored_study.results, folder / "book" / "three")
    of_three = chapter("08_segmentations", "pair_explorer", results='open_results(Path("three"))')
    (folder / "book" / "08_segmentations.md").write_text(of_three + LONG_TABLE)
    three = ("temperature_explorer", "pair_explorer", "scan_viewer")
    (folder / "book" / "10_explorers.md").write_text(chapter("10_explorers", *three))
    command = Path(sys.executable).with_name("jupyter-book")
    call = [command, "build", "-W", "-n", "--keep-going", folder]
    # The buttons of the repository are there, as on a published page.
    published = os.environ | {"GITHUB_REPOSITORY": "someone/kdlib"}
    done = subprocess.run(call, capture_output=True, text=True, env=published)
    assert done.returncode == 0, done.stdout + done.stderr


def chapter(name: str, *explorers: str, results: str = "results_to_show()") -> str:
    """The header of a chapter of the book, and a cell for each explorer."""
    text = (ROOT / "book" / f"{name}.md").read_text()
    header = text[: text.index("\n---\n") + 5]
    return "\n".join([header, f"# {name}\n", *(cell(one, results) for one in explorers)])


def cell(explorer: str, results: str) -> str:
    """A section with one explorer of these results."""
    return (
        f"## {explorer}\n\n```{{code-cell}} ipython3\n"
        "from pathlib import Path\n"
        "from kdlib.record.choice import results_to_show\n"
        "from kdlib.record.results import open_results\n"
        f"from kdlib.report.widgets import explore, {explorer}\n"
        f"explore({explorer}, {results})\n```\n"
    )


@pytest.fixture(scope="package")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def server(site: Path) -> Iterator[str]:
    with served(site) as address:
        yield address


@pytest.fixture(scope="package")
def page(browser, site: Path):
    """The page, opened from a file, where less is allowed than from a server."""
    with opened(browser, f"{site.as_uri()}/{PAGE}") as page:
        yield page


@pytest.fixture
def open_page(browser, site: Path) -> Iterator[Callable]:
    """Opens another page, as ``opened`` does; it is closed after the test."""
    with ExitStack() as pages:
        yield lambda address, *explorers, **size: pages.enter_context(
            opened(browser, f"{site.as_uri()}/{address}", *explorers, **size)
        )
