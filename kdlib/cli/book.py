"""The commands that execute the book's templates: ``rerun`` and ``scenarios``."""

from pathlib import Path
from typing import Annotated

import typer

from kdlib.cli.options import Data, StoreFolder, StudyName, folders
from kdlib.errors import InputError


def rerun(
    template: Annotated[str, typer.Argument(help="Name of a template, for example distillation.")],
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="As name=value. Can be repeated.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Notebook to write. Default: the template's name.")
    ] = None,
) -> None:
    """Execute the notebook of a scenario with other parameters."""
    import kdlib.report.rerun

    given: dict[str, list[str]] = {}
    for text in parameter or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"-p {text}: write name=value, for example -p temperature=4")
        given.setdefault(name, []).append(value)
    out = out or Path(f"{template}.ipynb")
    kdlib.report.rerun.rerun(template, given, out)
    print(out)


def scenarios(
    study: StudyName,
    data: Data = None,
    store: StoreFolder = Path("runs"),
    out: Annotated[Path, typer.Option(help="Folder for the notebooks.")] = Path("book/runs"),
) -> None:
    """Execute the notebooks of all scenarios for every pair of a study, as the book shows them."""
    from kdlib.report.rerun import rerun_study

    print(*rerun_study(study, folders(data), store, out), sep="\n")
