"""The study's answer in sentences says what the scores say."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kdlib.record.results import open_results
from kdlib.report.answer import answer
from kdlib.report.ledger import ledger_of
from kdlib.report.words import interval, listed
from tests.known_effects import ARMS, EFFECTS

Study = Callable[..., pd.DataFrame]
PLAIN = {name: {"method": arm.method} for name, arm in ARMS.items()}
PLAIN |= {name: {"method": "other", "on_the_fly": True} for name in PLAIN if "fly" in name}
PLAIN["ADA then KD"]["teacher"] = "ADA"


def told(scores: pd.DataFrame, folder: Path, arms: dict[str, Any] = PLAIN) -> dict[str, str]:
    """What is said of scores that were saved by a study of these arms."""
    scores.to_csv(folder / "scores.csv", index=False)
    record = {"study": {"name": "standard", "arms": arms}}
    (folder / "provenance.json").write_text(json.dumps(record))
    results = open_results(folder)
    return answer(results, ledger_of(results))


def test_the_answer_counts_the_gap_and_the_verdicts(study: Study, tmp_path: Path) -> None:
    scores = study()
    said = told(scores, tmp_path)
    means = scores.groupby("arm")["dice"].mean()
    assert f"{means['L-bound']:.2f}" in said["gap"]
    assert f"{means['U-bound']:.2f}" in said["gap"]
    assert f"{means['KD'] - means['L-bound']:+.3f}" in said["gains"]
    sure = re.sub(r", \d+ of them because.*?run|Reproduced: .*", "", said["sure"])
    counts = [int(n) for n in re.findall(r"\d+", sure)]
    assert counts[0] == sum(counts[1:])
    assert counts[1] >= 2  # KD better than L-bound and than ADA, as made up
    assert "6 pairs of clinics, 2 folds, 3 seeds and 60 tested subjects" in said["size"]


def test_on_the_fly_is_told_beside_l_bound_on_the_same_subjects(
    study: Study, tmp_path: Path
) -> None:
    scores = study(pairs=(("utrecht", "singapore"),), seeds=1)
    some = scores[~scores["arm"].str.endswith("the fly") | (scores["subject"] < "002")]
    same = scores[(scores["arm"] == "L-bound") & (scores["subject"] < "002")]["dice"].mean()
    said = told(some, tmp_path)["on_the_fly"]
    assert "2 of 20 tested subjects" in said
    assert f"{same:.2f} for L-bound" in said


def test_a_share_of_the_gap_is_told_of_gains_alone(study: Study, tmp_path: Path) -> None:
    scores = study(effects={"L-bound": 0.0, "ADA": 0.06, "KD": -0.06, "U-bound": 0.12})
    adversarial, distilled = told(scores, tmp_path)["gains"].split(" and distillation ")
    assert " % of that gap" in adversarial
    assert "of that gap" not in distilled


@pytest.mark.parametrize(("subjects", "few"), [(1, True), (2, True), (3, False)])
def test_too_few_subjects_for_an_interval_are_called_that(
    study: Study, tmp_path: Path, subjects: int, few: bool
) -> None:
    scores = study(pairs=(("utrecht", "singapore"),), seeds=1, subjects=subjects)
    said = " ".join(told(scores, tmp_path).values())
    assert "nan" not in said
    assert ("too few subjects for an interval" in said) == few


def test_other_arms_are_told_by_their_labels(study: Study, tmp_path: Path) -> None:
    scores = study(effects=EFFECTS | {"mine": 0.2}, noise=0.0)
    arms = PLAIN | {"mine": {"method": "other", "label": "My <b>&"}}
    said = told(scores, tmp_path, arms)
    assert "My <b>& changes the mean Dice by +0.200" in said["others"]
    assert "ADA then KD changes the mean Dice by +0.100" in said["others"]


def test_a_study_without_the_papers_arms_is_told_of_too(study: Study, tmp_path: Path) -> None:
    arms = {"none": {"method": "unadapted"}, "mine": {"method": "other"}}
    said = told(study(effects={"none": 0.0, "mine": 0.05}, noise=0.0), tmp_path, arms)
    assert "mine changes the mean Dice by +0.050" in said["gains"]
    assert "paper reports" not in said["gains"]
    assert "labelled target scans" not in said["gap"]
    alone = told(study(effects={"mine": 0.05}), tmp_path, {"mine": {"method": "other"}})
    assert "No arm can be compared" in alone["gains"]


def test_numbers_and_lists_are_said_in_words() -> None:
    found = {"n": 9, "sd": 0.1, "seeds": 3, "low": -0.01, "high": 0.2}
    assert interval(found) == "95 % interval −0.010 to +0.200"
    nearly = found | {"low": -0.0001, "high": 1e-9}
    assert interval(nearly) == "95 % interval −0.0001 to +0.000"
    assert interval(found | {"seeds": 1}) == "95 % interval over subjects alone −0.010 to +0.200"
    assert interval(found | {"low": math.nan, "sd": 0.0}) == "no spread for an interval"
    assert [listed("abc"[:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
