"""The whole book, built from the results in git: sizes, links, downloads, launch buttons."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlparse

import jupytext
import nbformat
import pytest

from tests.test_project import git

ROOT = Path(__file__).parents[1]
SCENARIO = "book/runs/utrecht-singapore-on_the_fly"
HOSTS = ("https://mybinder.org", "https://colab.research.google.com")


class Page(HTMLParser):
    """A page's links, and the names that links to it may have."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names = {""}
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.links += [given[name] for name in ("href", "src") if name in given]
        self.names |= {given[name] for name in ("id", "name") if name in given}


@pytest.fixture(scope="module")
def site(scripts: bool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book with one executed scenario, without its outputs, as someone's fork publishes it."""
    folder = tmp_path_factory.mktemp("book")
    for name in ("_config.yml", "_toc.yml", "CITATION.cff", "NOTICE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "book", folder / "book", ignore=shutil.ignore_patterns("runs"))
    for shown in ("kdlib", "tests"):  # the code that chapters show
        (folder / shown).symlink_to(ROOT / shown)
    (folder / "book" / "runs").mkdir()
    template = jupytext.read(ROOT / "book" / "scenarios" / "on_the_fly.md")
    template.metadata["papermill"] = {"parameters": {"study": "demo"}}  # as papermill leaves it
    nbformat.write(template, folder / f"{SCENARIO}.ipynb")
    command = Path(sys.executable).with_name("jupyter-book")
    done = subprocess.run(
        [command, "build", "-W", "-n", "--keep-going", folder],
        env=os.environ | {"GITHUB_REPOSITORY": "someone/kdlib"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "log.txt").write_text(done.stdout + done.stderr)
    return folder / "_build" / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    made = [path.relative_to(site) for path in site.rglob("*.html")]
    return {str(p): Page(site / p) for p in made if p.parts[0] != "_static"}


def test_every_page_is_there(pages: dict[str, Page]) -> None:
    toc = (ROOT / "_toc.yml").read_text()
    chapters = re.findall(r"(?:file|root): (\S+)", toc)
    assert [n for n in [*chapters, SCENARIO] if f"{n}.html" not in pages] == []


def test_the_build_warns_of_nothing(site: Path) -> None:
    assert "WARNING" not in (site.parents[1] / "log.txt").read_text()


def test_no_page_shows_what_python_warned_of(site: Path, pages: dict[str, Page]) -> None:
    assert [name for name in pages if 'class="output stderr' in (site / name).read_text()] == []


def test_every_picture_stands_in_a_figure_with_a_caption(
    site: Path, pages: dict[str, Page]
) -> None:
    for name in pages:
        text = (site / name).read_text()
        figures = re.findall(r"<figure.*?</figure>", text, flags=re.DOTALL)
        assert all("<figcaption" in figure for figure in figures)
        assert text.count("_images/") == sum(figure.count("_images/") for figure in figures)


def test_no_link_within_the_book_is_broken(site: Path, pages: dict[str, Page]) -> None:
    broken = []
    for name, page in pages.items():
        for link in page.links:
            address = urlparse(urljoin(name, link))
            if address.scheme or address.netloc:
                continue
            target = unquote(address.path)
            known = pages[target].names if target in pages else {"", address.fragment}
            if not (site / target).exists() or unquote(address.fragment) not in known:
                broken.append((name, link))
    assert broken == []


def test_launch_buttons_open_files_that_are_in_git(pages: dict[str, Page]) -> None:
    tracked = set(git("ls-files").splitlines())
    launches = [
        (name, link)
        for name, page in pages.items()
        for link in page.links
        if link.startswith(HOSTS)
    ]
    opened = {(n, re.split("lab/tree/|/blob/main/", link)[1]) for n, link in launches}
    assert {path for _, path in opened} <= tracked
    assert all("someone/kdlib" in link for _, link in launches)
    chapter, colab = "book/04_distillation", "book/colab.ipynb"
    assert {(f"{chapter}.html", f"{chapter}.md"), (f"{chapter}.html", colab)} <= opened
    assert (f"{SCENARIO}.html", "book/scenarios/on_the_fly.md") in opened


def test_every_notebook_can_be_downloaded_without_its_outputs(
    site: Path, pages: dict[str, Page]
) -> None:
    chapters = [p for p in (ROOT / "book").glob("*.md") if "kernelspec" in p.read_text()]
    for name in [*(f"book/{path.stem}" for path in chapters), SCENARIO]:
        links = {urljoin(f"{name}.html", link) for link in pages[f"{name}.html"].links}
        assert f"_sources/{name}.ipynb" in links
        notebook = nbformat.read(site / "_sources" / f"{name}.ipynb", as_version=4)
        assert not any(cell.get("outputs") for cell in notebook.cells)


def test_the_book_has_30_megabytes_at_most_and_no_page_more_than_5(
    site: Path, pages: dict[str, Page]
) -> None:
    # The engine of the page "Try it" has another 5, which come only when a reader tries it.
    files = [path for path in site.rglob("*") if path.is_file() and path.name != "onnxruntime.js"]
    assert sum(path.stat().st_size for path in files) < 30e6
    for name, page in pages.items():
        images = {site / urljoin(name, link) for link in page.links if "_images/" in link}
        assert sum(path.stat().st_size for path in [site / name, *images]) < 5e6
