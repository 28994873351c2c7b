"""What keeps one scan of many from being segmented. The others go on without it."""

from collections.abc import Iterator
from contextlib import contextmanager

from kdlib.data.subjects import Subject
from kdlib.errors import InputError, memory_refuses, path_refused, printable


class ScanFailedError(Exception):
    """One scan cannot be segmented. The message is one line without a path."""


@contextmanager
def costing_one_scan(subject: Subject, *, reading: bool = False) -> Iterator[None]:
    """Turn a lack of memory into ``ScanFailedError``, and every error while ``reading`` its files.

    Other errors, such as that of a full disk, are no matter of one scan.
    """
    try:
        yield
    except (InputError, OSError) as error:
        if not reading:
            raise
        raise ScanFailedError(_by_names(subject, error)) from error
    except (MemoryError, RuntimeError) as error:
        if not memory_refuses(error):
            raise
        what = "does not fit into memory; resample it or use a larger machine"
        raise ScanFailedError(f"{printable(subject.scan.flair.name)}: {what}") from error


def _by_names(subject: Subject, error: InputError | OSError) -> str:
    """What an error says, with names of files instead of their paths."""
    said = path_refused(error) if isinstance(error, OSError) else str(error)
    for file in (subject.scan.flair, subject.scan.t1, subject.label):
        if file is not None:
            said = said.replace(printable(file), printable(file.name))
    return said
