"""Join tensors into one, on the disk where memory does not hold it."""

import os
import resource
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from kdlib.errors import disk_of

SHARE_IN_MEMORY = 0.25  # of what the process may use; it holds several sets at once
# The control groups of this process, which are those of a container or a job, and their folders.
GROUPS, GROUP_FOLDERS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
LIMIT_FILES = ("memory.max", "memory.limit_in_bytes")  # of version 2 and of version 1
_processes = 1


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
    """The bytes of memory that this process may use.

    These are its share of what the machine has or its job may use, or its own limit.
    """
    limits = [float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")), *_group_limits()]
    limits = [limit / _processes for limit in limits]
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        most, _ = resource.getrlimit(kind)
        limits += [float(most)] * (most != resource.RLIM_INFINITY)
    return min(limits)


def share_memory(processes: int) -> None:
    """Tell this process that it is one of so many that share the memory of the machine."""
    global _processes
    _processes = processes


def _group_limits() -> Iterator[float]:
    """The limits of the control groups that this process is in, up to the outermost ones."""
    for line in GROUPS.read_text().splitlines() if GROUPS.exists() else []:
        _, kinds, place = line.split(":", 2)  # version 2 has one line, and it names no kind
        if kinds and "memory" not in kinds.split(","):
            continue
        group = GROUP_FOLDERS / kinds / place.lstrip("/")
        for file in (folder / n for folder in (group, *group.parents) for n in LIMIT_FILES):
            if file.exists() and (text := file.read_text().strip()).isdigit():  # or "max"
                yield float(text)


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
