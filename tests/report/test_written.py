"""The report on disk, and the commands that read results."""

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from kdlib.data.image_file import write_volume
from kdlib.data.volume import Volume
from kdlib.report.written import report_tables, write_study_report
from kdlib.scores.metrics import evaluate
from tests.command import kdlib
from tests.known_effects import ARMS


def test_evaluate_prints_the_five_metrics(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth, result = (rng.random((12, 14, 6)) > share for share in (0.8, 0.7))
    affine = np.diag([1.0, 1.0, 3.0, 1.0])
    for name, mask in (("truth", truth), ("result", result)):
        write_volume(tmp_path / f"{name}.nii.gz", Volume(mask.astype(np.uint8), affine))
    done = kdlib("evaluate", tmp_path / "truth.nii.gz", tmp_path / "result.nii.gz", "--json")
    expected = evaluate(truth.astype(np.uint8), result.astype(np.uint8), (1.0, 1.0, 3.0))
    assert json.loads(done.out) == pytest.approx(vars(expected))


def test_an_empty_result_is_scored_with_null(tmp_path: Path) -> None:
    mask = np.zeros((8, 8, 4), np.uint8)
    nib.save(nib.Nifti1Image(mask, np.eye(4)), tmp_path / "empty.nii.gz")
    mask[2:4, 2:4, 2] = 1
    nib.save(nib.Nifti1Image(mask, np.eye(4)), tmp_path / "truth.nii.gz")
    done = kdlib("evaluate", tmp_path / "truth.nii.gz", tmp_path / "empty.nii.gz", "--json")
    scores = json.loads(done.out)
    assert scores["dice"] == 0
    assert scores["hd95_mm"] is None


def test_every_table_is_written_in_four_forms(
    study: Callable[..., pd.DataFrame], tmp_path: Path
) -> None:
    scores = study(seeds=1, subjects=6)
    written = write_study_report(scores, report_tables(scores, ARMS), tmp_path)
    names = {path.name for path in written}
    tables = (
        "worth",
        "arms",
        "results",
        "seeds",
        "beside_paper",
        "comparisons",
        "gap_closed",
        "ledger",
    )
    assert names == {"scores.csv"} | {
        f"{t}.{e}" for t in tables for e in ("csv", "md", "tex", "html")
    }
    ledger = pd.read_csv(tmp_path / "ledger.csv")
    assert "undecided" in set(ledger.verdict)


@pytest.mark.parametrize(
    ("values", "taken"),
    [
        ([0, 1], True),
        ([0, 255], True),
        ([0, 0.3, 1], True),
        ([0], True),
        ([7], False),
        ([0, 1, 2], False),
        ([-1, 1], False),
        ([0, 0.5, 40], False),
    ],
)
def test_what_is_neither_a_mask_nor_probabilities_is_not_scored(
    values: list[float], taken: bool, tmp_path: Path
) -> None:
    truth, result = np.zeros((6, 7, 5), np.float32), np.resize(values, (6, 7, 5))
    truth[2:4, 2:4] = 1
    for name, array in (("truth", truth), ("result", result.astype(np.float32))):
        nib.save(nib.Nifti1Image(array, np.eye(4)), tmp_path / f"{name}.nii")
    done = kdlib("evaluate", tmp_path / "truth.nii", tmp_path / "result.nii")
    assert done.status == (0 if taken else 2)
    assert taken or "give a mask (0 and one other value) or probabilities" in done.err
