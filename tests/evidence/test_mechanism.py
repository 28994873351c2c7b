"""The hypothesis about the mechanism: its predictions on studies whose truth is known."""

from collections.abc import Callable

import pandas as pd
import pytest

from kdlib.evidence import mechanism as m
from kdlib.evidence.mechanism import PREDICTIONS, judge_mechanism
from kdlib.evidence.verdicts import NO_GAP
from kdlib.study.study import load_study

Study = Callable[..., pd.DataFrame]
PAIRS = (("utrecht", "singapore"), ("amsterdam", "singapore"))

# As the hypothesis has it: whoever meets the target's intensities in the batch norm gains 0.06.
TRUE = {
    "L-bound": 0.0,
    "U-bound": 0.15,
    m.ADABN: 0.06,
    m.ADA: 0.06,
    m.KD: 0.06,
    m.CONTINUED_ADABN: 0.06,
    m.ADA_0: 0.06,
    m.KD_NO_TARGET: 0.0,
    m.KD_FROM_ADABN: 0.06,
    m.KD_1: 0.06,
    m.KD_HARD: 0.06,
    m.LOWER_IN: 0.08,
    m.KD_IN: 0.08,
    m.ADA_IN: 0.08,
}
FALSE = TRUE | {
    m.CONTINUED_ADABN: 0.0,
    m.ADA_0: 0.0,
    m.KD_NO_TARGET: 0.06,
    m.KD_FROM_ADABN: 0.0,
    m.KD_1: 0.0,
    m.LOWER_IN: 0.0,
    m.KD_IN: 0.06,
    m.ADA_IN: 0.06,
}


def outcomes(study: Study, effects: dict[str, float], **others: float) -> dict[str, str]:
    scores = study(effects=effects, pairs=PAIRS, **others)
    return {one.prediction.number: one.verdict for one in judge_mechanism(scores)}


def test_predictions_are_numbered_and_say_everything() -> None:
    assert [one.number for one in PREDICTIONS] == [f"M{n}" for n in range(1, 8)]
    assert all((one.prediction, one.test, one.rule) for one in PREDICTIONS)


def test_the_arms_are_those_of_the_study() -> None:
    assert set(TRUE) <= set(load_study("mechanism").arms)


@pytest.mark.parametrize(("effects", "verdict"), [(TRUE, "holds"), (FALSE, "fails")])
def test_the_verdict_goes_either_way(study: Study, effects: dict[str, float], verdict: str) -> None:
    assert set(outcomes(study, effects).values()) == {verdict}


@pytest.mark.parametrize("arm", [m.ADA_0, m.KD_FROM_ADABN, m.CONTINUED_ADABN, m.KD_1])
@pytest.mark.parametrize("share", [0.35, 0.65])
def test_most_of_a_gain_is_more_than_half_of_it(study: Study, arm: str, share: float) -> None:
    number = {m.ADA_0: "M1", m.KD_FROM_ADABN: "M2", m.CONTINUED_ADABN: "M6", m.KD_1: "M7"}[arm]
    found = outcomes(study, TRUE | {arm: share * 0.06}, noise=0.004)
    assert found[number] == ("holds" if share > m.MOST else "fails")


def test_one_method_that_gains_by_other_means_is_enough_against_it(study: Study) -> None:
    assert outcomes(study, TRUE | {m.ADA_IN: 0.14})["M4"] == "fails"


def test_a_method_without_a_gain_is_left_out(study: Study) -> None:
    nothing = TRUE | {m.ADA: 0.0, m.ADA_0: 0.0, m.ADA_IN: 0.3}
    found = outcomes(study, nothing)
    assert (found["M1"], found["M4"], found["M6"]) == ("undecided", "holds", "undecided")


def test_noise_and_few_seeds_and_a_single_pair_leave_it_open(study: Study) -> None:
    assert set(outcomes(study, TRUE, seeds=2).values()) == {"undecided"}
    single = judge_mechanism(study(effects=TRUE, pairs=PAIRS[:1]))
    assert {one.verdict for one in single} == {"undecided"}
    assert {one.verdict for one in judge_mechanism(None)} == {"undecided"}
    assert "holds" not in outcomes(study, TRUE, noise=0.25).values()


def test_without_a_gap_nothing_is_said(study: Study) -> None:
    assert set(outcomes(study, TRUE | {"U-bound": 0.0}).values()) == {NO_GAP}


def test_instance_norm_that_changes_nothing_fails(study: Study) -> None:
    assert outcomes(study, TRUE | {m.LOWER_IN: 0.0}, noise=0.005)["M5"] == "fails"
