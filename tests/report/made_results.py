"""A maker of folders of results as the chapters read them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from kdlib.record.arrays import Key, write_arrays
from tests.decided import decided


def write_results(folder: Path, name: str, scores: pd.DataFrame) -> Path:
    """A folder of results as the chapters read it, of these scores."""
    folder = folder / name
    folder.mkdir(parents=True)
    scores.to_csv(folder / "scores.csv", index=False)
    scores.iloc[:0].to_csv(folder / "teachers.csv", index=False)
    subjects = sorted(scores["subject"].unique())
    owners = ["P" if one in ("000", "002") else one for one in subjects]  # of two scans
    people = {"clinic": scores["target"].iloc[0], "subject": subjects, "patient": owners}
    pd.DataFrame(people).to_csv(folder / "clinics.csv", index=False)
    write_arrays(folder / "examples.npz", examples(scores))
    for archive in ("clinics.npz", "explorers.npz"):
        write_arrays(folder / archive, {})
    study = decided(name).model_dump(mode="json", exclude_none=True) | {"name": name}
    record = {"study": study, "seeds": {"0": {"runs": [{"name": "a"}]}}}
    (folder / "provenance.json").write_text(json.dumps(record))
    return folder


def examples(scores: pd.DataFrame) -> dict[Key, np.ndarray]:
    """For each subject a bright square with a lesion, and arms that answer it."""
    flair, truth = np.zeros((2, 24, 24), np.uint8)
    flair[4:20, 4:20], truth[8:12, 8:12] = 120, 1
    answers = dict.fromkeys(scores["arm"].unique(), truth * 255)
    owners = scores[["source", "target", "subject"]].drop_duplicates()
    return {
        Key(tuple(owner), part): array
        for owner in owners.itertuples(index=False, name=None)
        for part, array in ({"flair": flair, "truth": truth} | answers).items()
    }
