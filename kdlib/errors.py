"""The errors that a user can cause and mend, and how they are told."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_REMEDIES = {
    errno.EACCES: "change its permissions or choose another place",
    errno.EPERM: "change its permissions or choose another place",
    errno.EROFS: "choose another place",
    errno.EEXIST: "there is a file where a folder should be; choose another place",
    errno.ENOTDIR: "there is a file where a folder should be; choose another place",
    errno.EISDIR: "name a file",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOSPC: "free some space or choose another place",
    errno.EDQUOT: "free some space or choose another place",
    errno.EFBIG: "free some space or choose another place",
}


_NO_MEMORY = ("allocate memory", "out of memory", "not enough memory", "alloc_failed")


class InputError(ValueError):
    """Something that the user gave is wrong: a name, a value or a file.

    The message is one line. It names what is wrong and says what to do about it. The command
    ``kdlib`` prints this line and ends with exit status 2.

    >>> kdlib.Scenario(method="distilation", source="utrecht", target="singapore")
    Traceback (most recent call last):
    kdlib.errors.InputError: unknown method 'distilation'; did you mean 'distillation'?
    """


class DamagedError(InputError):
    """A file that kdlib wrote cannot be read any more.

    Attributes:
        path: the file.
        reason: what is wrong with it.
    """

    def __init__(self, path: Path, reason: str, remedy: str = "") -> None:
        self.path, self.reason = path, reason
        advice = remedy or f"remove the folder {printable(path.parent)}, so that it is made again"
        super().__init__(f"{printable(path)}: {reason}; {advice}")


class DoubtWarning(UserWarning):
    """A scan or a mask is used, although it may be wrong."""


class MadeAgainWarning(UserWarning):
    """A file that kdlib keeps to save time was damaged. What it held is made again."""


class WaitingWarning(UserWarning):
    """Another process holds what is needed. This one waits for it."""


@contextmanager
def from_extra(extra: str) -> Iterator[None]:
    """Imports of packages that only the optional dependencies ``extra`` bring.

    Raises ``InputError`` with the name of a missing package and how to install it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        remedy = f"in kdlib's folder, run pip install '.[{extra}]'"
        raise InputError(f"{error.name} is not installed; {remedy}") from None


def memory_refuses(error: BaseException) -> bool:
    """Whether there is too little memory, of the machine or of a GPU. torch has no error for it."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError | OSError) and any(words in said for words in _NO_MEMORY)


def memory_refused(error: BaseException) -> str:
    """One line for an error of memory: its first line, and a remedy."""
    said = printable(str(error).strip().partition("\n")[0])[:200] or "it says no more"
    return (
        f"there is too little memory ({said}); give a smaller batch_size or width, fewer --workers,"
        " or --device cpu if it is a GPU's"
    )


def printable(text: object) -> str:
    """``text``, such as a path, as one line that a terminal can show."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))


def disk_refuses(error: OSError) -> bool:
    """Whether a disk takes no more. The error of a write does not know its path then."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@contextmanager
def disk_of(place: Path | str) -> Iterator[None]:
    """Name the ``place`` of a file without a name, as temporary files are, if its disk is full."""
    try:
        yield
    except OSError as error:
        if error.filename is None and disk_refuses(error):
            raise OSError(error.errno, error.strerror, str(place)) from error
        raise


def path_refused(error: OSError) -> str:
    """One line for an error of a path: the path if the error knows it, the reason and a remedy."""
    named, reason = printable(error.filename or ""), error.strerror or str(error)
    reason = reason[:1].lower() + reason[1:]
    remedy = _REMEDIES.get(error.errno or 0, "check the path or choose another place")
    return f"{named}: {reason}; {remedy}" if named else f"{reason}; {remedy}"
