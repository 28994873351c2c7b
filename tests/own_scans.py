"""A clinic's own scans, tiny: plain folders or BIDS, in an orientation of their own."""

import io
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np

from kdlib.cli import main
from kdlib.data.volume import Volume, read_volume, write_volume
from tests.tiny import write_subject


def write_plain(folder: Path, *names: str, mask: bool = True) -> Path:
    """``<name>/FLAIR.nii.gz`` and, beside it, the mask; axes AIR, as no challenge scan has them."""
    for number, name in enumerate(names):
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


class Done(NamedTuple):
    """What a command left on the screen."""

    status: int
    out: str
    err: str


def kdlib(*arguments: object) -> Done:
    """The command, run in this process: its imports are paid once."""
    out, err = io.StringIO(), io.StringIO()
    command = ["kdlib", *map(str, arguments)]
    with mock.patch.object(sys, "argv", command), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
    return Done(status, out.getvalue(), err.getvalue())
