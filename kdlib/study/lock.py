"""A lock on a folder that processes of several machines write.

A claim is a numbered file: ``lock.1``, then ``lock.2``, and so on. The highest number holds the
lock. A file system creates a file for one process alone, on NFS too, so each number has one owner.
Who finds the newest claim given up, or its owner dead, creates the next number.

Whether an owner lives is seen in two ways. On the same machine its claim is locked with ``flock``,
which ends with the process. From elsewhere ``flock`` may tell nothing, so the owner rewrites its
claim every few seconds. It counts as dead when its claim looked the same many times in a row.
No time is compared, so the clocks of the machines do not matter.
"""

import os
import threading
import time
import warnings
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import lock_descriptor

from kdlib.errors import WaitingWarning, printable
from kdlib.machine import machine

RENEWED = 5.0  # seconds between two signs of life
PAUSE = 0.5  # seconds between two looks at another's claim
LOOKS_UNTOLD = 10  # before it is said, once, that this process waits: 5 s
LOOKS = 180  # at a claim that stays the same, until its owner counts as dead: 90 s
GIVEN_UP = "free"


class LockLostError(Exception):
    """Another process has taken the lock, since this one showed no sign of life for long."""


class FolderLock:
    """A lock on ``folder``, which exists. Two processes never hold it at once.

    A process that stood still for longer than ``LOOKS`` times ``PAUSE``, and whose lock was then
    taken from another machine, would not know. So the holder calls ``confirm`` before it writes
    what counts.

    >>> with FolderLock(folder) as lock:  # doctest: +SKIP
    ...     outcome = work()
    ...     lock.confirm()
    ...     write(outcome)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lost = threading.Event()  # set some time after another process has taken the lock
        self._number = 0
        self._files: list[int] = []  # descriptors of our claims
        self._ended, self._alone = threading.Event(), threading.Lock()

    def __enter__(self) -> Self:
        seen, looks, waited = (0, GIVEN_UP), 0, 0
        while True:
            found = self._newest(*seen)
            looks = looks + 1 if found == seen else 0
            seen = found
            if self._to_be_had(*found, looks) and self._claimed(found[0] + 1):
                break
            time.sleep(PAUSE)
            waited += 1
            if waited == LOOKS_UNTOLD:
                what = "another process writes into this folder; it is waited for"
                warnings.warn(f"{printable(self.folder)}: {what}", WaitingWarning, stacklevel=3)
        threading.Thread(target=self._renew, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        with self._alone, suppress(OSError):  # then the claim looks the same from now on
            self._write(GIVEN_UP)
        for file in self._files:
            os.close(file)
        self._files.clear()

    def confirm(self) -> None:
        """Claim the next number too, which works only if nobody has taken the lock meanwhile.

        Raises:
            LockLostError: somebody has.
        """
        with self._alone:
            if not self._claimed(self._number + 1):
                raise LockLostError

    def _newest(self, number: int, sign: str) -> tuple[int, str]:
        """The highest claim, from ``number`` on, and what it says."""
        while (above := self._read(number + 1)) is not None:
            number, sign = number + 1, above
        return number, sign if (now := self._read(number)) is None else now

    def _to_be_had(self, number: int, sign: str, looks: int) -> bool:
        lives = self._lives(number, sign)
        return sign == GIVEN_UP or lives is False or (lives is None and looks >= LOOKS)

    def _lives(self, number: int, sign: str) -> bool | None:
        """Whether the owner lives, or None where only its signs of life tell."""
        if not sign.startswith(f"{machine(self.folder)} "):
            return None
        with suppress(OSError), self._path(number).open("r+b") as file:
            return not lock_descriptor(file.fileno(), blocking=False)
        return None

    def _claimed(self, number: int) -> bool:
        """Create the claim ``number``; False if another process was first."""
        try:
            file = os.open(self._path(number), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        except FileExistsError:
            return False
        self._files.append(file)
        self._number, self._owner = number, "elsewhere"
        with suppress(OSError):  # a file system without flock
            if lock_descriptor(file, blocking=False):
                self._owner = machine(self.folder)
        self._write(f"{self._owner} 0")
        return True

    def _renew(self) -> None:
        beats = 0
        while not self._ended.wait(RENEWED):
            beats += 1
            with self._alone, suppress(OSError):  # a network may be away for some time
                if self._ended.is_set():
                    return
                self._write(f"{self._owner} {beats}")
                if self._path(self._number + 1).exists():
                    self.lost.set()

    def _write(self, sign: str) -> None:
        file = self._files[-1]
        os.pwrite(file, f"{sign}\n".encode(), 0)
        os.fsync(file)  # other machines ask the server

    def _read(self, number: int) -> str | None:
        try:  # a file that is opened anew is read from the server
            return self._path(number).read_text(errors="replace").partition("\n")[0]
        except FileNotFoundError:
            return None

    def _path(self, number: int) -> Path:
        return self.folder / f"lock.{number}"
