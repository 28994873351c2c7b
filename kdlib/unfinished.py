"""A hidden folder for files in the making. What a killed process left of one goes away later.

While its process lives, the file ``owner`` in it is locked with ``flock``. On the machine that the
file names, nobody else can lock it. From elsewhere ``flock`` may tell nothing, and a file system
may have none. Such a folder goes away when nothing in it has changed for a week.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from filelock import lock_descriptor

from kdlib.errors import InputError, printable
from kdlib.machine import machine

PREFIX, OWNER = ".unfinished-", "owner"
SILENT = 7 * 24 * 3600.0  # seconds without a change, after which no process counts as the owner


@contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """Yield an empty folder inside ``folder``, which goes away. Errors about it name ``folder``.

    What killed processes left in ``folder`` is removed before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    with TemporaryDirectory(dir=folder, prefix=PREFIX) as home, _owned(Path(home)):
        new = Path(home) / "new"
        try:
            new.mkdir()
            yield new
        except OSError as error:
            if str(new) in str(error.filename):
                place = str(error.filename).replace(str(new), str(folder))
                raise OSError(error.errno, error.strerror, place) from error
            raise
        except InputError as error:
            if str(new) in str(error):
                raise InputError(str(error).replace(str(new), str(folder))) from error
            raise


def refuse_filled(folder: Path) -> None:
    """Refuse a place for a new folder if there is a file, or a folder with files in it.

    Raises:
        InputError: it is so. One line says what is there.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: this is a file; name a new folder or an empty one")
    remove_leftovers(folder)
    there = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    if there:
        what = f"there are files in it, such as {printable(there[0])}"
        raise InputError(f"{folder}: {what}; name a new folder or an empty one")


def remove_leftovers(folder: Path) -> None:
    """Remove the unfinished folders in ``folder`` whose processes have ended."""
    for home in folder.glob(f"{PREFIX}*/"):
        with suppress(OSError):  # another process is faster, or nothing may be removed here
            lives = _lives(home)
            if lives is False or (lives is None and _unchanged_s(home) > SILENT):
                shutil.rmtree(home)


@contextmanager
def _owned(home: Path) -> Iterator[None]:
    """Keep ``home`` locked. It names this machine only once it is locked."""
    file = None
    try:
        with suppress(OSError):  # then the time without a change tells whether somebody lives
            file = os.open(home / OWNER, os.O_CREAT | os.O_RDWR, 0o666)
            if lock_descriptor(file, blocking=False):
                os.write(file, machine(home).encode())
        yield
    finally:
        if file is not None:
            os.close(file)


def _lives(home: Path) -> bool | None:
    """Whether the owner lives, or None where its lock does not tell."""
    with suppress(FileNotFoundError), (home / OWNER).open("r+b") as file:
        if file.read().decode(errors="replace") == machine(home):
            return not lock_descriptor(file.fileno(), blocking=False)
    return None


def _unchanged_s(home: Path) -> float:
    """The seconds since something in ``home`` changed, by the clock of its disk."""
    with TemporaryFile(dir=home.parent) as now:
        return os.fstat(now.fileno()).st_mtime - max(
            path.stat().st_mtime for path in (home, *home.rglob("*"))
        )
