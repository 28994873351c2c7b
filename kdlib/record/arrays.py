"""The arrays that a study leaves. One type of key writes their names and reads them back."""

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
    """The name of one array.

    Attributes:
        owner: whom the array belongs to. In ``examples.npz`` it is ``(source, target, subject)``.
            In ``explorers.npz`` "soft", "scan" or "answers" follows these three, and what all
            sources share has no source. In ``clinics.npz`` it is ``(clinic,)`` or
            ``(clinic, subject)``.
        part: what the array shows, for example "flair", "truth" or the name of an arm.

    >>> str(Key(("utrecht", "singapore", "51"), "flair"))
    'utrecht/singapore/51/flair'
    """

    owner: tuple[str, ...]
    part: str

    def __str__(self) -> str:
        """Join the names by "/". Inside a name "/" is written as %2F, and "%" as %25."""
        return "/".join(map(_as_key_part, (*self.owner, self.part)))

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Read the key that ``str`` wrote."""
        *owner, part = map(unquote, text.split("/"))
        return cls(tuple(owner), part)


Arrays = dict[Key, NDArray[Any]]


def write_arrays(path: Path, arrays: Mapping[Key, NDArray[Any]]) -> None:
    """Write arrays into one compressed NumPy archive (.npz), whole or not at all."""
    named: dict[str, Any] = {str(key): array for key, array in arrays.items()}
    with atomic(path) as temporary:
        np.savez_compressed(temporary, **named)


def read_arrays(path: Path) -> Arrays:
    """Read the arrays of an archive, in the order in which they were written."""
    with np.load(path, allow_pickle=False) as file:
        # The names of the files are used, since "a" and "a.npy" are two different arrays.
        files = file.zip.namelist()
        return {Key.parse(name.removesuffix(".npy")): file[name] for name in files}


def by_owner(arrays: Arrays) -> dict[tuple[str, ...], dict[str, NDArray[Any]]]:
    """For each owner, its arrays by their parts, in the order in which they were written."""
    found: dict[tuple[str, ...], dict[str, NDArray[Any]]] = {}
    for key, array in arrays.items():
        found.setdefault(key.owner, {})[key.part] = array
    return found


def _as_key_part(name: str) -> str:
    return name.replace("%", "%25").replace("/", "%2F")
