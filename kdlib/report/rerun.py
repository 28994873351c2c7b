"""Execute a scenario's template with other parameters, which are checked before anything runs."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import active_children
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kdlib.errors import InputError, from_extra
from kdlib.evidence.comparisons import pair_name
from kdlib.files import atomic
from kdlib.recipe import Recipe, unknown_name
from kdlib.report.kernels import copied_kernels, imported
from kdlib.study.study import load_study

with from_extra("book"):
    import jupytext  # type: ignore[import-untyped]
    import nbformat
    import papermill  # type: ignore[import-untyped]

# This is a link to book/scenarios. So git has the templates once, and a wheel has them too.
FOLDER = Path(__file__).parent / "scenarios"
Given = dict[str, str | list[str]]  # the texts of a template's parameters
KINDS = {"str": str, "int": int, "float": float, "list[str]": str}


def templates() -> list[str]:
    """The names of the book's templates."""
    return sorted(path.stem for path in FOLDER.glob("*.md"))


def rerun(template: str, parameters: Mapping[str, str | list[str]], out: Path) -> None:
    """Execute ``template`` with ``parameters``, which are texts, and write the notebook ``out``.

    A parameter whose type is a list may have several texts.

    Raises:
        InputError: the template or a parameter does not exist (the message names the most similar
            one), a value has the wrong type, or the scenario refuses it.
    """
    if out.is_dir():
        raise InputError(f"{out}: this is a folder; name a notebook in it, or another one")
    if out.suffix != ".ipynb":
        raise InputError(f"{out}: name a notebook, such as {out.stem or template}.ipynb")
    notebook = _template(template)
    _execute(notebook, _typed(template, notebook, parameters), out)


def rerun_study(study: str, data: list[str], store: Path, out: Path) -> list[Path]:
    """Execute every template for every pair of ``study``, several at a time.

    ``data`` are folders of clinics, as ``open_clinics`` takes them. Returns the notebooks, which
    are written into ``out``.
    """
    settings = load_study(study)
    places: Given = {"study": study, "data": data, "store": str(store)}
    places |= {"fold": str(settings.folds[0]), "seed": str(settings.seeds[0])}
    jobs = [
        (template, {**places, "source": source, "target": target}, out)
        for source, target in settings.pairs
        for template in templates()
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # that wait for kernels
        try:
            return list(pool.map(_page, *zip(*jobs, strict=True)))
        except BaseException:  # the keyboard's too: pages that are on their way end at once
            for kernel in active_children():
                kernel.kill()
            raise


def _page(template: str, parameters: Given, folder: Path) -> Path:
    """Execute one template. The title of the page names the pair."""
    notebook = _template(template)
    pair = [str(parameters["source"]), str(parameters["target"])]
    title, *rest = notebook.cells[0].source.split("\n")
    named = f"{title}: {pair_name(*pair)}"
    notebook.cells[0].source = "\n".join([named, *rest])
    out = folder / f"{'-'.join(pair)}-{template}.ipynb"
    try:
        _execute(notebook, _typed(template, notebook, parameters), out)
    finally:
        with suppress(RuntimeError):  # nothing was executed
            asyncio.get_event_loop().close()  # this thread's, which papermill leaves open
    return out


def _template(template: str) -> nbformat.NotebookNode:
    if template not in templates():
        raise InputError(unknown_name(template, templates(), "template"))
    return jupytext.read(FOLDER / f"{template}.md")


def parameters_of(template: str) -> dict[str, dict[str, str]]:
    """The parameters of a template, each with ``inferred_type_name``, ``default`` and ``help``."""
    return _declared(_template(template))


def _declared(notebook: nbformat.NotebookNode) -> dict[str, dict[str, str]]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.ipynb"
        nbformat.write(notebook, path)
        return papermill.inspect_notebook(str(path))


def _typed(
    template: str, notebook: nbformat.NotebookNode, parameters: Mapping[str, str | list[str]]
) -> dict[str, Any]:
    """Turn the texts into values of the types that the template declares."""
    known = _declared(notebook)
    values = {}
    for name, given in parameters.items():
        if name not in known and name in Recipe.model_fields:
            remedy = "write it into a study of your own, a .toml file, and give -p study=FILE"
            raise InputError(f"{name} belongs to the recipe of a study; {remedy}")
        if name not in known:
            raise InputError(unknown_name(name, list(known), f"parameter of {template}"))
        texts = [given] if isinstance(given, str) else given
        several = known[name]["inferred_type_name"].startswith("list")
        if len(texts) > 1 and not several:
            raise InputError(f"{name} is given {len(texts)} times; give it once")
        found = [_typed_one(name, text, known[name]) for text in texts]
        values[name] = found if several else found[0]
    return values


def _typed_one(name: str, text: str, declared: dict[str, str]) -> str | int | float:
    kind = declared["inferred_type_name"]
    try:
        return KINDS[kind](text)
    except ValueError:
        raise InputError(f"{name}={text!r} is not of type {kind} ({declared['help']})") from None


def _failed(out: Path) -> Path:
    """Where a notebook is kept that stopped at an error, for a look at it."""
    return out.with_suffix(".failed.ipynb")


def _execute(notebook: nbformat.NotebookNode, values: dict[str, Any], out: Path) -> None:
    """Run the notebook in its own kernel. ``out`` appears whole or not at all."""
    with TemporaryDirectory() as folder, atomic(out) as temporary:
        path = Path(folder) / f"{out.stem}.ipynb"
        nbformat.write(notebook, path)
        try:
            papermill.execute_notebook(
                path, temporary, values, kernel_name="python3", progress_bar=False,
                config=copied_kernels(folder, *imported(FOLDER)),
            )  # fmt: skip
        except papermill.PapermillExecutionError as error:
            if error.ename == InputError.__name__:
                raise InputError(f"{out.name}: {error.evalue}") from None
            shutil.copyfile(temporary, _failed(out))
            what = f"{error.ename}: {error.evalue}; {_failed(out)} is the notebook up to there"
            raise InputError(f"{out.name}: {what}") from None
        _failed(out).unlink(missing_ok=True)
