"""Processes that start others: what they hand down, and how they end."""

import ctypes
import multiprocessing
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from types import ModuleType
from typing import Any

# On Linux new processes are copies of one that has imported all they need. Elsewhere libraries of
# the system may not be copied, and each process imports for itself.
START = "forkserver" if sys.platform == "linux" else "spawn"

# Parameters of glibc's mallopt(3), and values that hold for every tensor of a training. A thread
# has its memory in heaps of 64 MB; with this much room at its end none is handed back.
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
MUCH, HEAP = 1 << 30, 1 << 26


_asked_for: dict[str, None] = {}  # modules, in the order in which they were first asked for


def starting_at_once(*modules: str) -> BaseContext:
    """How to start processes that need these ``modules``, which take seconds to import.

    All new processes are copies of the same one, so that it imports what anyone has asked for.
    """
    context = multiprocessing.get_context(START)
    _asked_for.update(dict.fromkeys(modules))
    if START == "forkserver":
        context.set_forkserver_preload([*_asked_for])
    return context


@contextmanager
def without_the_callers_script() -> Iterator[None]:
    """Keep new processes from running the caller's script, which may lack a ``__main__`` guard.

    A new process usually imports its parent's script, since it may need something from it. What
    kdlib does in other processes needs nothing from it.
    """
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


@contextmanager
def handled(number: signal.Signals, handler: Any) -> Iterator[None]:
    """Handle a signal with ``handler`` in this block. Only the main thread can; others do not."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def leave(number: int, frame: object) -> None:
    """End as an exception does, when a signal asks for it: files half written are taken away."""
    sys.exit(128 + number)


def keep_freed_memory() -> None:
    """Let this process reuse memory that it has freed, and not hand it back to the system at once.

    A training frees and takes each tensor anew in each step. Where it is handed back, it comes back
    page by page, which took a fifth of the time of studies on two cores and more. Without glibc
    nothing is done.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(TRIM_THRESHOLD, MUCH)
        mallopt(TOP_PAD, HEAP)
        mallopt(MMAP_THRESHOLD, MUCH)
