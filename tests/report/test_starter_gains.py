"""What adapting the starter changes, by the tests of a study, on made-up scores."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdlib.record.results import Results, open_results
from kdlib.report.starter_gains import starter_dice, starter_worth
from kdlib.report.worth import worth_sentences, worth_table
from tests.known_effects import known_effects
from tests.report.made_results import write_results

CHANGES = {"starter": 0.0, "adabn": -0.04, "tent": 0.05, "tent alone": 0.3, "threshold": -0.2}
SEEDS = (0, 1, 2)


def starter_rows() -> pd.DataFrame:
    """Rows as ``benchmarks/real_scans.py`` writes them, of ``CHANGES``."""
    rng = np.random.default_rng(0)
    base = 0.5 + 0.1 * rng.standard_normal(12)
    return pd.DataFrame([
        {"scan": f"{scan:03}", "by": by, "seed": seed, "mask": "mask"}
        | {"dice": base[scan] + change + (rng.normal(0, 0.003) if by != "starter" else 0)}
        for by, change in CHANGES.items()
        for seed in (SEEDS if by in ("adabn", "tent") else SEEDS[:1])
        for scan in range(12)
    ])  # fmt: skip


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Scans 000 and 002 are of one patient. Only two methods have more than the first seed."""
    folder = write_results(tmp_path, "real", known_effects({"L-bound": 0.0}, (("a", "real"),)))
    starter_rows().to_csv(folder / "starter.csv", index=False)
    return open_results(folder)


def test_each_method_is_judged_over_patients_and_seeds(results: Results) -> None:
    table = worth_table(starter_worth(results)).set_index("Arm")
    assert table["Verdict"].to_dict() == {"AdaBN": "harms", "tent": "helps"}
    assert table["Difference"].to_dict() == pytest.approx({"AdaBN": -0.04, "tent": 0.05}, abs=0.005)
    assert set(table["Subjects"]) == {11}
    assert set(table["Seeds"]) == {3}
    assert worth_sentences(starter_worth(results))[0].startswith("Adapting helps: tent changes")


def test_the_starter_itself_is_a_mean_over_patients(results: Results) -> None:
    own = results.starter[results.starter["by"].eq("starter")].set_index("scan")["dice"]
    both = (own["000"] + own["002"]) / 2
    others = own.drop(["000", "002"])
    assert starter_dice(results) == pytest.approx((both + others.sum()) / 11)
