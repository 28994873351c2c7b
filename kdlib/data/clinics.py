"""Folders in the challenge's layout, as clinics of subjects.

A ``Scan`` is an image alone: it has no label to read. Adaptation is handed scans; only
supervised training and the evaluation are handed a ``LabelledScan``.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from kdlib.data.volume import Volume, read_labels, read_volume
from kdlib.errors import InputError

# The challenge's folders, 2022 layout (under training/ or test/) and 2017 layout (at the top).
FOLDERS = {
    "utrecht": ("Utrecht", "Utrecht"),
    "singapore": ("Singapore", "Singapore"),
    "amsterdam": ("Amsterdam/GE3T", "GE3T"),
    "amsterdam-ge1t5": ("Amsterdam/GE1T5", "GE1T5"),
    "amsterdam-philips": ("Amsterdam/Philips_VU .PETMR_01.", "Philips_VU .PETMR_01."),
}
SPLITS = ("training", "test")


@dataclass(frozen=True)
class Scan:
    """The images of one subject of one clinic, without any label."""

    clinic: str
    subject: str
    flair: Path
    t1: Path | None = None

    def read(self, inputs: str = "flair") -> list[Volume]:
        """The images a network sees, on one grid: ``"flair"``, or ``"flair+t1"``."""
        if inputs == "flair":
            return [read_volume(self.flair)]
        if self.t1 is None:
            raise InputError(f"{self.flair.parent}: no T1 here; add T1.nii.gz or use inputs=flair")
        flair, t1 = read_volume(self.flair), read_volume(self.t1)
        if t1.array.shape != flair.array.shape:
            raise InputError(f"{self.t1}: shape {t1.array.shape} is not its FLAIR's; register it")
        return [flair, t1]


@dataclass(frozen=True)
class LabelledScan:
    """A scan and the manual annotation of its lesions."""

    scan: Scan
    label: Path

    def read_labels(self) -> Volume:
        """Labels (x, y, z), uint8: 0 background, 1 WMH, 2 other pathology."""
        return read_labels(self.label, like=read_volume(self.scan.flair))


@dataclass(frozen=True)
class Subject:
    """One person at one clinic: a scan, and a label where somebody drew one."""

    scan: Scan
    label: Path | None
    split: str

    @property
    def id(self) -> str:
        return self.scan.subject

    @property
    def labelled(self) -> LabelledScan:
        """The scan with its label; raises ``InputError`` where there is none."""
        if self.label is None:
            raise InputError(f"{self.scan.flair.parent}: no wmh.nii.gz; this use needs labels")
        return LabelledScan(self.scan, self.label)

    @cached_property
    def lesion_ml(self) -> float:
        """The volume of label 1 in mL; 0 without a label."""
        if self.label is None:
            return 0.0
        labels = self.labelled.read_labels()
        return float((labels.array == 1).sum() * np.prod(labels.spacing_mm) / 1000)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the bytes of this subject's files."""
        digest = hashlib.sha256(f"{self.scan.clinic}/{self.id}/{self.split}".encode())
        for path in (self.scan.flair, self.scan.t1, self.label):
            digest.update(path.read_bytes() if path else b"absent")
        return digest.hexdigest()


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

    def _one(self, name: str) -> Clinic:
        if name not in self._clinics:
            known = ", ".join(self._clinics)
            raise InputError(f"unknown clinic {name!r}; {self.folder} has {known}")
        return self._clinics[name]


def open_clinics(folder: Path | str) -> Clinics:
    """Find every clinic under ``folder``, in the challenge's layout of 2022 or of 2017.

    Raises ``InputError`` where the folder holds no subject with ``pre/FLAIR.nii.gz``.
    """
    folder = Path(folder)
    clinics = {}
    for name in FOLDERS:
        subjects = tuple(_subjects(folder, name))
        if subjects:
            clinics[name] = Clinic(name, subjects)
    if not clinics:
        raise InputError(
            f"{folder}: no scans here (looked for training/Utrecht/<id>/pre/FLAIR.nii.gz and the "
            "like); make some with 'kdlib simulate', or name the folder that holds training/"
        )
    return Clinics(folder, clinics)


def _subjects(folder: Path, clinic: str) -> Iterator[Subject]:
    new, old = FOLDERS[clinic]
    for split, home in [(split, folder / split / new) for split in SPLITS] + [
        ("training", folder / old)
    ]:
        for flair in sorted(home.glob("*/pre/FLAIR.nii.gz"), key=lambda p: _order(p.parts[-3])):
            yield _subject(flair, clinic, split)


def _subject(flair: Path, clinic: str, split: str) -> Subject:
    t1, label = flair.with_name("T1.nii.gz"), flair.parents[1] / "wmh.nii.gz"
    scan = Scan(clinic, flair.parts[-3], flair, t1 if t1.exists() else None)
    return Subject(scan, label if label.exists() else None, split)


def _order(name: str) -> tuple[int, str]:
    """Sort 2 before 10."""
    return (int(name), "") if name.isdigit() else (10**9, name)
