"""Whether findings carry over: on a simulated bench and real scans whose truth is known."""

from collections.abc import Callable

import pandas as pd
import pytest

from kdlib.evidence.carried import COMPARED, LABEL_FREE, Verdict, judge_carried
from kdlib.evidence.comparisons import by_patient
from kdlib.evidence.verdicts import NO_GAP
from kdlib.methods import method_named
from kdlib.study.study import load_study

Study = Callable[..., pd.DataFrame]
PAIR = (("utrecht+singapore+amsterdam", "real"),)
FOUND = {
    "L-bound": 0.0,
    "U-bound": 0.15,
    "AdaBN": 0.1,
    "KD": 0.05,
    "ADA": 0.0,
    "ADA then KD": 0.05,
    "ADA on the fly": -0.06,
    "KD on the fly": -0.06,
}
MIRRORED = FOUND | {arm: -FOUND[arm] for arm in LABEL_FREE}


def judged(study: Study, real: dict[str, float], noise: float = 0.005, **others: int) -> Verdict:
    standard = study(effects=FOUND, noise=0.005)
    return judge_carried(
        study(effects=real, pairs=PAIR, subjects=13, noise=noise, number=1, **others), standard
    )


def test_the_same_effects_carry_over(study: Study) -> None:
    found = judged(study, FOUND)
    assert (found.answer, found.order) == ("yes", "holds")
    assert {one.verdict for one in found.findings} == {"carries over"}
    assert len(found.findings) == len(COMPARED)


def test_mirrored_effects_do_not(study: Study) -> None:
    found = judged(study, MIRRORED)
    assert (found.answer, found.order) == ("no", "fails")
    named = {one.name: one.verdict for one in found.findings}
    assert named["AdaBN - L-bound"] == named["KD - AdaBN"] == "does not carry over"
    assert named["ADA - L-bound"] == "carries over"


def test_one_method_that_harms_after_all_makes_it_in_part(study: Study) -> None:
    found = judged(study, FOUND | {"ADA then KD": -0.05})
    named = {one.name: one.verdict for one in found.findings}
    assert named["ADA then KD - L-bound"] == "does not carry over"
    assert found.answer == "in part"


def test_a_gain_that_is_nothing_on_real_scans_does_not_carry_over(study: Study) -> None:
    found = judged(study, FOUND | dict.fromkeys(LABEL_FREE, 0.0))
    named = {one.name: one.verdict for one in found.findings}
    assert named["KD - L-bound"] == "does not carry over"
    assert (found.order, found.answer) == ("fails", "no")


def test_noise_and_few_seeds_leave_it_open(study: Study) -> None:
    noisy = judged(study, FOUND, noise=0.3)
    assert noisy.answer in ("undecided", NO_GAP)
    assert judged(study, FOUND, seeds=2).answer == "undecided"


def test_without_a_gap_on_real_scans_nothing_is_said(study: Study) -> None:
    assert judged(study, FOUND | {"U-bound": -0.01}).answer == NO_GAP


def test_what_the_simulation_leaves_open_is_no_finding(study: Study) -> None:
    unsure = study(effects=FOUND | {"KD": 0.02}, noise=0.05)
    real = study(effects=FOUND, pairs=PAIR, subjects=13, noise=0.005)
    named = {one.name: one for one in judge_carried(real, unsure).findings}
    assert named["KD - L-bound"].simulated == "open"
    assert named["KD - L-bound"].verdict == "no finding"


def test_arms_that_only_the_landscape_has_count_for_the_order(study: Study) -> None:
    few = {name: FOUND[name] for name in ("L-bound", "U-bound", "AdaBN", "KD", "ADA")}
    new = few | {"tent": 0.12}
    real, standard = study(effects=new, pairs=PAIR, subjects=13), study(effects=few)
    assert "it takes 4" in judge_carried(real, standard).why
    landscape = study(effects=new | {"fine-tuning on 5": 0.14}, seeds=2)
    assert judge_carried(real, standard, landscape=landscape).order == "holds"


def test_scans_of_a_patient_are_averaged(study: Study) -> None:
    scores = study(pairs=PAIR, subjects=4, noise=0.0)
    found = by_patient(scores, {("real", "000"): "P", ("real", "002"): "P", ("own", "001"): "P"})
    assert sorted(found["subject"].unique()) == ["001", "003", "P"]
    both = scores[scores["subject"].isin(["000", "002"])]
    assert found.query("subject == 'P'")["dice"].mean() == pytest.approx(both["dice"].mean())


def test_the_study_has_the_arms_that_are_judged_and_none_with_labels_among_them() -> None:
    arms = load_study("real").arms
    assert {arm for pair in COMPARED for arm in pair} <= set(arms)
    assert {arm for pair in COMPARED for arm in pair} <= set(load_study("standard").arms)
    assert not any(method_named(arms[a].method).reads_target_labels for a in LABEL_FREE)
