"""Folders of scans, as clinics of subjects."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kdlib.data.layouts import find_subjects
from kdlib.data.subjects import LabelledScan, Scan, Subject
from kdlib.errors import InputError

__all__ = ["Clinic", "Clinics", "LabelledScan", "Scan", "Subject", "open_clinics"]


@dataclass(frozen=True)
class Clinic:
    """The subjects of one clinic, in the challenge's two splits."""

    name: str
    subjects: tuple[Subject, ...]

    @property
    def training(self) -> tuple[Subject, ...]:
        return tuple(s for s in self.subjects if s.split == "training")

    @property
    def test(self) -> tuple[Subject, ...]:
        return tuple(s for s in self.subjects if s.split == "test")

    @property
    def studied(self) -> tuple[Subject, ...]:
        """The training subjects; of a scanner that has none (a target only), all."""
        return self.training or self.subjects

    @cached_property
    def folds(self) -> tuple[tuple[Subject, ...], tuple[Subject, ...]]:
        """Two halves of the studied subjects with like lesion volumes.

        Neighbours in lesion volume go to different halves (order A B B A A B B A ...), so that
        the halves match. This is the experimenter's bookkeeping: no network sees the volumes.
        """
        ordered = sorted(self.studied, key=lambda s: (s.lesion_ml, s.id))
        first = tuple(s for i, s in enumerate(ordered) if i % 4 in (0, 3))
        second = tuple(s for i, s in enumerate(ordered) if i % 4 in (1, 2))
        return first, second

    def subject(self, name: str) -> Subject:
        """The subject of that id."""
        for subject in self.subjects:
            if subject.id == name:
                return subject
        known = ", ".join(s.id for s in self.subjects)
        raise InputError(f"clinic {self.name} has no subject {name!r}; it has {known}")

    @cached_property
    def fingerprint(self) -> str:
        """A digest of everything on disk that a run on this clinic may read."""
        return hashlib.sha256("".join(s.fingerprint for s in self.subjects).encode()).hexdigest()


class Clinics(Mapping[str, Clinic]):
    """Clinics by name; ``"utrecht+amsterdam"`` is the two pooled."""

    def __init__(self, folder: Path, clinics: dict[str, Clinic]) -> None:
        self.folder = folder
        self._clinics = clinics

    def __getitem__(self, name: str) -> Clinic:
        parts = [self._one(part) for part in name.split("+")]
        if len(parts) == 1:
            return parts[0]
        return Clinic(name, tuple(subject for part in parts for subject in part.subjects))

    def __iter__(self) -> Iterator[str]:
        return iter(self._clinics)

    def __len__(self) -> int:
        return len(self._clinics)

    def chosen(self, names: Iterable[str]) -> "Clinics":
        """Those of these names alone; raises ``InputError`` for one there is not."""
        parts = [part for name in names for part in name.split("+")]
        return Clinics(self.folder, {part: self._one(part) for part in parts})

    def _one(self, name: str) -> Clinic:
        if name not in self._clinics:
            known = ", ".join(self._clinics)
            raise InputError(f"unknown clinic {name!r}; {self.folder} has {known}")
        return self._clinics[name]


def open_clinics(folder: Path | str, *, observer: str | None = None, name: str = "own") -> Clinics:
    """Find every clinic under ``folder``, in one of the layouts of ``find_subjects``.

    ``observer``: "o3" or "o4" reads that observer's annotations of the challenge instead of the
    first one's, where there are some. ``name``: of a clinic whose folder does not say it (all but
    the challenge's). Raises ``InputError`` where there is no scan.
    """
    folder = Path(folder)
    found = find_subjects(folder, name, observer)
    clinics = {clinic: Clinic(clinic, subjects) for clinic, subjects in found.items()}
    return Clinics(folder, clinics)
