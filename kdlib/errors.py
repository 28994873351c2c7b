"""The one error that a user can cause, and mend."""

from collections.abc import Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """Something that the user gave is wrong: a name, a value or a file.

    The message is one line. It names what is wrong and says what to do about it. The command
    ``kdlib`` prints this line and ends with exit status 2.

    >>> kdlib.Scenario(method="distilation", source="utrecht", target="singapore")
    Traceback (most recent call last):
    kdlib.errors.InputError: unknown method 'distilation'; did you mean 'distillation'?
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
