"""The table of what the loss is made of, on made-up parts whose mean is known."""

import numpy as np
import pandas as pd
import pytest

from kdlib.report.gap_parts import parts_table, parts_words, thickness_words

MADE = {"threshold": 0.05, "border": 0.2, "missed": 0.1, "false": 0.01}


def gap(thickest: float, patients: int = 8, seeds: int = 3) -> pd.DataFrame:
    """Parts of the loss on scans whose slices are 6 mm thick and more, thick ones without luck."""
    rng = np.random.default_rng(0)
    rows = [
        {"source": "a", "target": "real", "fold": n % 2, "seed": seed, "subject": f"{n}"}
        | {"slice_mm": mm, "dice": 0.6 if mm < thickest else 0.4}
        | {name: part + rng.normal(0, 0.005) for name, part in MADE.items()}
        for seed in range(seeds)
        for n, mm in enumerate(np.repeat([6.0, thickest], patients // 2))
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(other_labels=np.nan)


def test_the_largest_part_stands_first_and_its_interval_holds_it() -> None:
    table = parts_table(gap(8.0))
    assert table["Gain"].tolist() == pytest.approx(sorted(MADE.values(), reverse=True), abs=0.01)
    assert table["Gain"].between(table["Low"], table["High"]).all()
    assert table.loc[0, "If"] == "borders are right within one voxel"
    assert "right within one voxel (+0.2" in parts_words(gap(8.0))


def test_scans_of_one_patient_count_once() -> None:
    both = {("real", "0"): "P", ("real", "2"): "P"}
    assert set(parts_table(gap(8.0), both)["Patients"]) == {7}
    assert "without adaptation is 0.500." in parts_words(gap(7.0).assign(dice=0.5), both)
    one = gap(8.0).assign(dice=lambda table: table["subject"].isin(["0", "2"]).astype(float))
    assert "without adaptation is 0.143." in parts_words(one, both)


def test_thickness_is_told_only_where_slices_differ() -> None:
    assert "too alike" in thickness_words(gap(8.0))
    said = thickness_words(gap(12.0))
    assert "0.600 of 4 scans with slices of 6.0 to 9.0 mm" in said
    assert "0.400 of 4 scans with thicker ones (to 12.0 mm)" in said


def test_one_thin_scan_among_thick_ones_is_told_apart() -> None:
    mostly = gap(12.0)
    mostly.loc[mostly["subject"].ne("0"), "slice_mm"] = 12.0
    assert "of 1 scan with slices of 6.0" in thickness_words(mostly)
