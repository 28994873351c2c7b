"""Two tiny clinics in the challenge's layout: an oval head, bright lesions, two scanners."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kdlib.data.image_file import write_volume
from kdlib.data.volume import Volume

SHAPE = (32, 40, 5)
AFFINE = np.diag([-4.0, -4.0, 6.0, 1.0])  # axes LPS, as the challenge's
RECIPE = {
    "size": (32, 40),
    "width": 4,
    "depth": 2,
    "steps": 40,
    "on_the_fly_steps": 4,
    "batch_size": 4,
    "learning_rate": 0.01,
}


def options(**changed: object) -> list[str]:
    """``RECIPE`` as options of a command, with settings that differ from it."""
    settings = RECIPE | {"voxel_mm": None} | changed
    pairs = (f"{name}={json.dumps(value)}" for name, value in settings.items())
    return [text for pair in pairs for text in ("--set", pair)]


def study_text(
    arms: str, *, folds: Sequence[int] = (0,), seeds: Sequence[int] = (0,), **changed: object
) -> str:
    """The file of a study of Utrecht and Singapore with these ``arms``, tables of TOML.

    ``changed`` are settings that differ from ``RECIPE``.
    """
    recipe = "\n".join(f"{name} = {json.dumps(v)}" for name, v in (RECIPE | changed).items())
    return f"""
about = "Tiny."
pairs = [["utrecht", "singapore"]]
folds = {list(folds)}
seeds = {list(seeds)}

[recipe]
{recipe}

{arms}
"""


def write_subject(folder: Path, rng: np.random.Generator, gain: float, contrast: float) -> None:
    """A subject whose lesions are ``contrast`` times as bright as its head."""
    x, y, z = np.indices(SHAPE)
    head = ((x - 15.5) / 12) ** 2 + ((y - 19.5) / 16) ** 2 < 1
    labels = np.zeros(SHAPE, np.float32)
    for _ in range(4):
        centre = rng.uniform([9, 11, 0], [22, 28, 4])
        ball = sum((a - c) ** 2 for a, c in zip((x, y, 2 * z), centre * [1, 1, 2], strict=True))
        labels[(ball < rng.uniform(4, 12)) & head] = 1
    signal = head * (1 + (contrast - 1) * (labels == 1)) * 100
    noise = rng.normal(0, 4, SHAPE) * (signal > 0)
    flair = ((signal + noise) * gain).clip(0).astype(np.float32)
    t1 = ((head * (2 - signal / 150) * 100 + noise) * gain).clip(0).astype(np.float32)
    write_volume(folder / "pre" / "FLAIR.nii.gz", Volume(flair, AFFINE))
    write_volume(folder / "pre" / "T1.nii.gz", Volume(t1, AFFINE))
    write_volume(folder / "wmh.nii.gz", Volume(labels, AFFINE))


def write_clinics(folder: Path, subjects: int = 4) -> Path:
    """Utrecht and Singapore, ``subjects`` training subjects and one test subject each."""
    scanners = {"Utrecht": (0, 1.0, 1.6), "Singapore": (50, 0.5, 1.3)}
    for name, (first, gain, contrast) in scanners.items():
        for index in range(subjects + 1):
            split = "training" if index < subjects else "test"
            rng = np.random.default_rng([first, index])
            write_subject(folder / split / name / str(first + index), rng, gain, contrast)
    return folder
