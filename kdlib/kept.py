"""Read files that kdlib wrote and keeps in a store, and notice what has damaged them since."""

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from kdlib.errors import DamagedError, MadeAgainWarning, printable
from kdlib.files import atomic, reach_disk

if TYPE_CHECKING:
    from pandas import DataFrame
    from torch import Tensor

TEXT_COLUMNS = ("clinic", "subject", "patient", "scan")
DIGEST = "digest"  # the name of the note that a file of tensors has of its own content


def content(path: Path, digest: str | None = None) -> bytes:
    """The bytes of a file.

    Args:
        path: the file.
        digest: the ``digest_of`` its bytes when it was written, if it is known.

    Raises:
        DamagedError: the file is missing or has other bytes.
    """
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        raise DamagedError(path, "this file is missing") from None
    except PermissionError:
        remedy = "ask its owner to change its permissions"
        raise DamagedError(path, "this file may not be read", remedy) from None
    if digest is not None and digest_of(found) != digest:
        raise DamagedError(path, "this file is empty" if not found else "this file is damaged")
    return found


def digest_of(found: bytes) -> str:
    """A short text that changes if any byte does."""
    return hashlib.blake2b(found, digest_size=16).hexdigest()


def read_table(found: bytes) -> "DataFrame":
    """A table of a CSV file. Names are text: a subject may be called 007 or NA."""
    import pandas as pd

    table = pd.read_csv(BytesIO(found))
    text = pd.read_csv(BytesIO(found), dtype=str, keep_default_na=False)
    names = [name for name in TEXT_COLUMNS if name in table]
    table[names] = text[names]
    return table


def write_tensors(
    path: Path, tensors: "Mapping[str, Tensor]", note: dict[str, str] | None = None
) -> None:
    """Write ``tensors`` and a ``note`` as safetensors, whole or not at all."""
    from safetensors.torch import save

    kept = {name: tensor.contiguous() for name, tensor in tensors.items()}
    note = {**(note or {}), DIGEST: _digest(kept, note or {})}
    with atomic(path) as temporary:
        temporary.write_bytes(save(kept, note))  # on a full disk save_file raises no OSError
        reach_disk(temporary)


def read_tensors(
    path: Path, digest: str | None = None
) -> "tuple[dict[str, Tensor], dict[str, str]]":
    """The tensors and the note of a file that ``write_tensors`` wrote, on the CPU.

    Args:
        path: the file.
        digest: the ``digest_of`` its bytes when it was written, if it is known. Another file that
            is whole has another one.

    Raises:
        DamagedError: the file is missing, cut off, or was changed.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    found = content(path, digest)
    try:
        tensors = load(found)
        length = int.from_bytes(found[:8], "little")
        note = json.loads(found[8 : 8 + length]).get("__metadata__")
    except (SafetensorError, ValueError, KeyError) as error:
        what = "this file is empty" if not found else "this file is cut off or damaged"
        raise DamagedError(path, what) from error
    if note is None:  # not written by this function
        return tensors, {}
    if note.pop(DIGEST, None) != _digest(tensors, note):
        raise DamagedError(path, "this file is damaged")
    return tensors, note


def kept_or_made(path: Path, make: "Callable[[], Tensor]") -> "Tensor":
    """The tensor that a file keeps. It is made and kept if the file is not there or is damaged."""
    if path.exists():
        try:
            return read_tensors(path)[0]["slices"]
        except DamagedError as error:
            say_made_again(error)
    made = make()
    write_tensors(path, {"slices": made})
    return made


def say_made_again(error: DamagedError) -> None:
    """Warn that what a damaged file kept is made again."""
    warnings.warn(f"{printable(error.path)}: {error.reason}; it is made again", MadeAgainWarning, 2)


def _digest(tensors: "Mapping[str, Tensor]", note: Mapping[str, str]) -> str:
    import torch

    digest = hashlib.blake2b(repr(sorted(note.items())).encode(), digest_size=16)
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(raw.numpy().data)
    return digest.hexdigest()
