"""A run that was made again is compared with the recorded one, subject by subject."""

import json
from pathlib import Path

import pandas as pd
import pytest

from kdlib.record.results import open_results
from kdlib.report.provenance import repeated_table

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
