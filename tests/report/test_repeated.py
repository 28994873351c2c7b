"""A run that was made again is compared with the recorded one, subject by subject."""

import json
from pathlib import Path

import pandas as pd
import pytest

from kdlib.record.results import Results, open_results
from kdlib.report.provenance import repeated_table
from kdlib.report.shared_runs import shared_runs

KEYS = {"arm": "KD", "source": "a", "target": "b", "fold": 0, "seed": 1}


def test_the_difference_of_a_repeated_run_is_that_of_its_own_subjects(tmp_path: Path) -> None:
    rows = [KEYS | {"subject": name, "dice": 0.5} for name in ("1", "2", "3")]
    other = KEYS | {"seed": 0, "subject": "1", "dice": 0.9}
    pd.DataFrame([*rows, other]).to_csv(tmp_path / "scores.csv", index=False)
    record = {"study": {"name": "standard", "arms": {}}, "seeds": {}}
    (tmp_path / "provenance.json").write_text(json.dumps(record))
    again = pd.DataFrame(rows).assign(dice=[0.4, 0.5, 0.7], machine="another")
    (row,) = repeated_table(open_results(tmp_path), again).to_dict("records")
    assert row["largest difference"] == pytest.approx(0.2)
    assert row["mean difference"] == pytest.approx(0.1 / 3)


def test_runs_of_one_scenario_on_the_same_scans_are_shared_by_two_studies(tmp_path: Path) -> None:
    arms = {name: {"method": "distillation"} for name in ("KD", "other")}

    def study(name: str, dice: list[float], temperature: float, made: dict) -> Results:
        scores = [
            KEYS | {"arm": arm, "subject": str(n), "dice": value}
            for arm in arms
            for n, value in enumerate(dice)
        ]
        folder = tmp_path / name
        folder.mkdir()
        pd.DataFrame(scores).to_csv(folder / "scores.csv", index=False)
        own = arms | {"other": arms["other"] | {"temperature": temperature}}
        record = {
            "study": {"name": name, "arms": own, "recipe": {"steps": 1}},
            "seeds": {"1": made},
        }
        (folder / "provenance.json").write_text(json.dumps(record))
        return open_results(folder)

    first = study("first", [0.5, 0.6], 2.0, {"simulation": {"seed": 7}})
    again = study("again", [0.5, 0.8], 3.0, {"simulation": {"seed": 7}})
    elsewhere = study("elsewhere", [0.1, 0.2], 2.0, {"simulation": {"seed": 8}})
    (row,) = shared_runs([first, again, elsewhere]).to_dict("records")
    assert (row["Study"], row["Other_study"], row["Seed"], row["Runs"]) == ("first", "again", 1, 1)
    assert row["Largest_difference"] == pytest.approx(0.2)
    assert row["Of_a_mean"] == pytest.approx(0.1)
