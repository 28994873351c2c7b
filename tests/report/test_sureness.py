"""How sure a student is, is told with its softening and without."""

import json
from pathlib import Path

import pandas as pd
import pytest

from kdlib.record.results import Results, open_results
from kdlib.report.sureness import sureness, sureness_words

ERRORS = {"L-bound": (0.4, 0.4), "KD": (0.6, 0.3)}  # as it answers, softening taken out


def saved(folder: Path, arms: dict[str, str]) -> Results:
    """Three subjects: the first was run nine times, and is out by a tenth of its arm's error."""
    rows = [
        {
            "arm": arm, "source": "utrecht", "target": "singapore", "subject": subject,
            "seed": seed, "fold": 0, "dice": 0.5,
        }
        | {f"{kind}_{place}": share * ERRORS[arm][0] for kind in ("ece", "brier")
           for place in ("head", "band")}
        | {f"{kind}_{place}_undone": share * ERRORS[arm][1] for kind in ("ece", "brier")
           for place in ("head", "band")}
        for arm in arms
        for subject, share, seeds in (("0", 0.1, 9), ("1", 1.0, 1), ("2", 1.9, 1))
        for seed in range(seeds)
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "scores.csv", index=False)
    study = {"name": "own", "arms": {name: {"method": method} for name, method in arms.items()}}
    (folder / "provenance.json").write_text(json.dumps({"study": study}))
    return open_results(folder)


def test_every_subject_counts_alike_however_often_it_was_run(tmp_path: Path) -> None:
    table = sureness(saved(tmp_path, {"L-bound": "unadapted", "KD": "distillation"}))
    assert table is not None
    for column in table:
        assert table[column].tolist() == pytest.approx([0.4, 0.6, 0.3])


def test_the_words_give_the_tables_numbers(tmp_path: Path) -> None:
    said = sureness_words(saved(tmp_path, {"L-bound": "unadapted", "KD": "distillation"}))
    assert "0.4000 for the teacher, 0.6000 for the student, and 0.3000" in said


def test_a_study_without_a_student_says_so(tmp_path: Path) -> None:
    results = saved(tmp_path, {"L-bound": "unadapted"})
    assert sureness(results) is None
    assert sureness_words(results) == "This study has no student of the plain teacher."
