"""Tables in the paper's layout and their export."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from kdlib.evidence.claims import judge
from kdlib.evidence.paper import PAIRS
from kdlib.report.table_files import to_html, to_latex, to_markdown, write_table
from kdlib.report.tables import (
    beside_paper,
    comparison_table,
    five_scores,
    gap_table,
    ledger_table,
    paper_table,
    results_table,
)
from tests.known_effects import ARMS

Study = Callable[..., pd.DataFrame]
AWKWARD = pd.DataFrame({"subject": ["<script>alert(1)</script>", "a|b & 5 %"], "dice": [0.5, None]})


def test_the_papers_table_reads_as_printed() -> None:
    table = paper_table()
    assert list(table.columns) == ["Utrecht", "Singapore", "Amsterdam"]
    assert list(table.index[:4]) == [
        ("Utrecht", arm) for arm in ("L-bound", "ADA", "KD", "U-bound")
    ]
    assert table.loc[("Utrecht", "ADA"), "Singapore"] == "0.7004 (0.1057)"
    assert table.loc[("Utrecht", "ADA"), "Utrecht"] == ""


def test_ours_has_the_papers_layout(study: Study) -> None:
    table = results_table(study(), ARMS)
    paper = paper_table()
    assert list(table.columns) == list(paper.columns)
    assert set(paper.index) < set(table.index)
    assert ((table.loc[paper.index] == "") == (paper == "")).all().all()


def test_a_runs_scores_are_shown_by_the_five_metrics() -> None:
    row = {"clinic": "utrecht", "subject": "1", "dice": 0.8, "hd95_mm": 3.0, "avd_percent": 9.0}
    row |= {"lesion_recall": 0.5, "lesion_f1": 0.6, "ece_band": 0.1}
    table = five_scores(pd.DataFrame([row]))
    assert list(table.columns[:3]) == ["subject", "Dice", "H95 (mm)"]
    assert table.iloc[0].tolist() == ["1", 0.8, 3.0, 9.0, 0.5, 0.6]
    assert five_scores(pd.DataFrame([row | {"arm": "KD"}])).columns[0] == "arm"


def test_one_pair_makes_a_small_table(study: Study) -> None:
    table = results_table(study(pairs=PAIRS[:1], seeds=1), ARMS)
    assert list(table.columns) == ["Singapore"]
    assert table.index.get_level_values("Training").unique().tolist() == ["Utrecht"]


def test_clinics_unknown_to_the_paper_come_last(study: Study) -> None:
    scores = study(pairs=(("utrecht", "mine"), ("utrecht", "singapore")))
    assert list(results_table(scores, ARMS).columns) == ["Singapore", "Mine"]


def test_beside_the_paper_stands_every_printed_number_that_was_run(study: Study) -> None:
    scores = study()
    table = beside_paper(scores, ARMS)
    assert len(table) == 36
    assert len(beside_paper(scores[scores["arm"] == "KD"], ARMS)) == 6
    row = table.iloc[0]
    assert (row["Training"], row["Test"], row["Method"]) == ("Utrecht", "Singapore", "L-bound")
    assert row["Difference"] == pytest.approx(float(row["Ours"].split()[0]) - 0.6126, abs=1e-3)


def test_comparisons_and_gaps_have_a_row_per_pair_and_one_pooled(study: Study) -> None:
    assert len(comparison_table(study(), ARMS)) == (3 + 3) * 7
    assert len(gap_table(study(), ARMS)) == 5 * 7
    assert comparison_table(study().iloc[:0], ARMS).empty
    assert gap_table(study().iloc[:0], ARMS).empty


def test_a_gap_that_is_none_is_withheld(study: Study) -> None:
    flat = study(effects={"L-bound": 0, "ADA": 0, "KD": 0, "U-bound": 0}, noise=0.1)
    table = gap_table(flat, ARMS)
    assert "withheld" in set(table["Gap closed"])


def test_an_end_of_an_interval_that_is_far_out_is_not_printed(study: Study) -> None:
    narrow = study(effects={"L-bound": 0, "ADA": 0.1, "KD": 0.1, "U-bound": 0.002}, noise=0.002)
    ends = gap_table(narrow, ARMS)["Gap closed"].str.findall(r"-?\d+(?=%[,\]])").sum()
    assert ends
    assert all(abs(float(end)) <= 1000 for end in ends)


def test_the_ledger_prints_a_row_per_claim(study: Study) -> None:
    findings = judge(study(pairs=PAIRS[:1], seeds=1))
    table = ledger_table(findings)
    assert len(table) == len(findings)
    assert list(table.columns[-4:]) == ["verdict", "if_true", "seeds", "why"]


def test_texts_are_escaped() -> None:
    assert "<script>" not in to_html(AWKWARD)
    assert r"a\|b" in to_markdown(AWKWARD)
    assert r"5 \%" in to_latex(AWKWARD)


def test_markdown_is_a_table_with_its_index() -> None:
    lines = to_markdown(paper_table()).splitlines()
    assert lines[0] == "| Training | Method | Utrecht | Singapore | Amsterdam |"
    assert lines[1] == "| --- | --- | --- | --- | --- |"
    assert len(lines) == 2 + len(paper_table())


def test_a_table_is_written_in_four_formats_and_read_back(tmp_path: Path) -> None:
    paths = write_table(paper_table(), tmp_path, "table")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)
    back = pd.read_csv(tmp_path / "table.csv", keep_default_na=False).set_index(
        ["Training", "Method"]
    )
    assert back.to_dict() == paper_table().to_dict()
