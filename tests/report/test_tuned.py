"""What settings change, and how nearly students decide as their teachers, follow from the runs."""

from pathlib import Path

import pandas as pd
import pytest

from kdlib.record.results import Results, open_results
from kdlib.report.students import taught_table, taught_words
from kdlib.report.tuned import tuned_table, tuned_words
from tests.known_effects import known_effects
from tests.report.made_results import write_results


def recorded(folder: Path, scores: pd.DataFrame, findings: pd.DataFrame | None = None) -> Results:
    folder = write_results(folder, "mechanism", scores)
    if findings is not None:
        findings.to_csv(folder / "findings.csv", index=False)
    return open_results(folder)


def test_a_setting_has_its_means_at_home_and_on_the_target(tmp_path: Path) -> None:
    rows = [
        {"arm": "KD", "source": "a", "target": "b", "fold": 0, "seed": 0, "subject": subject}
        | {"dice": dice, "log_volume_ratio": 0.0, "setting": "temperature", "value": value}
        | {"evaluated_on": on}
        for value, on, dices in (
            (1, "target", (0.5, 0.7)), (1, "source", (0.6, 0.6)),
            (4, "target", (0.2, 0.4)), (4, "source", (0.9, 0.9)),
        )
        for subject, dice in zip("xy", dices, strict=True)
    ]  # fmt: skip
    table = tuned_table(recorded(tmp_path, pd.DataFrame(rows)))
    assert table["Dice on the target"].to_list() == pytest.approx([0.6, 0.3])
    assert table["Dice at home"].to_list() == pytest.approx([0.6, 0.9])
    assert table["Volume (%)"].to_list() == pytest.approx([100, 100])
    said = tuned_words(table)
    assert "from 0.300 (at 4) to 0.600 (at 1); the Dice at home is best at 4." in said
    assert "no arm" in tuned_words(table.iloc[:0])


def test_students_stand_beside_their_teachers_without_the_rows_of_sweeps(tmp_path: Path) -> None:
    scores = known_effects({"KD": 0.0}, subjects=1)
    made = {"above_floor": 0.001, "agreement_home": 0.9}
    findings = pd.DataFrame(
        [
            {"arm": "KD", "setting": "", "agreement_away": 0.8} | made,
            {"arm": "KD", "setting": "temperature", "agreement_away": 0.1} | made,
            {"arm": "KD on hard labels", "setting": "", "agreement_away": 0.6} | made,
        ]
    )
    table = taught_table(recorded(tmp_path, scores, findings))
    assert table["Student"].to_list() == ["KD", "KD hard"]
    assert "between 0.60 (KD hard) and 0.80 (KD). At home it is 0.90" in taught_words(table)
    assert "teacher is 0.80 (KD)" in taught_words(table.iloc[:1])
    assert "do not say" in taught_words(table.iloc[:0])
    alone = recorded(tmp_path / "alone", scores, findings.iloc[:1].assign(setting=None))
    assert taught_table(alone)["Student"].to_list() == ["KD"]
