"""The arrays that a study leaves: one key type writes their names and reads them back."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from kdlib.files import atomic


@dataclass(frozen=True)
class Key:
    """The name of one array: whose it is, and which of theirs.

    ``owner`` is ``(source, target, subject)`` in ``examples.npz``; the same followed by "soft" or
    "scan" in ``explorers.npz``; ``(clinic,)`` or ``(clinic, subject)`` in ``clinics.npz``.
    ``part`` is what the array shows, for example "flair", "truth" or an arm's name.

    >>> str(Key(("utrecht", "singapore", "51"), "flair"))
    'utrecht/singapore/51/flair'
    """

    owner: tuple[str, ...]
    part: str

    def __str__(self) -> str:
        """The names joined by "/"; inside a name "/" is written as %2F and "%" as %25."""
        return "/".join(map(_as_key_part, (*self.owner, self.part)))

    @classmethod
    def parse(cls, text: str) -> "Key":
        """The key that ``str`` wrote."""
        *owner, part = map(unquote, text.split("/"))
        return cls(tuple(owner), part)


Arrays = dict[Key, NDArray[Any]]


def write_arrays(path: Path, arrays: Mapping[Key, NDArray[Any]]) -> None:
    """Write arrays into one compressed archive of NumPy's (.npz), whole or not at all."""
    named: dict[str, Any] = {str(key): array for key, array in arrays.items()}
    with atomic(path) as temporary:
        np.savez_compressed(temporary, **named)


def read_arrays(path: Path) -> Arrays:
    """The arrays of an archive, in the order in which they were written."""
    with np.load(path, allow_pickle=False) as file:
        # Asked for by their files' names: "a" and "a.npy" are two arrays.
        files = file.zip.namelist()
        return {Key.parse(name.removesuffix(".npy")): file[name] for name in files}


def by_owner(arrays: Arrays) -> dict[tuple[str, ...], dict[str, NDArray[Any]]]:
    """Arrays by their parts, for each owner; in the order in which they were written."""
    found: dict[tuple[str, ...], dict[str, NDArray[Any]]] = {}
    for key, array in arrays.items():
        found.setdefault(key.owner, {})[key.part] = array
    return found


def _as_key_part(name: str) -> str:
    return name.replace("%", "%25").replace("/", "%2F")
