"""A person at a clinic: images, and a label where somebody drew one.

A ``Scan`` is an image alone: it has no label to read. Adaptation is handed scans; only
supervised training and the evaluation are handed a ``LabelledScan``.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from kdlib.data.header import same_grid
from kdlib.data.labels import Label
from kdlib.data.volume import Volume, read_labels, read_volume
from kdlib.errors import InputError


@dataclass(frozen=True)
class Scan:
    """The images of one subject of one clinic, without any label.

    ``t1_doubt``: the names of several files of which each may be its T1; ``t1`` is then None.
    """

    clinic: str
    subject: str
    flair: Path
    t1: Path | None = None
    t1_doubt: tuple[str, ...] = ()

    def read(self, inputs: str = "flair") -> list[Volume]:
        """The images a network sees, on one grid: ``"flair"``, or ``"flair+t1"``."""
        if inputs == "flair":
            return [read_volume(self.flair)]
        if self.t1 is None and self.t1_doubt:
            what = f"{len(self.t1_doubt)} files for one T1 ({' and '.join(self.t1_doubt)})"
            raise InputError(f"{self.flair.parent}: {what}; keep the one on its FLAIR's grid")
        if self.t1 is None:
            raise InputError(f"{self.flair.parent}: no T1 here; add T1.nii.gz or use inputs=flair")
        flair, t1 = read_volume(self.flair), read_volume(self.t1)
        shape = flair.array.shape
        if t1.array.shape != shape:
            raise InputError(f"{self.t1}: shape {t1.array.shape} is not its FLAIR's; register it")
        if not same_grid(shape, flair.affine, t1.affine):
            raise InputError(f"{self.t1}: does not lie on its FLAIR's grid; register it to that")
        return [flair, t1]


@dataclass(frozen=True)
class LabelledScan:
    """A scan and the manual annotation of its lesions."""

    scan: Scan
    label: Path

    def read_labels(self) -> Volume:
        """Labels (x, y, z), uint8: 0 background, 1 WMH, 2 other pathology; of any number.

        A person without lesions is one to learn from and to be scored on like others.
        """
        return read_labels(self.label, like=read_volume(self.scan.flair), allow_empty=True)


@dataclass(frozen=True)
class Subject:
    """One person at one clinic: a scan, and a label where somebody drew one.

    ``faults`` are lines on what is wrong with its files' names and places, found when its folder
    was opened; a subject that has any cannot be used.
    """

    scan: Scan
    label: Path | None
    split: str
    faults: tuple[str, ...] = ()

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
        return 0.0 if self.label is None else lesion_ml(self.labelled.read_labels())

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the bytes of this subject's files."""
        if self.faults:
            raise InputError(self.faults[0])
        digest = hashlib.sha256(f"{self.scan.clinic}/{self.id}/{self.split}".encode())
        for path in (self.scan.flair, self.scan.t1, self.label):
            digest.update(path.read_bytes() if path else b"absent")
        return digest.hexdigest()


def lesion_ml(labels: Volume) -> float:
    """The volume of label 1 in mL."""
    return float((labels.array == Label.LESION).sum() * np.prod(labels.spacing_mm) / 1000)
