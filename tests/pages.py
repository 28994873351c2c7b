"""A book of the explorers in a real browser: fixtures, and how a test reads the page."""

import os
import re
import shutil
import subprocess
import sys
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.dialled import write_dialled
from tests.explored import Explored, write_three_clinics

ROOT = Path(__file__).parents[1]
PAGE = "book/10_explorers.html"  # here with three explorers, which in the book have two chapters
CAUTION = "book/why.html"  # here with the explorers of the threshold and of dials alone
MAP = "book/08_segmentations.html"  # here with the explorer of pairs for three clinics
LONG_TABLE = """
## A long table

```{code-cell} ipython3
import pandas as pd
from kdlib.report.shown import shown
shown(pd.DataFrame({"No.": [f"n{i}" for i in range(200)]}), "long", ids="row-")
```
"""
CHROMIUM = shutil.which("chromium")
# WebGL is drawn by software. All else is put together without it, which takes less: a page that
# nobody touches took a third of a core.
SOFTWARE_WEBGL = [
    "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",
]  # fmt: skip
TEMPERATURE, PAIRS, SCAN, THRESHOLD, DIALS = (
    f'[aria-label="{name}"][data-ready]'
    for name in (
        "Temperature explorer",
        "Clinic-pair explorer",
        "Scan viewer",
        "Threshold explorer",
        "Dials explorer",
    )
)


@pytest.fixture(scope="module")
def site(explored_study: Explored, scripts: bool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of the explorers' pages alone, built from the tiny study with the book's settings."""
    if not scripts:
        pytest.skip("no JavaScript for the browser tests: 'python book/vendor.py' says why")
    folder = tmp_path_factory.mktemp("site")
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
    build = [command, "build", "-W", "-n", "--keep-going", folder]
    # The buttons of the repository are there, as on a published page.
    published = os.environ | {"GITHUB_REPOSITORY": "someone/kdlib"}
    done = subprocess.run(build, capture_output=True, text=True, env=published)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "_build" / "html"


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


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A server of a folder on this machine: its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def server(site: Path) -> Iterator[str]:
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", *SOFTWARE_WEBGL]
        )
        yield browser
        browser.close()


def _keep_errors(page, message):
    if message.type == "error":
        page.complaints.append(f"{message.text} {message.location.get('url', '')}")


def watched(browser, home):
    """A new page without a network. Its complaints and what it asked for are kept on it."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.complaints, page.asked = [], []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", partial(_keep_errors, page))

    def gate(route):
        if route.request.url.startswith((home, "data:", "blob:")):
            route.continue_()
        else:
            page.asked.append(route.request.url)
            route.abort()

    page.route("**/*", gate)
    return page


@contextmanager
def opened(browser, home):
    """The page below the address ``home``, ready."""
    page = watched(browser, home)
    page.goto(home + PAGE)
    for explorer in (TEMPERATURE, PAIRS, SCAN):
        page.wait_for_selector(explorer, timeout=120_000)
    yield page
    page.close()


@pytest.fixture(scope="module")
def page(browser, site):
    """The page, opened from a file, where less is allowed than from a server."""
    with opened(browser, f"{site.as_uri()}/") as page:
        yield page


def control(page, explorer, name):
    """The list or slider whose label starts with ``name``."""
    label = page.locator(f"{explorer} label").filter(has_text=re.compile(rf"^\s*{name}"))
    return label.locator("select, input")


def pixels(page, selector, index=0, columns=None):
    """What a 2-D canvas shows, (rows, columns, 3); of every voxel its middle, given ``columns``.

    Outlines lie on canvases of their own, which do not count.
    """
    canvas = page.locator(f"{selector} canvas:not(.kdlib-over)").nth(index)
    url = canvas.evaluate("(canvas) => canvas.toDataURL()")
    shown = png_pixels(b64decode(url.partition(",")[2]))
    size = shown.shape[1] // columns if columns else 1
    return shown[size // 2 :: size, size // 2 :: size]


def png_pixels(content):
    """The colours of a picture, (rows, columns, 3)."""
    return np.asarray(Image.open(BytesIO(content)).convert("RGB")).astype(int)


def values(page, selector, name):
    """A number that every mark of a chart carries."""
    marks = page.locator(f"{selector} [data-{name}]").evaluate_all(
        "(marks, name) => marks.map((mark) => mark.getAttribute(`data-${name}`))", name
    )
    return [float(mark) for mark in marks]


def options(page, explorer, name):
    """What a list offers: the values, not their texts."""
    offered = control(page, explorer, name).locator("option")
    return offered.evaluate_all("(options) => options.map((option) => option.value)")


def scan_pixels(page, answer="teacher", explorer=SCAN):
    page.wait_for_timeout(150)
    return png_pixels(page.locator(f'{explorer} [data-answer="{answer}"] canvas').screenshot())
