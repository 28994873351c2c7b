"""Keep what takes seconds to make, and is the same each time, in this user's cache folder.

The folder is the system's own for caches, or the one that ``KDLIB_CACHE`` names. It may be deleted
at any time. Where it cannot be written, everything is made each time.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np
import platformdirs
from filelock import FileLock
from numpy.typing import NDArray

from kdlib.files import atomic, reach_disk
from kdlib.kept import digest_of

VARIABLE = "KDLIB_CACHE"


def cache_folder() -> Path:
    """Where the files are. It need not exist."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else platformdirs.user_cache_path("kdlib")


def cached(name: str, made_of: list[str], make: Callable[[], NDArray]) -> NDArray:
    """The array that ``make`` gives, from the file that an earlier call has left.

    One process at a time makes it, and the others wait. Processes share the memory of the file; a
    change that one of them makes is its own.

    Args:
        name: what the array is, as a file's name.
        made_of: all that it follows from, such as code, data and the versions of libraries. If any
            of it changes, the array is made anew, and the file takes the place of the former one.
        make: makes the array.
    """
    folder, key = cache_folder(), digest_of(repr(made_of).encode())
    if (found := _read(folder, f"{name}-{key}")) is not None:
        return found
    with _one_at_a_time(folder / f"{name}.lock"):
        if (found := _read(folder, f"{name}-{key}")) is not None:
            return found
        made = make()
        with suppress(OSError):
            file = _write(folder, f"{name}-{key}", made)
            for former in set(folder.glob(f"{name}-*.npy")) - {file}:
                former.unlink()
        return made


def code_of(*modules: str) -> str:
    """The text of modules, by their files."""
    return "".join(Path(module).read_text(encoding="utf-8") for module in modules)


def versions_of(*packages: str) -> list[str]:
    """The versions of installed packages."""
    return [f"{package} {version(package)}" for package in packages]


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    lock = FileLock(path)
    with suppress(OSError, NotImplementedError):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _read(folder: Path, stem: str) -> NDArray | None:
    """The array of a file, whose name holds its digest; None if it is not there or is damaged."""
    for file in folder.glob(f"{stem}-*.npy"):
        with suppress(OSError, ValueError, EOFError):
            found = np.load(file, mmap_mode="c")
            if file.stem == f"{stem}-{_digest(found)}":
                return found
    return None


def _write(folder: Path, stem: str, array: NDArray) -> Path:
    file = folder / f"{stem}-{_digest(array)}.npy"
    with atomic(file) as temporary:
        np.save(temporary, array)
        reach_disk(temporary)
    return file


def _digest(array: NDArray) -> str:
    described = f"{array.dtype} {array.shape}".encode()
    return digest_of(described + np.ascontiguousarray(array).tobytes())
