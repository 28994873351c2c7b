"""Cases of a study with few scans: each scan by itself, on made-up scores."""

from pathlib import Path

import pytest

from kdlib.record.results import open_results
from kdlib.report.reverse import cases_table, cases_words
from tests.known_effects import known_effects
from tests.report.made_results import write_results

EFFECTS = {"L-bound": 0.0, "U-bound": 0.2, "AdaBN": 0.1, "KD": 0.0, "ADA": -0.1}


def test_each_scan_has_its_own_dice_and_labels_are_not_taken_for_a_method(tmp_path: Path) -> None:
    scores = known_effects(EFFECTS, (("real", "other"),), subjects=2, noise=0.0)
    one = scores["subject"].eq("000")
    scores.loc[scores["arm"].eq("KD"), "dice"] += one.map({True: 0.05, False: -0.05})
    results = open_results(write_results(tmp_path, "real_reverse", scores))
    table = cases_table(results).set_index("Arm")
    for scan in ("000", "001"):
        change = table[scan] - table.loc["L-bound", scan]
        assert change["AdaBN"] == pytest.approx(0.1, abs=1e-3)
    said = cases_words(results)
    assert "It is higher on each scan with AdaBN." in said
    assert "It is lower on each scan with ADA." in said
    assert f"{table.loc['L-bound', '000']:.3f} for 000" in said
