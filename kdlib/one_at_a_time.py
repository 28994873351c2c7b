"""One process at a time in a folder, for work that a person began.

``kdlib.study.lock`` is for runs, which several machines share for long.
"""

import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import lock_descriptor

from kdlib.errors import WaitingWarning, printable

SECONDS_UNTOLD = 5.0  # before it is said, once, that this process waits
PAUSE = 0.1  # seconds between two looks


@contextmanager
def alone_in(folder: Path, part: str = "") -> Iterator[None]:
    """Wait until no other process is in such a block for a ``part`` of ``folder``, which is made.

    A hidden file in the folder is locked meanwhile. The lock ends with the process that holds it.
    A folder that was made here goes away if it is empty at the end.
    """
    new = not folder.exists()
    path = folder / f".{part or 'kdlib'}.lock"
    file = _locked(path)
    try:
        yield
    finally:
        with suppress(OSError):  # it may stay: nothing is in it
            path.unlink(missing_ok=True)
            if new:
                folder.rmdir()  # refused where something is in it
        os.close(file)


def _locked(path: Path) -> int:
    """A descriptor of the file at ``path``, which this process alone has locked."""
    began, told = time.monotonic(), False
    while True:
        file = _opened(path)
        if _held(file) and _is_there(file, path):
            return file
        os.close(file)
        if not told and time.monotonic() - began > SECONDS_UNTOLD:
            told, what = True, "another process writes into this folder; it is waited for"
            warnings.warn(f"{printable(path.parent)}: {what}", WaitingWarning, stacklevel=4)
        time.sleep(PAUSE)


def _opened(path: Path) -> int:
    """A descriptor of the file at ``path``. It and its folder are made if they are not there."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # the process before has just removed an empty folder
            return os.open(path, os.O_CREAT | os.O_RDWR, 0o666)


def _held(file: int) -> bool:
    """Whether the lock is ours, or there are no locks on this file system."""
    try:
        return lock_descriptor(file, blocking=False)
    except OSError:
        return True


def _is_there(file: int, path: Path) -> bool:
    """Whether an open file is the one at ``path``. Who had the lock before has removed its own."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), path.stat())
    return False
