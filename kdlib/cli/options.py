"""What several commands take, and how it is read."""

import errno
import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from kdlib.errors import InputError

Data = Annotated[
    Path, typer.Option(help="Folder of clinics, in the challenge's layout of 2022 or 2017.")
]
StoreFolder = Annotated[Path, typer.Option("--store", help="Folder that keeps the runs.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Go on without subjects it cannot use.")]
Observer = Annotated[
    str | None, typer.Option(help="o3 or o4: take this observer's annotations where there are.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Any other setting, as name=value.")
]


def method_names() -> list[str]:
    """The package's methods: the files of their folder have their names, and none is loaded."""
    files = (Path(__file__).parents[1] / "methods").glob("*.py")
    return sorted({path.stem for path in files} - {"__init__", "base", "task"})


MethodName = Annotated[str, typer.Option(help=f"One of: {', '.join(method_names())}.")]


def parsed(pairs: list[str] | None) -> dict[str, Any]:
    """``name=value`` texts as settings; values as JSON where they are JSON."""
    settings = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"--set {pair}: write name=value, for example --set steps=500")
        try:
            settings[name] = json.loads(value)
        except json.JSONDecodeError:
            settings[name] = value
    return settings


def make_writable(folder: Path) -> None:
    """Make a folder for results, before hours are spent on what should fill it.

    Raises ``OSError`` where it cannot be made or filled.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
