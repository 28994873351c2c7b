"""Download the files of a data set in a Dataverse. Each file appears whole or not at all."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Literal

import pooch
from pydantic import BaseModel, Field, NonNegativeInt, ValidationError

from kdlib.errors import InputError

ALGORITHMS = {"SHA-1": "sha1", "MD5": "md5", "SHA-256": "sha256", "SHA-512": "sha512"}


class _Checksum(BaseModel):
    type: Literal["SHA-1", "MD5", "SHA-256", "SHA-512"]
    value: str = Field(pattern="^[0-9a-fA-F]{32,128}$")

    @property
    def algorithm(self) -> str:
        return ALGORITHMS[self.type]


class _DataFile(BaseModel):
    id: int
    filename: str
    filesize: NonNegativeInt
    checksum: _Checksum


class Entry(BaseModel):
    """One file of the archive. The fields have the names that the archive's API uses."""

    label: str | None = None
    directory: str = Field(default="", alias="directoryLabel")
    file: _DataFile = Field(alias="dataFile")

    @property
    def path(self) -> str:
        name = self.label or self.file.filename
        return f"{self.directory}/{name}" if self.directory else name

    @property
    def key(self) -> str:
        return str(self.file.id)

    def has_its_size(self, target: Path) -> bool:
        return target.is_file() and target.stat().st_size == self.file.filesize

    def is_whole(self, target: Path) -> bool:
        checksum = self.file.checksum
        return self.has_its_size(target) and (
            pooch.file_hash(str(target), alg=checksum.algorithm) == checksum.value.lower()
        )


class _Version(BaseModel):
    files: list[Entry]


class _Dataset(BaseModel):
    version: _Version = Field(alias="latestVersion")


class _Answer(BaseModel):
    data: _Dataset


@dataclass(frozen=True)
class Archive:
    """A data set on a server, and how often and how long to try.

    Attributes:
        server: the address of the server.
        doi: the data set's identifier.
        retries: how often a failed download is repeated. The waits are 1 s, 2 s, up to 10 s.
        timeout_seconds: how long the server may stay silent.
    """

    server: str
    doi: str
    retries: int
    timeout_seconds: float

    def get(self, folder: Path, address: str, name: str, known_hash: str | None) -> Path:
        """Download into ``folder``. The file gets its name only when its checksum is right."""
        pooch.get_logger().setLevel("WARNING")
        with closing_responses() as hook:
            download = pooch.HTTPDownloader(
                timeout=self.timeout_seconds,
                chunk_size=2**18,
                # Without this header some servers unpack a .gz file before they send it.
                headers={"Accept-Encoding": "identity"},
                hooks={"response": hook},
            )
            manager = pooch.create(
                folder,
                self.server,
                registry={name: known_hash},
                urls={name: f"{self.server}/api/{address}"},
                retry_if_failed=self.retries,
            )
            return Path(manager.fetch(name, downloader=download))

    def entries(self) -> list[Entry]:
        """List every file of the archive.

        Raises:
            InputError: the list cannot be fetched, or the answer is not a list of files.
        """
        address = f"datasets/:persistentId/?persistentId=doi:{self.doi}"
        with TemporaryDirectory() as folder:
            try:
                answer = self.get(Path(folder), address, "list.json", None).read_bytes()
                return _Answer.model_validate_json(answer).data.version.files
            except ValidationError as error:
                reason = "its answer is not a list of a dataset's files"
                raise InputError(f"{self.server}: {reason}; check the address") from error
            except (OSError, ValueError) as error:
                reason = f"the list of files cannot be fetched ({one_line(error)})"
                raise InputError(f"{self.server}: {reason}; try again later") from error

    def ensure(self, entry: Entry, folder: Path, staging: Path) -> bool:
        """Fetch the file into ``folder`` if it is not whole there. Returns whether it did so."""
        target = folder / entry.path
        if entry.is_whole(target):
            return False
        checksum = entry.file.checksum
        known_hash = f"{checksum.algorithm}:{checksum.value}"
        staged = self.get(staging, f"access/datafile/{entry.key}", entry.key, known_hash)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Only this user may read a temporary file. The folder says who may read the final one.
        staged.chmod(target.parent.stat().st_mode & 0o666)
        os.replace(staged, target)
        return True


@contextmanager
def closing_responses() -> Iterator[Callable[..., None]]:
    """Yield a hook for requests. At the end it closes every response, which pooch does not do."""
    with ExitStack() as stack:

        def remember(response: IO, **_: object) -> None:
            stack.callback(response.close)

        yield remember


def one_line(error: Exception) -> str:
    """The first 300 letters of an error's text, on one line."""
    return " ".join(str(error).split())[:300]
