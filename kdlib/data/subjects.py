"""A person at a clinic: the images, and a label if somebody drew one.

A ``Scan`` has images alone and no label to read. Adaptation gets scans. Only supervised training
and the evaluation get a ``LabelledScan``.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from kdlib.data.formats import parts_of
from kdlib.data.forms import AS_STORED, Reading
from kdlib.data.image_file import read_labels, read_volume
from kdlib.data.labels import Label
from kdlib.data.streams import naming
from kdlib.data.volume import Volume, onto_grid
from kdlib.errors import InputError
from kdlib.recipe import Preparation


@dataclass(frozen=True)
class Scan:
    """The images of one subject of one clinic, without any label.

    Attributes:
        clinic: the name of the clinic.
        subject: the name of the subject.
        flair: the FLAIR's NIfTI file.
        t1: the T1's NIfTI file, on the FLAIR's grid, if there is one.
        t1_doubt: the names of several files that may each be the T1. ``t1`` is then None.
        reading: where the voxels of its files lie if a file leaves it open.
    """

    clinic: str
    subject: str
    flair: Path
    t1: Path | None = None
    t1_doubt: tuple[str, ...] = ()
    reading: Reading = AS_STORED

    def read(self, inputs: str = "flair") -> list[Volume]:
        """Read the images that a network sees; all lie on one grid.

        Args:
            inputs: ``"flair"``, or ``"flair+t1"`` for both images.

        Returns:
            One volume (x, y, z) of float32 for each image.

        Raises:
            InputError: a file is missing or damaged, the T1 lies on another grid in space, or
                ``inputs`` names other images.
        """
        Preparation(inputs=inputs)  # It refuses what is no name of images.
        if inputs == "flair":
            return [read_volume(self.flair, self.reading)]
        if self.t1 is None and self.t1_doubt:
            what = f"{len(self.t1_doubt)} files may be its T1 ({' and '.join(self.t1_doubt)})"
            raise InputError(f"{self.flair.parent}: {what}; keep the one on the FLAIR's grid")
        if self.t1 is None:
            advice = "add T1.nii.gz or use inputs=flair"
            raise InputError(f"{self.flair.parent}: there is no T1 here; {advice}")
        flair, t1 = (read_volume(path, self.reading) for path in (self.flair, self.t1))
        with naming(self.t1):
            return [flair, onto_grid(t1, flair, "its FLAIR")]


@dataclass(frozen=True)
class LabelledScan:
    """A scan and the manual annotation of its lesions.

    Attributes:
        scan: the images.
        label: the NIfTI file of the annotation, on the FLAIR's grid.
    """

    scan: Scan
    label: Path

    def read_labels(self) -> Volume:
        """Read the labels (x, y, z), uint8: 0 background, 1 lesion, 2 other pathology.

        There may be no lesion at all: a healthy person counts like any other.

        Raises:
            InputError: the file is missing, damaged, on another grid, or has other labels.
        """
        return self.labels_on(self.scan.read()[0])

    def labels_on(self, flair: Volume) -> Volume:
        """The same on the ``flair`` that was read already, to read it only once."""
        return read_labels(self.label, flair, self.scan.reading, allow_empty=True)


@dataclass(frozen=True)
class Subject:
    """One session of a person at a clinic: a scan, and a label if somebody drew one.

    Attributes:
        scan: the images.
        label: the NIfTI file of the labels, or None.
        split: ``"training"`` or ``"test"``, the challenge's two.
        faults: what is wrong with the names and the places of its files, one line for each. They
            were found when the folder was opened. A subject with faults cannot be used.
        patient: whose scan it is. Two subjects can be two sessions of one patient.
        label_faults: those of the ``faults`` that are of the labels alone.
    """

    scan: Scan
    label: Path | None
    split: str
    faults: tuple[str, ...] = ()
    patient: str = ""
    label_faults: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The name of the subject, the same as its scan's."""
        return self.scan.subject

    def read_by(self, reading: Reading) -> "Subject":
        """The same subject, whose files are read by ``reading`` where they leave something open."""
        return replace(self, scan=replace(self.scan, reading=reading))

    @property
    def unlabelled(self) -> "Subject":
        """The same subject without its label, and without what is wrong with the label."""
        others = tuple(fault for fault in self.faults if fault not in self.label_faults)
        return replace(self, label=None, faults=others, label_faults=())

    @property
    def mask_advice(self) -> str:
        """Where a mask that is missing would have to be. BIDS keeps it apart from the scan."""
        anat, name = self.scan.flair.parent, self.scan.flair.name
        if anat.name != "anat" or not name.startswith("sub-"):
            return "add wmh.nii.gz or mask.nii.gz"
        home = "/".join(part for part in anat.parts[-3:] if part[:4] in ("sub-", "ses-", "anat"))
        return f"add derivatives/<name>/{home}/{self.id}_label-lesion_mask.nii.gz to the dataset"

    @property
    def labelled(self) -> LabelledScan:
        """The scan with its label. Raises ``InputError`` if there is no label."""
        if self.label is None:
            what = f"there is no mask here, but labels are needed; {self.mask_advice}"
            raise InputError(f"{self.scan.flair.parent}: {what}")
        return LabelledScan(self.scan, self.label)

    @cached_property
    def lesion_ml(self) -> float:
        """The volume of the lesions (label 1) in mL. It is 0 without a label."""
        return 0.0 if self.label is None else lesion_ml(self.labelled.read_labels())

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the bytes of this subject's files, and of how they are read."""
        if self.faults:
            raise InputError(self.faults[0])
        digest = hashlib.sha256(f"{self.scan.clinic}/{self.id}/{self.split}".encode())
        for path in (self.scan.flair, self.scan.t1, self.label):
            for part in parts_of(path) if path else []:
                digest.update(part.read_bytes())
            if path is None:
                digest.update(b"absent")
        if self.scan.reading != AS_STORED:
            digest.update(repr(self.scan.reading).encode())
        return digest.hexdigest()


def lesion_ml(labels: Volume) -> float:
    """The volume of label 1 in mL."""
    return float((labels.array == Label.LESION).sum() * np.prod(labels.spacing_mm) / 1000)
