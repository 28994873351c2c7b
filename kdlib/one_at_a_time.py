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
def alone_in(folder: Path, part: str = "") -> Iterator[None]:
    """Wait until no other process of this user is in such a block for a ``part`` of ``folder``.

    The lock ends with the process that holds it. Its empty file stays in a folder for temporary
    files, so that nothing but results is in ``folder``.
    """
    name = hashlib.sha256(f"{folder.resolve()} {part}".encode()).hexdigest()[:20]
    home = Path(tempfile.gettempdir()) / f"kdlib-locks-{os.getuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    lock = FileLock(home / name)
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
