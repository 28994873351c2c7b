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


def kdlib(*arguments: object) -> Done:
    """What ``kdlib`` does with these arguments."""
    out, err = io.StringIO(), io.StringIO()
    command = ["kdlib", *map(str, arguments)]
    with mock.patch.object(sys, "argv", command), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
    return Done(status, out.getvalue(), err.getvalue())
