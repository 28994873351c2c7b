"""The book: templates run, chapters run on any results, nothing in them is typed by hand."""

import doctest
import io
import json
import pydoc
import re
import runpy
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
import yaml
from typer.main import get_command

import kdlib
from kdlib.cli import app
from kdlib.data.clinics import Clinics, open_clinics
from kdlib.errors import InputError
from kdlib.record.export import export_study
from kdlib.report.rerun import KINDS, Given, parameters_of, rerun, rerun_study, templates
from kdlib.study.plan import run_study
from kdlib.study.store import Store
from kdlib.study.study import Study, load_study
from tests.tiny import RECIPE, write_clinics

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "book"
CHAPTERS = [path for path in sorted(BOOK.glob("*.md")) if "kernelspec" in path.read_text()]
SHOWING = [path for path in CHAPTERS if "kdlib.record.choice" in path.read_text()]
TEXTS = "".join(path.read_text() for path in [ROOT / "README.md", *BOOK.rglob("*.md")])
EXAMPLES = [ROOT / "CONTRIBUTING.md", *BOOK.glob("clusters/*.yaml")]
# A line that ends with a backslash goes on. A command is a line, a comment, or text in backticks.
JOINED = re.sub(r"\\\n#? *", "", TEXTS + "".join(path.read_text() for path in EXAMPLES))
COMMANDS = sorted(set(re.findall(r"(?:^(?:# +)?|`)(kdlib [a-z][^`\n]*)", JOINED, re.MULTILINE)))
SHARED = ["source", "target", "fold", "seed", "study", "data", "store"]
# Margins, levels and steps that are the study's rules, not its results.
RULES = {"0.02", "0.05", "0.0005"}
# Pages to look things up in, and the first page, which is a summary itself.
WITHOUT_END = {"index", "glossary", "16_cite", "17_references", "api", "appendix"}
# What a protocol says was known before it was written, by its page.
KNOWN_BEFORE = {
    "protocol": {"0.003", "0.036"},
    "protocol_real": {"0.01", "0.10", "0.21", "0.46", "0.68"},
}


@pytest.fixture(scope="module")
def tiny(clinics: Clinics, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The demo with the tiny recipe on the tiny clinics, trained: where things lie, as text."""
    folder = tmp_path_factory.mktemp("book")
    settings = RECIPE | {"size": list(RECIPE["size"])}
    recipe = "\n".join(f"{name} = {value}" for name, value in settings.items())
    text = (ROOT / "kdlib" / "studies" / "demo.toml").read_text()
    text = re.sub(r"\[recipe\].*?(?=\[arms)", f"[recipe]\n{recipe}\n\n", text, flags=re.DOTALL)
    (folder / "demo.toml").write_text(text.replace("subjects = 2", "subjects = 1"))
    study = load_study(str(folder / "demo.toml"))
    store = Store(folder / "runs", clinics, "cpu")
    export_study(study, run_study(study, store), store, folder / "results" / "demo")
    places = {"study": folder / "demo.toml", "data": clinics.folder, "store": folder / "runs"}
    return {name: str(path) for name, path in places.items()}


@pytest.fixture(scope="module")
def pages(tiny: dict[str, str]) -> dict[str, nbformat.NotebookNode]:
    """Every template, executed, by the name of its file."""
    folder = Path(tiny["study"]).parent
    made = rerun_study(tiny["study"], [tiny["data"]], Path(tiny["store"]), folder / "pages")
    return {path.stem: nbformat.read(path, as_version=4) for path in made}


@pytest.mark.parametrize("template", templates())
def test_every_parameter_has_a_type_and_a_meaning(template: str) -> None:
    known = parameters_of(template)
    assert [name for name in SHARED if name not in known] == []
    assert [n for n, p in known.items() if p["inferred_type_name"] not in KINDS] == []
    assert [n for n, p in known.items() if len(p["help"]) < 5] == []


@pytest.mark.parametrize(
    ("template", "given", "problem"),
    [
        ("distilation", {}, "did you mean 'distillation'"),
        ("distillation", {"temprature": "4"}, "did you mean 'temperature'"),
        ("distillation", {"temperature": "hot"}, "temperature='hot' is not of type float"),
        ("bounds", {"seed": "1.5"}, "seed='1.5' is not of type int"),
        ("bounds", {"seed": ["1", "2"]}, "seed is given 2 times; give it once"),
        ("bounds", {"steps": "9"}, "steps belongs to the recipe of a study; write it into a study"),
    ],
)
def test_a_wrong_parameter_is_named_before_anything_runs(
    template: str, given: Given, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=re.escape(problem)):
        rerun(template, given, tmp_path / "out.ipynb")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("template", templates())
def test_every_template_runs_and_shows_what_came_out(
    template: str, pages: dict[str, nbformat.NotebookNode]
) -> None:
    page = pages[f"utrecht-singapore-{template}"]
    outputs = [output for cell in page.cells for output in cell.get("outputs", [])]
    shown = {kind for output in outputs for kind in output.get("data", {})}
    assert {"image/png", "image/svg+xml", "text/html"} <= shown
    assert "error" not in {output.output_type for output in outputs}
    assert page.cells[0].source.splitlines()[0].endswith(": Utrecht to Singapore")


def test_no_caption_names_a_colour_that_a_dark_page_turns_round() -> None:
    captions = re.findall(r"caption: \|\n((?: {6}.*\n)+)", TEXTS)
    assert len(captions) > 20
    assert [text for text in captions if re.search(r"\b(black|white)\b(?! matter)", text)] == []


@pytest.mark.parametrize("template", templates())
def test_every_picture_of_a_template_has_a_caption_of_its_own(
    template: str, pages: dict[str, nbformat.NotebookNode]
) -> None:
    drawn = [
        cell
        for cell in pages[f"utrecht-singapore-{template}"].cells
        for output in cell.get("outputs", [])
        if {"image/png", "image/svg+xml"} & set(output.get("data", {}))
    ]
    assert [cell.source for cell in drawn if len(cell.outputs) > 1] == []  # a caption an output
    assert all(cell.metadata["mystnb"]["figure"]["caption"] for cell in drawn)


@pytest.mark.parametrize(
    ("template", "given", "problem"),
    [
        ("distillation", {"temperature": "0"}, r"^out.ipynb: temperature=0\.0"),
        (
            "on_the_fly",
            {"method": "adabn"},
            "^out.ipynb: method='adabn': choose distil",
        ),
        (
            "on_the_fly",
            {"subject": "999"},
            "^out.ipynb: subject='999' is not tested in",
        ),
    ],
)
def test_what_a_scenario_refuses_is_one_line_and_leaves_no_file(
    template: str, given: Given, problem: str, tiny: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=problem):
        rerun(template, tiny | given, tmp_path / "out.ipynb")
    assert list(tmp_path.iterdir()) == []


def test_scans_without_masks_are_refused_before_anything_is_trained(
    tiny: dict[str, str], tmp_path: Path
) -> None:
    mine = write_clinics(tmp_path / "mine")
    sorted((mine / "training" / "Singapore").rglob("wmh.nii.gz"))[0].unlink()
    given = tiny | {"data": str(mine), "store": str(tmp_path / "runs")}
    with pytest.raises(InputError, match=r"there is no mask here.*add"):
        rerun("distillation", given, tmp_path / "out.ipynb")
    assert not (tmp_path / "runs").exists()


def test_a_notebook_that_fails_is_kept_for_a_look(tiny: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    with pytest.raises(InputError, match=r"out\.ipynb: \w+Error: .*out\.failed\.ipynb is the"):
        rerun("bounds", tiny | {"store": str(tmp_path / "store")}, tmp_path / "out.ipynb")
    assert {path.name for path in tmp_path.iterdir()} == {"store", "out.failed.ipynb"}


@pytest.mark.parametrize("name", ["out.html", "out", "folder.ipynb"])
def test_only_a_notebook_can_be_named_for_one(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.ipynb").mkdir()
    with pytest.raises(InputError, match=rf"{name}: (name a notebook|this is a folder)"):
        rerun("bounds", {}, tmp_path / name)


@pytest.fixture(scope="module")
def own(tiny: dict[str, str]) -> Path:
    """Where the book would find a study that has none of the paper's arms, and no upper bound."""
    folder = Path(tiny["study"]).parent
    arms = {
        "nothing": {"method": "unadapted"},
        "mine": {"method": "adversarial", "label": "<b>&", "role": "other"},
    }
    study = Study(**load_study(tiny["study"]).model_dump() | {"name": "mine", "arms": arms})
    store = Store(tiny["store"], open_clinics(tiny["data"]), "cpu")
    export_study(study, run_study(study, store), store, folder / "own" / "results" / "mine")
    return folder / "own"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_runs_on_any_results(
    chapter: Path, tiny: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(tiny["study"]).parent)
    run_cells(chapter)


@pytest.mark.parametrize("chapter", SHOWING, ids=lambda path: path.stem)
def test_every_chapter_runs_on_a_study_of_ones_own(
    chapter: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own)
    run_cells(chapter)


def run_cells(chapter: Path) -> None:
    names: dict[str, object] = {"__name__": chapter.stem}
    for cell in jupytext.read(chapter).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, chapter.name, "exec"), names)  # the book's own code


def test_the_table_of_contents_names_files_that_exist_and_every_chapter() -> None:
    toc = (ROOT / "_toc.yml").read_text()
    named = {ROOT / f"{name}.md" for name in re.findall(r"(?:file|root): (\S+)", toc)}
    assert [path for path in named if not path.exists()] == []
    assert set(BOOK.glob("*.md")) == named
    assert yaml.safe_load(toc)["root"] == "book/index"


@pytest.mark.parametrize("name", re.findall(r":: (kdlib[\w.]*)", (BOOK / "api.md").read_text()))
def test_the_examples_of_the_python_interface_are_true(name: str, tiny: dict[str, str]) -> None:
    documented = pydoc.locate(name)
    told = io.StringIO()
    for found in doctest.DocTestFinder().find(documented, name, extraglobs={"kdlib": kdlib}):
        for example in found.examples:
            example.source = with_tiny_clinics(example.source, tiny)
        doctest.DocTestRunner().run(found, out=told.write)
    assert told.getvalue() == ""


def test_the_six_lines_of_the_readme_run(tiny: dict[str, str]) -> None:
    lines = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert lines is not None
    code = with_tiny_clinics(lines[1], tiny)
    assert len(code.splitlines()) == 6
    names: dict[str, Any] = {}
    exec(code, names)  # what a reader types
    assert set(names["run"].scores["clinic"]) == {"singapore"}


def with_tiny_clinics(code: str, tiny: dict[str, str]) -> str:
    """The same lines on the tiny study, which is trained."""
    for shown, place in (("demo", "study"), ("data/clinics", "data"), ("runs", "store")):
        code = re.sub(rf'"{shown}(?=["/])', f'"{tiny[place]}', code)
    return code


def test_the_python_interface_has_every_public_name() -> None:
    page = (BOOK / "api.md").read_text()
    assert [name for name in kdlib.__all__ if not re.search(rf":: kdlib\.{name}\b", page)] == []


@pytest.mark.parametrize("page", sorted(BOOK.rglob("*.md")), ids=lambda path: path.stem)
def test_no_result_is_typed_in_prose(page: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`]*`|\$[^$]*\$", "", page.read_text(), flags=re.DOTALL)
    assert set(re.findall(r"\b0\.\d{2,}\b", prose)) <= RULES | KNOWN_BEFORE.get(page.stem, set())


@pytest.mark.parametrize("page", sorted(BOOK.glob("*.md")), ids=lambda path: path.stem)
def test_a_page_with_something_to_say_ends_with_it_in_one_line(page: Path) -> None:
    text = page.read_text()
    last = text.strip().split("\n\n")[-1]
    assert last.startswith("**So:** ") == ("**So:**" in text) == (page.stem not in WITHOUT_END)


def test_every_paper_that_a_page_names_is_in_the_references() -> None:
    known = set(re.findall(r"^@\w+\{(\w+),", (BOOK / "references.bib").read_text(), re.MULTILINE))
    cited = re.findall(r"\{cite(?::t)?\}`([^`]*)`", TEXTS)
    assert {key for keys in cited for key in keys.split(",")} <= known
    pages = [path for path in BOOK.glob("*.md") if not path.stem.startswith("protocol")]
    assert [p.stem for p in pages if re.search(r"et al\. \(\d{4}\)", p.read_text())] == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_chapters_read_saved_results_and_train_nothing(chapter: Path) -> None:
    cells = [c.source for c in jupytext.read(chapter).cells if c.cell_type == "code"]
    trains = r"kdlib\.(study\.(store|plan|engine)|training|data\.clinics)\b|\brun(_study)?\("
    assert not re.search(trains, "\n".join(cells))


@pytest.mark.parametrize("line", COMMANDS)
def test_the_command_takes_what_readme_and_book_show(line: str) -> None:
    command = get_command(app).commands[line.split()[1]]
    known = {name for option in command.params for name in [*option.opts, *option.secondary_opts]}
    assert [name for name in re.findall(r" (--?[a-z][\w-]*)", line) if name not in known] == []


@pytest.mark.parametrize(
    ("server", "address"),
    [(None, "https://github.com/a/kdlib"), ("https://git.b.org", "https://git.b.org/a/kdlib")],
)
def test_buttons_point_at_the_repository_that_builds_the_book(
    server: str | None, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = runpy.run_path(str(BOOK / "_extensions" / "repository.py"))["remote"]
    monkeypatch.setenv("GITHUB_REPOSITORY", "a/kdlib")
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
    if server:
        monkeypatch.setenv("GITHUB_SERVER_URL", server)
    assert remote() == address


def test_a_number_and_its_unit_stay_on_one_line() -> None:
    joined = runpy.run_path(str(BOOK / "_extensions" / "spaces.py"))["joined"]
    said = joined("of 78 % or 4%, and 9.6 mL, p < 0.001, above > 1000 mm³; n = 20, 1 mmol")
    kept = "of 78~% or 4~%, and 9.6~mL, p~<~0.001, above >~1000~mm³; n~=~20, 1 mmol"
    assert said == kept.replace("~", "\u00a0")


@pytest.fixture(scope="module")
def colab() -> dict[str, Any]:
    return runpy.run_path(str(BOOK / "colab.py"))


def test_the_notebook_for_colab_is_the_template_with_its_first_cells(colab: dict[str, Any]) -> None:
    assert (BOOK / "colab.ipynb").read_text() == colab["text"](), "run python book/colab.py"
    cells = colab["notebook"]().cells
    assert [cell.source for cell in cells[2:]] == [
        cell.source for cell in jupytext.read(BOOK / "scenarios" / "distillation.md").cells
    ]
    assert not any(cell.get("outputs") for cell in cells)


def test_colab_fetches_the_repository_that_the_notebook_was_opened_from(
    colab: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "fileId=https%3A%2F%2Fgithub.com%2Fsomeone%2Ffork%2Fblob%2Fmain%2Fbook%2Fcolab.ipynb"
    answer = json.dumps([{"path": path}]).encode()
    monkeypatch.setattr("urllib.request.urlopen", lambda _: io.BytesIO(answer))
    monkeypatch.setenv("COLAB_JUPYTER_IP", "host")
    monkeypatch.setenv("KMP_TARGET_PORT", "9000")
    names: dict[str, Any] = {}
    exec(colab["FIND"], names)  # the notebook's own code
    assert names["repository"] == "https://github.com/someone/fork"


def test_the_study_of_ones_own_that_the_book_shows_is_one(tmp_path: Path) -> None:
    shown = re.findall(r"```toml\n(.*?)```", (BOOK / "06_scenarios.md").read_text(), re.DOTALL)
    (tmp_path / "mine.toml").write_text(shown[0])
    study = load_study(str(tmp_path / "mine.toml"))
    assert study.arms["mine"].label == "KD, very soft"
