"""The ``kdlib`` command. Heavy imports wait inside the commands: ``--help`` answers at once."""

import io
import sys
import warnings
from typing import Annotated, NoReturn, TextIO

import typer

from kdlib.cli import adapting, book, results, scans, segmenting, strip, training
from kdlib.errors import (
    DoubtWarning,
    InputError,
    MadeAgainWarning,
    WaitingWarning,
    disk_refuses,
    memory_refused,
    memory_refuses,
    path_refused,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        from kdlib import __version__

        print(__version__)
        raise typer.Exit


@app.callback()
def kdlib(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Adapt a lesion segmenter to a new scanner without labels, and measure whether it helped."""


for command in (
    scans.simulate,
    training.study,
    training.run,
    scans.fetch,
    scans.check,
    adapting.adapt,
    segmenting.predict,
    segmenting.bids,
    strip.strip,
    results.evaluate,
    results.report,
    results.record,
    results.choose,
    book.rerun,
    book.scenarios,
):
    app.command()(command)


OWN_WARNINGS = (DoubtWarning, MadeAgainWarning, WaitingWarning)


def main() -> None:
    """Run the command; what the user got wrong, or the disk or memory, is one line and status 2.

    An ``OSError`` without a path is none of the user's, unless the disk is full.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a letter that it cannot show ends no command
            stream.reconfigure(errors="backslashreplace")
    try:
        with warnings.catch_warnings():
            for kind in OWN_WARNINGS:
                warnings.simplefilter("always", kind)
            warnings.showwarning = _say
            app()
    except InputError as error:
        _refuse(str(error))
    except Exception as error:
        if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):
            _refuse("no folder for temporary files can be written; free some space or set TMPDIR")
        if memory_refuses(error):
            _refuse(memory_refused(error))
        if not isinstance(error, OSError) or (error.filename is None and not disk_refuses(error)):
            raise
        _refuse(path_refused(error))


def _say(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show kdlib's own warnings as one line, and others as Python does."""
    text = f"kdlib: {message}\n"
    if not issubclass(category, OWN_WARNINGS):
        text = warnings.formatwarning(message, category, filename, lineno, line)
    print(text, file=file or sys.stderr, end="")


def _refuse(why: str) -> NoReturn:
    print(f"kdlib: {why}", file=sys.stderr)
    sys.exit(2)
