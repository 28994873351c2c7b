"""The one error a user can cause."""

from collections.abc import Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """Something the user gave is wrong.

    The message is one line: what is wrong, with its name or file, and what to do about it.
    The command prints it and ends with exit status 2.
    """


@contextmanager
def from_extra(extra: str) -> Iterator[None]:
    """Imports of packages that only the optional dependencies ``extra`` bring.

    Raises ``InputError`` with the name of a missing package and how to install it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} is not installed: pip install kdlib[{extra}]") from None


def printable(text: object) -> str:
    """``text``, such as a path, as one line that a terminal can show."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))
