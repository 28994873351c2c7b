"""Write files so that each appears whole or not at all."""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from kdlib.errors import InputError, disk_refuses, printable
from kdlib.unfinished import unfinished

LETTERS = 12
HALF_WRITTEN = re.compile(rf"\.[0-9a-f]{{{LETTERS}}}(\..*)?")  # the temporary names of ``atomic``


@contextmanager
def atomic(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path``. It is renamed to ``path`` when the block ends well.

    The temporary name starts with a dot. It keeps the suffixes, since some writers choose their
    format by them. After an error the temporary file is removed and ``path`` stays as it was.
    Missing folders are made. An ``OSError`` about the temporary path or a full disk names ``path``.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{uuid4().hex[:LETTERS]}{''.join(path.suffixes[-2:])}"
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.filename == str(temporary) or disk_refuses(error):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def remove_half_written(folder: Path) -> None:
    """Remove the temporary files that killed processes left. No other process writes ``folder``."""
    for path in folder.iterdir():
        if HALF_WRITTEN.fullmatch(path.name):
            path.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path, last: str) -> Iterator[Path]:
    """Yield an empty folder. Its files move into ``folder`` when the block ends well.

    The old file named ``last`` is the first to go, and the new one the last to come. So a
    ``folder`` that has it holds files that belong together. After an error ``folder`` stays as it
    was. An error about a new file names its place in ``folder``.
    """
    with unfinished(folder) as new:
        yield new
        files = sorted(new.iterdir(), key=lambda path: path.name == last)
        for path in files:
            reach_disk(path)
        _swap([path.name for path in files], new, folder)


def _swap(names: list[str], new: Path, folder: Path) -> None:
    """Move what has these names from ``new`` into ``folder``. After an error all is undone.

    The old file of the last name leaves first, and each other one only when its new one comes. So
    a process that is killed leaves files without the last, and not an empty folder.
    """
    (old := new.parent / "old").mkdir()
    moved: list[tuple[Path, Path]] = []

    def move(source: Path, place: Path) -> None:
        os.replace(source, place)
        moved.append((place, source))

    def make_room(name: str) -> None:
        if (folder / name).is_file():
            move(folder / name, old / name)

    try:
        for last in names[-1:]:
            make_room(last)
        for name in names:
            make_room(name)
            move(new / name, folder / name)
    except BaseException:  # also when a person stops it
        for place, source in reversed(moved):
            os.replace(place, source)
        raise


@contextmanager
def filled_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder. All that is in it moves into ``folder`` when the block ends well.

    ``folder`` is empty or not there yet. After an error it is empty, so that nobody takes a part
    for the whole. An error about a new file names its place in ``folder``.
    """
    with unfinished(folder) as new:
        yield new
        _swap(sorted(path.name for path in new.iterdir()), new, folder)


def reach_disk(path: Path) -> None:
    """Wait until the disk has a file.

    A machine that stops may else keep a file's new name and lose its bytes. It takes some
    milliseconds, so it is for files that were long in the making.
    """
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_text(path: Path) -> str:
    """The text of a file that a user wrote, in UTF-8 with or without a mark at its beginning.

    Raises:
        InputError: it is in another encoding.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{printable(path)}: this text is not UTF-8; save it as UTF-8") from None
