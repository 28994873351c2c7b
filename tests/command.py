"""The command, as a user types it, run in this process: its imports are paid once."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple
from unittest import mock

from kdlib.cli import main


class Done(NamedTuple):
    """What a command left on the screen."""

    status: int
    out: str
    err: str


def kdlib(*arguments: object, encoding: str | None = None) -> Done:
    """What ``kdlib`` does with these arguments, on a screen with the letters of ``encoding``."""
    out, err = _screen(encoding), _screen(encoding)
    command = ["kdlib", *map(str, arguments)]
    with mock.patch.object(sys, "argv", command), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
    return Done(status, _shown(out), _shown(err))


def _screen(encoding: str | None) -> io.TextIOWrapper | io.StringIO:
    if encoding is None:
        return io.StringIO()
    return io.TextIOWrapper(io.BytesIO(), encoding, write_through=True)


def _shown(screen: io.TextIOWrapper | io.StringIO) -> str:
    if isinstance(screen, io.StringIO):
        return screen.getvalue()
    screen.seek(0)
    return screen.read()
