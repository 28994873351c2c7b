"""A process that is a copy of the test's: it imports nothing and is at work at once."""

import os
import traceback
import warnings
from collections.abc import Callable

Say = Callable[[object], object]


class Copy:
    """Do ``work`` in a process of its own. The lines that it says are read from ``said``."""

    def __init__(self, work: Callable[[Say], object]) -> None:
        read, write = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of threads, which the copy does not have
            self.number = os.fork()
        if self.number == 0:
            _work_and_leave(work, write)
        os.close(write)
        self.said = os.fdopen(read, encoding="utf-8")

    def end(self) -> int:
        """Wait for it. Its exit status, or the signal that killed it as a negative number."""
        status = os.waitpid(self.number, 0)[1]
        self.said.close()
        return os.waitstatus_to_exitcode(status)


def _work_and_leave(work: Callable[[Say], object], write: int) -> None:
    status = 1
    try:
        work(lambda said: os.write(write, f"{said}\n".encode()))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
