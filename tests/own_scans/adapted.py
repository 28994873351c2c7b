"""A clinic's own scans, and what the commands leave of them."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np

from kdlib.data.clinics import Clinics
from tests.command import Done, kdlib
from tests.tiny import options

PRIVATE = "Jane Doe 1953"
NAMES = ("p1", '<b onload="x">&p2')


def hide_private_text(path: Path) -> None:
    """Write a name into every free text of a NIfTI header, and behind it."""
    image = nib.load(path)
    for field in ("descrip", "intent_name", "aux_file", "db_name"):
        image.header[field] = PRIVATE
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", PRIVATE.encode()))
    array = np.asarray(image.dataobj).copy()
    nib.save(nib.Nifti1Image(array, image.affine, image.header), path)


def adapted(clinics: Clinics, target: Path, out: Path, *more: object) -> Done:
    source = clinics.folder / "training/Utrecht"
    return kdlib("adapt", "--source", source, "--target", target, "--out", out / "masks",
                 "--store", out / "runs", "--device", "cpu", *options(), *more)  # fmt: skip


def report(done: Path) -> dict:
    return json.loads((done / "masks/report.json").read_text())


def student(done: Path) -> Path:
    return next((done / "runs").glob("*-target-distillation-*"))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
