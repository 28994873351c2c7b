"""Made-up results of the study ``dials``, as its export would leave them."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from kdlib.record.arrays import Key, write_arrays
from kdlib.record.results import Results, open_results
from kdlib.scores.metrics import METRIC_NAMES
from kdlib.simulator.dials import DIALLED
from kdlib.study.study import load_study

STUDY = load_study("dials")
SUBJECTS = ("0", "2", "4", "6")  # the first has no slice in clinics.npz
GAINS = {"L-bound": 0.0, "U-bound": 0.1, "AdaBN": 0.06, "histogram matching": 0.05, "ADA": -0.02}


def write_dialled(folder: Path, plane: tuple[int, int] = (30, 36)) -> Results:
    """Write the results of every pair, with slices of the shape ``plane``, and open them.

    As in the study, level 1 has slices in ``clinics.npz`` and nothing else.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = [
        {"arm": arm, "source": source, "target": target, "fold": 0, "seed": seed}
        | {"subject": subject} | dict.fromkeys(METRIC_NAMES, 0.5)
        | {"dice": dice_of(arm, target) + 0.01 * int(subject) + rng.normal(0, 0.01)}
        for arm, (source, target), seed, subject in product(
            STUDY.arms, STUDY.pairs, STUDY.seeds, SUBJECTS
        )
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "scores.csv", index=False)
    (folder / "provenance.json").write_text(json.dumps({"study": STUDY.model_dump(mode="json")}))
    slices = {
        (clinic, subject): slice_of(clinic, subject, plane)
        for clinic, subject in product(["utrecht-again", *DIALLED], SUBJECTS)
    }
    write_arrays(folder / "clinics.npz", {
        Key(owner, part): slices[owner][part]
        for owner, part in product(slices, ("flair", "labels")) if owner[1] != SUBJECTS[0]
    })  # fmt: skip
    write_arrays(folder / "examples.npz", {
        Key((source, target, subject), part): array
        for (source, target), subject in product(STUDY.pairs, SUBJECTS)
        for part, array in _example(slices[target, subject]).items()
    })  # fmt: skip
    return open_results(folder)


def dice_of(arm: str, target: str) -> float:
    """The Dice of an arm on a target, before what subjects and seeds add."""
    made = DIALLED.get(target)
    level = 0 if made is None else made.level
    return 0.7 - 0.08 * level + GAINS.get(arm, 0.03) * level / 2


def slice_of(clinic: str, subject: str, plane: tuple[int, int]) -> dict[str, NDArray]:
    """A noisy head (x, y), darker with the level, with as much more lesion as the id is larger."""
    rng = np.random.default_rng(int(subject))
    x, y = (np.linspace(-1, 1, n) for n in plane)
    field = ndimage.gaussian_filter(rng.normal(size=plane), 0.06 * plane[0])
    head = x[:, None] ** 2 + y**2 < 0.8
    labels = (field > np.quantile(field, 0.97 - 0.01 * int(subject))) & head
    level = DIALLED[clinic].level if clinic in DIALLED else 0
    flair = head * (300 + 200 * labels + rng.normal(0, 30, plane)) / (1 + level)
    return {"flair": flair.astype(np.uint16), "labels": labels.astype(np.uint8)}


def _example(scan: dict[str, NDArray]) -> dict[str, NDArray]:
    """The slice as examples hold it, with answers that lie beside the truth."""
    answers = {arm: 255 * np.roll(scan["labels"], i, 0) for i, arm in enumerate(STUDY.arms)}
    flair = (scan["flair"] / scan["flair"].max() * 255).astype(np.uint8)
    return {"flair": flair, "truth": scan["labels"]} | answers
