"""The files of an image, opened and unpacked. Every error about one of them names it."""

import gzip
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from kdlib.data.formats import parts_of
from kdlib.errors import InputError, printable

# Deflate can make nothing smaller than by this factor.
MAXIMUM_COMPRESSION = 1032


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Turn every error about ``path`` into an ``InputError`` of one line that names it."""
    try:
        with np.errstate(all="ignore"):
            yield
    except InputError as error:
        raise InputError(f"{printable(path)}: {error}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = "its compressed data are incomplete or damaged; copy or download it again"
        raise InputError(f"{printable(path)}: {reason}") from error
    except (OSError, MemoryError) as error:
        raise InputError(f"{printable(path)}: {_advice(error)}") from error


def _advice(error: OSError | MemoryError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file; check the path"
    if isinstance(error, PermissionError):
        return "no permission to read it; ask its owner or change its permissions"
    if isinstance(error, MemoryError):
        return "does not fit into memory; resample it or use a larger machine"
    return f"cannot be read ({error.strerror}); check the path and the disk"


@contextmanager
def open_image(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO, int]]:
    """Yield the streams of an image's header and of its data, and the data's possible size.

    Both are the same stream but for a pair of an .hdr and an .img file.
    """
    files = parts_of(path)
    with _opened(files[-1]) as (data, capacity):
        if len(files) == 1:
            yield data, data, capacity
            return
        with _opened(files[0]) as (start, _):
            yield start, data, capacity


@contextmanager
def _opened(path: Path | str) -> Iterator[tuple[BinaryIO, int]]:
    """Open the file unpacked. Yields its stream and the largest possible number of bytes."""
    size = _file_size(Path(path))
    with Path(path).open("rb") as file:
        if file.peek(2)[:2] != b"\x1f\x8b":
            yield file, size
            return
        with gzip.GzipFile(fileobj=file) as stream:
            yield cast(BinaryIO, stream), size * MAXIMUM_COMPRESSION


def _file_size(path: Path) -> int:
    try:
        status = path.stat()
    except ValueError as error:
        raise InputError("this path is not valid (is there a NUL in it?); check it") from error
    if stat.S_ISDIR(status.st_mode):
        raise InputError("this is a folder; give the NIfTI file in it")
    if not stat.S_ISREG(status.st_mode):
        raise InputError("this is not a regular file; copy the scan to a disk")
    if status.st_size == 0:
        raise InputError("this file is empty (0 bytes); copy or download it again")
    return status.st_size
