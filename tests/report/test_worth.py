"""Whether adapting is worth it: the answer on scores whose truth is known."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kdlib.evidence.worth import gains
from kdlib.report.worth import labelled_arms, worth_of, worth_sentences, worth_table
from kdlib.study.arm import Arm
from kdlib.study.study import load_study
from tests.known_effects import ARMS

Study = Callable[..., pd.DataFrame]
PAIR = (("utrecht", "own"),)
EFFECTS = {"L-bound": 0.0, "KD": 0.06, "ADA": -0.05, "ADA then KD": 0.001, "U-bound": 0.15}


def test_what_helps_harms_and_changes_nothing_is_told_apart(study: Study) -> None:
    scores = study(effects=EFFECTS, pairs=PAIR, subjects=13, noise=0.005)
    table = worth_table(worth_of(scores, ARMS)).set_index("Arm")["Verdict"].to_dict()
    assert table == {"KD": "helps", "ADA": "harms", "ADA then KD": "changes almost nothing"}
    said = worth_sentences(worth_of(scores, ARMS))
    assert said[0].startswith("Adapting helps: KD changes the mean Dice by +0.0")
    assert said[1:3] == ["What harms: ADA.", "What changes almost nothing: ADA then KD."]
    assert said[3].startswith("The upper bound, which learns from the source and all masks")
    assert "changes the mean Dice by +0.1" in said[3]


@pytest.mark.parametrize(
    ("change", "noise", "seeds", "answer"),
    [
        ({}, 0.3, 3, "It is not clear whether adapting helps"),
        ({"KD": 0.0}, 0.002, 3, "Adapting does not help"),
        ({}, 0.005, 2, "With 2 seeds nothing is clear; it takes 3."),
    ],
)
def test_other_answers(
    study: Study, change: dict[str, float], noise: float, seeds: int, answer: str
) -> None:
    effects = EFFECTS | change
    scores = study(effects=effects, pairs=PAIR, subjects=13, noise=noise, seeds=seeds)
    assert worth_sentences(worth_of(scores, ARMS))[0].startswith(answer)


def test_what_only_harms_is_not_called_small(study: Study) -> None:
    effects = dict.fromkeys(EFFECTS, -0.1) | {"L-bound": 0.0}
    scores = study(effects=effects, pairs=PAIR, subjects=13, noise=0.005)
    said = worth_sentences(worth_of(scores, ARMS))[0]
    assert said.startswith("Adapting does not help. At best ")
    assert "less than" not in said


def test_an_arm_that_is_not_clear_leaves_the_answer_open(study: Study) -> None:
    scores = study(effects=EFFECTS | {"KD": 0.0}, pairs=PAIR, subjects=13, noise=0.002)
    rough = scores["arm"].eq("ADA then KD") & scores["seed"].eq(0)
    scores["dice"] += np.where(rough, 0.1, 0)
    said = worth_sentences(worth_of(scores, ARMS))
    assert said[0].startswith("It is not clear whether adapting helps: ADA then KD")
    assert "Not clear: ADA then KD." in said


def test_an_arm_that_can_only_harm_does_not_leave_the_answer_open(study: Study) -> None:
    scores = study(effects=EFFECTS | {"KD": 0.0}, pairs=PAIR, subjects=13, noise=0.002)
    table = worth_of(scores, ARMS)
    assert table is not None
    low = [replace(one, worth="not clear") if one.arm == "ADA" else one for one in table.without]
    said = worth_sentences(replace(table, without=low))
    assert said[0].startswith("Adapting does not help. At best ")
    assert "Not clear: ADA." in said


def test_subjects_that_come_off_worse_are_those_of_the_tests(study: Study) -> None:
    scores = study(effects=EFFECTS, pairs=PAIR, subjects=4, noise=0.0)
    last = scores["subject"].eq("003")
    scores["dice"] -= np.where(last & scores["arm"].eq("KD"), 0.5, 0)
    (kd,) = gains(scores[~(last & scores["seed"].eq(2))], ["KD"], "L-bound")
    assert (kd.worse, kd.contrast.n) == (0, 3)  # the tests have those who have every seed


def test_labels_are_not_taken_for_adaptation(study: Study) -> None:
    arms = ARMS | {
        "few": Arm(method="fine_tuning", role="other", label="2 labels", colour="#123456")
    }
    effects = dict.fromkeys(EFFECTS, 0.0) | {"few": 0.1}
    scores = study(effects=effects, pairs=PAIR, subjects=13, noise=0.005)
    found = worth_of(scores, arms)
    said = worth_sentences(found)
    assert said[0].startswith("Adapting does not help")
    assert said[-2].startswith(
        "Learning from a few labels of the target changes the mean Dice: 2 labels by +0."
    )
    assert worth_table(found).set_index("Arm")["Verdict"]["2 labels"] == "helps"


def test_where_there_is_no_test_no_size_is_promised(study: Study) -> None:
    scores = study(effects=EFFECTS, pairs=PAIR, subjects=1, noise=0.005)
    said = " ".join(worth_sentences(worth_of(scores, ARMS)))
    assert "nan" not in said
    assert "too few subjects, or no spread, for a test" in said


def test_two_scans_of_a_patient_count_as_one_subject(study: Study) -> None:
    scores = study(effects=EFFECTS, pairs=PAIR, subjects=6, noise=0.005)
    both = {("own", "000"): "P", ("own", "002"): "P"}
    assert worth_table(worth_of(scores, ARMS, both))["Subjects"].tolist() == [5, 5, 5]


def test_the_share_of_subjects_who_come_off_worse_is_counted(study: Study) -> None:
    scores = study(effects=EFFECTS, pairs=PAIR, subjects=4, noise=0.0)
    harmed = scores["arm"].eq("KD") & scores["subject"].eq("003")
    scores["dice"] -= np.where(harmed, 0.5, 0)
    (kd,) = gains(scores, ["KD"], "L-bound")
    assert kd.worse == 0.25


def test_the_arms_that_learn_from_masks_of_the_target_are_named() -> None:
    assert labelled_arms(load_study("real")) == ["U-bound", "1 label", "2 labels", "5 labels"]
    assert labelled_arms(load_study("standard")) == ["U-bound"]


def test_an_arm_that_was_not_run_is_left_out(study: Study) -> None:
    scores = study(effects={"L-bound": 0.0}, pairs=PAIR, subjects=4)
    assert worth_table(worth_of(scores, ARMS)).empty
    assert worth_sentences(worth_of(scores, ARMS)) == [
        "No arm can be compared with one that does not adapt."
    ]
