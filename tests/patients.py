"""A clinic's own scans, tiny: plain folders or BIDS, in an orientation of their own."""

import shutil
from pathlib import Path

import numpy as np

from kdlib.data.image_file import read_volume, write_volume
from kdlib.data.volume import Volume
from tests.tiny import write_subject


def write_plain(folder: Path, *names: str, mask: bool = True, first: int = 0) -> Path:
    """``<name>/FLAIR.nii.gz`` and, beside it, the mask; axes AIR, as no challenge scan has them."""
    for number, name in enumerate(names, start=first):
        subject = folder / name
        write_subject(subject, np.random.default_rng(number), 0.7, 1.4)
        for source, target in ((subject / "pre" / "FLAIR", "FLAIR"), (subject / "wmh", "mask")):
            write_volume(subject / f"{target}.nii.gz", turned(f"{source}.nii.gz"))
        shutil.rmtree(subject / "pre")
        (subject / "wmh.nii.gz").unlink()
        if not mask:
            (subject / "mask.nii.gz").unlink()
    return folder


def turned(path: str) -> Volume:
    """The volume at ``path`` with its axes in another order."""
    volume = read_volume(path, allow_constant=True)
    order, flip = [1, 2, 0], np.eye(4)
    affine = volume.affine[:, [*order, 3]]
    array = volume.array.transpose(order)[:, ::-1]
    flip[1, 1], flip[1, 3] = -1, array.shape[1] - 1
    return Volume(array, affine @ flip)


def write_bids(folder: Path, *names: str) -> Path:
    """The same scans as ``sub-<name>/ses-1/anat/..._FLAIR.nii.gz``, masks under derivatives/."""
    plain = write_plain(folder / "plain", *names)
    for name in names:
        stem = f"sub-{name}_ses-1"
        anat = f"sub-{name}/ses-1/anat"
        for home in (folder / anat, folder / "derivatives" / "lesions" / anat):
            home.mkdir(parents=True)
        shutil.move(plain / name / "FLAIR.nii.gz", folder / anat / f"{stem}_FLAIR.nii.gz")
        mask = folder / "derivatives" / "lesions" / anat / f"{stem}_label-lesion_mask.nii.gz"
        shutil.move(plain / name / "mask.nii.gz", mask)
    shutil.rmtree(plain)
    return folder
