"""The commands that execute the book's templates: ``rerun`` and ``scenarios``."""

from pathlib import Path
from typing import Annotated

import typer

from kdlib.cli.options import Data, StoreFolder
from kdlib.errors import InputError


def rerun(
    template: Annotated[str, typer.Argument(help="A template of book/scenarios/, by its name.")],
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="A parameter, as name=value.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Notebook to write; default: its name.")] = None,
) -> None:
    """Execute a scenario's template with other parameters, into a notebook."""
    import kdlib.report.rerun

    given = {}
    for text in parameter or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"-p {text}: write name=value, for example -p temperature=4")
        given[name] = value
    out = out or Path(f"{template}.ipynb")
    kdlib.report.rerun.rerun(template, given, out)
    print(out)


def scenarios(
    study: Annotated[str, typer.Argument(help="demo, standard, paper, or a .toml file.")],
    data: Data = Path("data/clinics"),
    store: StoreFolder = Path("runs"),
    out: Annotated[Path, typer.Option(help="Folder for the notebooks.")] = Path("book/runs"),
) -> None:
    """Execute every template for every pair of a study: the book's pages of scenarios."""
    from kdlib.report.rerun import rerun_study

    print(*rerun_study(study, data, store, out), sep="\n")
