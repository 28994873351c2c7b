"""The Dice against masks of another style, on made-up scores whose truth is known."""

import re
from pathlib import Path

import pandas as pd
import pytest

from kdlib.record.results import Results, open_results
from kdlib.report.other_masks import OWN, change_words, masks_table, masks_words
from tests.known_effects import known_effects
from tests.report.made_results import write_results

PAIR = (("source", "real"),)
EFFECTS = {"L-bound": 0.0, "U-bound": 0.15, "AdaBN": 0.02, "KD": 0.05}
STYLED = {"L-bound": 0.08, "U-bound": -0.1, "AdaBN": 0.06, "KD": 0.01}


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Scores against two masks. The second is there for four of eight subjects, in other orders."""
    folder = write_results(tmp_path, "real", known_effects(EFFECTS, PAIR, subjects=8, noise=0.0))
    second = known_effects(STYLED, PAIR, subjects=8, noise=0.0)
    second = second[second["subject"].isin(["001", "003", "004", "005"])]
    second.sample(frac=1, random_state=0).to_csv(folder / "scores_second.csv", index=False)
    return open_results(folder)


def test_each_arm_has_its_change_against_both_masks(results: Results) -> None:
    table = masks_table(results, "second").set_index("Arm")
    assert list(table.index) == ["L-bound", "U-bound", "AdaBN", "KD"]
    for arm in EFFECTS:
        own = EFFECTS[arm] - EFFECTS["L-bound"]
        assert table.loc[arm, f"Change, {OWN}"] == pytest.approx(own, abs=1e-3)
        other = STYLED[arm] - STYLED["L-bound"]
        assert table.loc[arm, "Change, second"] == pytest.approx(other, abs=1e-3)


def test_only_those_who_have_both_masks_are_compared(results: Results) -> None:
    both = results.scores[results.scores["subject"].isin(results.other_masks["second"]["subject"])]
    table = masks_table(results, "second").set_index("Arm")
    plain = both[both["arm"].eq("L-bound")]["dice"].mean()
    assert table.loc["L-bound", f"Dice, {OWN}"] == pytest.approx(plain, abs=1e-6)
    assert masks_words(results, "second").startswith("Both masks are known for 4 patients.")


def test_one_patient_is_told_as_one(results: Results) -> None:
    scores = results.other_masks["second"]
    results.other_masks["second"] = scores[scores["subject"].eq("001")]
    assert masks_words(results, "second").startswith("Both masks are known for 1 patient.")
    assert "are known (1 patient), it changes" in change_words(results, "KD")


def test_the_sentences_name_the_best_method_and_what_labels_change(results: Results) -> None:
    said = masks_words(results, "second")
    assert "KD gains most against the first mask" in said
    assert "any of them gains against `second` is −0.020 (AdaBN)." in said
    assert "U-bound has learnt from the first masks" in said
    assert "by +0.150 (no spread for an interval) against the first mask and by −0.180" in said


def test_a_change_has_its_interval_on_those_who_have_both_masks(results: Results) -> None:
    scores = results.other_masks["second"]
    kd = scores["arm"].eq("KD")
    scores.loc[kd, "dice"] += scores.loc[kd, "subject"].astype(int) * 0.01
    told = r"by [+−]0\.\d+ \(95 % interval [^)]*\) against the others"
    assert re.search(told, change_words(results, "KD"))


def test_without_such_scores_there_are_none(tmp_path: Path) -> None:
    folder = write_results(tmp_path, "real", known_effects(EFFECTS, PAIR, subjects=2))
    assert open_results(folder).other_masks == {}
    assert isinstance(open_results(folder).scores, pd.DataFrame)
