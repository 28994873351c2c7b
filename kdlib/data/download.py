"""Download the data of the WMH challenge from its public archive, file by file."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from kdlib.data.archive import Archive, Entry, one_line
from kdlib.data.layouts import FOLDERS, SPLITS
from kdlib.errors import InputError

DOI = "10.34894/AECRSD"
SERVER = "https://dataverse.nl"
NOTICE = f"""\
Licence: CC BY-NC 4.0 (no commercial use), https://creativecommons.org/licenses/by-nc/4.0
Please cite:
Kuijf H. et al. (2022). Data of the White Matter Hyperintensity (WMH) Segmentation Challenge.
  DataverseNL, version 1. https://doi.org/{DOI}
Kuijf H. J. et al. (2019). Standardized Assessment of Automatic Segmentation of White Matter
  Hyperintensities and Results of the WMH Segmentation Challenge. IEEE Transactions on Medical
  Imaging 38(11), 2556-2568. https://doi.org/10.1109/TMI.2019.2905770"""

# Unfinished files lie here, inside the folder, so that a finished file only has to be renamed.
STAGING = ".fetch"
# A long download goes on after a few bad files. It stops when the network seems to be dead.
MAXIMUM_FAILURES = 10
# This many bytes stay free on the disk.
DISK_MARGIN = 2**28

OnBytes = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Summary:
    """What ``fetch`` did: files fetched now, files that were there already, the bytes of both."""

    folder: Path
    fetched: int
    already_whole: int
    total_bytes: int
    notice: str = NOTICE


def fetch(
    folder: Path | str,
    *,
    only: str | None = None,
    clinic: str | None = None,
    server: str = SERVER,
    workers: int = 4,
    retries: int = 5,
    timeout_seconds: float = 60,
    on_progress: OnBytes = lambda name, done_bytes, total_bytes: None,
) -> Summary:
    """Download the challenge's data into ``folder``, in the folders that the archive has.

    A file that is whole is not fetched again. After an interrupt, make the same call once more.

    Args:
        folder: where the files go.
        only: ``"training"`` or ``"test"``; by default both.
        clinic: one of the loader's clinics; by default all. Files that belong to no subject, such
            as a licence, are always fetched.
        server: the address of the archive.
        workers: how many files are fetched at the same time.
        retries: how often the download of a file is repeated.
        timeout_seconds: how long the server may stay silent.
        on_progress: called with (name, done bytes, all bytes) after each file, in this thread.

    Raises:
        InputError: ``only`` or ``clinic`` is unknown, a file would lie outside ``folder``, the disk
            is too small, or files could not be fetched.
    """
    folder = Path(folder).absolute()
    _check_choices(folder, only, clinic, workers)
    archive = Archive(server.rstrip("/"), DOI, retries, timeout_seconds)
    entries = [entry for entry in archive.entries() if _is_wanted(entry, only, clinic)]
    _check_paths(folder, entries)
    _check_disk(folder, entries)
    with _staging(folder) as staging:
        fetched = _ensure_all(
            entries, lambda entry: archive.ensure(entry, folder, staging), workers, on_progress
        )
    total_bytes = sum(entry.file.filesize for entry in entries)
    return Summary(folder, fetched, len(entries) - fetched, total_bytes)


def _check_choices(folder: Path, only: str | None, clinic: str | None, workers: int) -> None:
    if only not in (None, *SPLITS):
        raise InputError(f"only={only!r} is unknown; choose {' or '.join(SPLITS)}")
    if clinic is not None and clinic not in FOLDERS:
        raise InputError(f"clinic={clinic!r} is unknown; choose one of {', '.join(FOLDERS)}")
    if workers < 1:
        raise InputError(f"workers={workers} is too few; choose 1 or more")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: this is a file; choose a folder")


def _is_wanted(entry: Entry, only: str | None, clinic: str | None) -> bool:
    """Whether a file was chosen, or belongs to no subject, such as a licence."""
    folders = f"/{entry.directory}/"
    if not any(f"/{split}/" in folders for split in SPLITS):
        return True
    return (only is None or f"/{only}/" in folders) and (
        clinic is None or f"/{FOLDERS[clinic][0]}/" in folders
    )


def _check_paths(folder: Path, entries: list[Entry]) -> None:
    """Refuse a list where a file would lie outside ``folder``, or where two files share a name."""
    seen: set[str] = set()
    for entry in entries:
        parts = entry.path.split("/")
        plain = entry.path.isprintable() and not set(entry.path) & set("\\:")
        if not plain or set(parts) & {"", ".", ".."} or parts[0] == STAGING:
            what = f"the archive has a file with the unsafe name {entry.path!r}"
            raise InputError(f"{what}; nothing was fetched; tell the archive's owner")
        if not (folder / entry.path).resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{folder / entry.path}: this link leads out of the folder; remove it")
        if entry.path.lower() in seen:
            what = f"the archive has two files with the name {entry.path!r}"
            raise InputError(f"{what}; nothing was fetched; tell the archive's owner")
        seen.add(entry.path.lower())


def _check_disk(folder: Path, entries: list[Entry]) -> None:
    missing = [entry for entry in entries if not entry.has_its_size(folder / entry.path)]
    needed = sum(entry.file.filesize for entry in missing)
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if missing and needed + DISK_MARGIN > free:
        amounts = f"{needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free on this disk"
        raise InputError(f"{folder}: {amounts}; free some space or choose another folder")


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """Yield a folder for unfinished files to one process at a time, and delete it at the end."""
    staging = folder / STAGING
    try:
        staging.mkdir(parents=True, exist_ok=True)
        with FileLock(staging / "lock", timeout=0):
            try:
                yield staging
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    except Timeout as error:
        advice = "wait until it ends"
        raise InputError(f"{folder}: another 'kdlib fetch' is filling it; {advice}") from error
    except OSError as error:
        reason = f"cannot be written ({one_line(error)})"
        advice = "check its permissions and the disk, or choose another folder"
        raise InputError(f"{folder}: {reason}; {advice}") from error


def _ensure_all(
    entries: list[Entry], ensure: Callable[[Entry], bool], workers: int, on_progress: OnBytes
) -> int:
    """Run ``ensure`` on every entry, several at a time. Returns how many files were fetched."""
    fetched, done_bytes, failures = 0, 0, dict[str, Exception]()
    total_bytes = sum(entry.file.filesize for entry in entries)
    with ThreadPoolExecutor(workers) as pool:
        tasks = {pool.submit(ensure, entry): entry for entry in entries}
        try:
            for task in as_completed(tasks):
                entry = tasks[task]
                try:
                    fetched += task.result()
                except (OSError, ValueError) as error:
                    failures[entry.path] = error
                    if _is_local(error):
                        raise
                    if len(failures) == MAXIMUM_FAILURES:
                        break
                else:
                    done_bytes += entry.file.filesize
                    on_progress(entry.path, done_bytes, total_bytes)
        finally:
            pool.shutdown(cancel_futures=True)
    _report(failures, len(entries))
    return fetched


def _is_local(error: Exception) -> bool:
    """Whether the disk caused the error, and not the network or a checksum."""
    return isinstance(error, OSError) and error.errno is not None


def _report(failures: dict[str, Exception], total: int) -> None:
    if failures:
        name, error = next(iter(failures.items()))
        count = f"{len(failures)} of {total} files could not be fetched, first {name}"
        raise InputError(f"{count} ({one_line(error)}); run it again, finished files are kept")
