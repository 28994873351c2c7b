"""The faults that the tests inject: failing disks, missing rights, and a process that is killed."""

import errno
import io
import os
import random
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
# The events of the interpreter that change a disk, and where their arguments have a path.
_EVENTS = {"open": 0, "os.rename": 1, "os.mkdir": 0, "os.remove": 0, "os.truncate": 0}
_open = io.open


@dataclass
class Disk:
    """Counts the changes of files under ``root``, or the writes into them, and refuses one.

    Attributes:
        root: the folder that is watched.
        refused: the number of the change that fails, from 0; none if it is negative.
        error: the number of the operating system's error.
        late: whether files open well and a write fails, as on a full disk. Only writes count then.
        seen: how many changes there were.
        hit: whether one was refused.
        told: what was refused.
    """

    root: Path
    refused: int = -1
    error: int = errno.ENOSPC
    late: bool = False
    seen: int = 0
    hit: bool = False
    told: str = ""
    owner: int = field(default_factory=threading.get_ident)

    def counts(self, event: str, path: object) -> bool:
        """Whether this change is the one that fails."""
        inside = isinstance(path, str | os.PathLike) and str(path).startswith(str(self.root))
        if not inside or threading.get_ident() != self.owner:
            return False
        self.seen += 1
        chosen = self.seen - 1 == self.refused
        if chosen:
            self.hit, self.told = True, f"{event} {path}"
        return chosen

    def audit(self, event: str, arguments: tuple) -> None:
        """Raise the error when the interpreter announces the chosen change."""
        if self.late or event not in _EVENTS:
            return
        if event == "open" and not (arguments[2] or 0) & _WRITES:
            return
        path = arguments[_EVENTS[event]]
        if event == "os.mkdir" and Path(path).exists():  # the system only says that it is there
            return
        if self.counts(event, path):
            raise OSError(self.error, os.strerror(self.error), str(path))

    def open(self, file: object, mode: str = "r", *more: object, **named: object) -> io.IOBase:
        """``open``, which gives a full device where the chosen file is opened for writing."""
        if set(mode) & set("wax+") and self.counts("write", file):
            return _open("/dev/full", mode.replace("x", "w"), *more, **named)
        return _open(file, mode, *more, **named)


_disks: list[Disk] = []


def _hook(event: str, arguments: tuple) -> None:
    if _disks:
        _disks[-1].audit(event, arguments)


sys.addaudithook(_hook)  # it cannot be removed, so it is added once and does nothing without a disk


@contextmanager
def failing(disk: Disk) -> Iterator[Disk]:
    """Watch the disk in this block."""
    _disks.append(disk)
    with mock.patch("io.open", disk.open) if disk.late else mock.patch.object(disk, "late", False):
        try:
            yield disk
        finally:
            _disks.pop()


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """The kernel refuses to let any file of this process grow beyond ``limit`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def small_disk(folder: Path, size: str = "64k") -> Iterator[None]:
    """A real file system of this size; skipped where this user may not mount one."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root; the file-size limit is tested instead")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's right to read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def killed(work: Callable[[], object], after_s: float) -> bool:
    """Do ``work`` in a process of its own and kill it after a while. Whether it was still at work.

    The process is a copy of this one, so it imports nothing and is at work at once. The while is of
    its processor, as ``time.process_time`` counts it: a machine may be busy now and idle then. The
    system's signal at its end kills as SIGKILL does, for nobody has asked to hear of it.
    """
    child = os.fork()
    if child == 0:
        try:
            signal.setitimer(signal.ITIMER_PROF, after_s)
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def moments(count: int, longest_s: float) -> list[float]:
    """Moments, evenly spread with a random part, the same each time."""
    draw = random.Random(0)
    return [(index + draw.random()) / count * longest_s for index in range(count)]
