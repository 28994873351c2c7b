"""One process of this machine at a time in a folder, for work that is short or that a person began.

``kdlib.study.lock`` is for runs, which several machines share.
"""

import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from kdlib.errors import WaitingWarning, printable

SECONDS_UNTOLD = 5.0  # before it is said, once, that this process waits


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process of this user is in such a block for ``folder``.

    The lock lies outside ``folder``. It ends with the process that holds it.
    """
    name = hashlib.sha256(f"{os.getuid()} {folder.resolve()}".encode()).hexdigest()[:20]
    lock = FileLock(Path(tempfile.gettempdir()) / f"kdlib-{name}.lock")
    try:
        lock.acquire(timeout=SECONDS_UNTOLD)
    except Timeout:
        what = "another process writes into this folder; it is waited for"
        warnings.warn(f"{printable(folder)}: {what}", WaitingWarning, stacklevel=3)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
