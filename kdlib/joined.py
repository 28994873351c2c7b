"""Join tensors into one, on the disk where memory does not hold it."""

import os
import resource
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from kdlib.errors import disk_of

SHARE_IN_MEMORY = 0.25  # of what the process may use; it holds several sets at once
GROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container, or a job of a batch system


def joined(parts: Iterable[Tensor]) -> Tensor:
    """All ``parts`` (n, ...) one after the other, as one tensor (N, ...).

    If they lie on the CPU and take more than a quarter of the memory, they go to a file in the
    temporary folder of the system (``TMPDIR`` names another), and the tensor is mapped from there.
    The system then reads what is asked for, and forgets it when it needs the memory. The file has
    no name any more, so it is gone with the process.

    >>> joined([torch.zeros(2, 3), torch.ones(1, 3)]).shape
    torch.Size([3, 3])
    """
    held: list[Tensor] = []
    size, most = 0, SHARE_IN_MEMORY * memory_limit()
    rest = iter(parts)
    for part in rest:
        held.append(part)
        size += part.nbytes
        if part.device.type == "cpu" and size > most:
            return _mapped(held, rest)
    return torch.cat(held)


def memory_limit() -> float:
    """The bytes of memory that this process may use: the machine's, its job's or its own limit."""
    limits = [float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))]
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        most, _ = resource.getrlimit(kind)
        limits += [float(most)] * (most != resource.RLIM_INFINITY)
    if GROUP_LIMIT.exists() and (text := GROUP_LIMIT.read_text().strip()).isdigit():
        limits.append(float(text))
    return min(limits)


def _mapped(held: list[Tensor], rest: Iterable[Tensor]) -> Tensor:
    """Write the tensors that are ``held`` and the ``rest`` to a file, and map it."""
    shape, dtype, count = held[0].shape[1:], held[0].dtype, 0
    with (
        disk_of(tempfile.gettempdir()),
        tempfile.NamedTemporaryFile(prefix="kdlib-") as file,
    ):
        while held:
            count += _written(held.pop(0), file)
        for part in rest:
            count += _written(part, file)
        file.flush()
        size = count * shape.numel()
        flat = torch.from_file(file.name, shared=True, size=size, dtype=dtype)
    return flat.view(count, *shape)


def _written(part: Tensor, file: IO[bytes]) -> int:
    file.write(part.contiguous().numpy().data)  # of a full disk numpy's tofile says no number
    return len(part)
