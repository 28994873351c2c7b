"""The ledger: verdicts on studies whose truth is known."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from kdlib.evidence.claims import judge
from kdlib.evidence.comparisons import differences, pooled
from kdlib.evidence.contrast import contrast_of
from kdlib.evidence.ledger import LEDGER
from kdlib.evidence.paper import PAIRS
from tests.known_effects import EFFECTS, judgement

Study = Callable[..., pd.DataFrame]
COMPARING = tuple(claim.number for claim in LEDGER if claim.printed)


def verdicts(scores: pd.DataFrame) -> dict[str, str]:
    return {finding.claim.number: finding.verdict for finding in judge(scores)}


def test_claims_are_numbered_once_and_say_everything() -> None:
    assert len({claim.number for claim in LEDGER}) == len(LEDGER) == 26
    assert all((claim.claim, claim.place, claim.test, claim.rule) for claim in LEDGER)


def test_one_pair_and_one_seed_decide_nothing(study: Study) -> None:
    scores = study(pairs=PAIRS[:1], seeds=1)
    found = verdicts(scores)
    assert {found[claim.number] for claim in LEDGER if claim.number[0] != "E"} == {"undecided"}
    assert "1 seed" in judgement(scores, "1").why


def test_an_empty_study_decides_nothing(study: Study) -> None:
    found = judge(study().iloc[:0])
    assert all(f.verdict == "undecided" for f in found if f.claim.number[0] != "E")


def test_effects_as_the_paper_claims_are_reproduced(study: Study) -> None:
    scores = study(noise=0.004)  # three seeds tell single pairs apart only where little else moves
    scores.loc[scores["arm"].str.startswith("ADA") & scores["source"].eq("utrecht"), "dice"] += (
        0.08 * scores["target"].eq("singapore")
    )
    back = scores["source"].eq("singapore") & scores["target"].eq("utrecht")
    scores.loc[back & scores["arm"].eq("ADA"), "dice"] += 0.03
    scores.loc[scores["arm"].eq("KD"), "dice"] += 0.006  # more than on the fly, but not by much
    found = verdicts(scores)
    assert {number: found[number] for number in COMPARING} == dict.fromkeys(COMPARING, "reproduced")


def test_effects_against_the_paper_are_contradicted(study: Study) -> None:
    opposite = {arm: -effect for arm, effect in EFFECTS.items()}
    opposite |= {"ADA on the fly": 0.07, "KD on the fly": -0.04, "U-bound": 0.12, "ADA": -0.03}
    found = verdicts(study(effects=opposite))
    against = ("1", "2", "3", "9", "10", "14", "16", "17", "22")
    assert {number: found[number] for number in against} == dict.fromkeys(against, "contradicted")


def test_an_effect_of_nothing_seen_closely_is_contradicted(study: Study) -> None:
    scores = study(effects=dict.fromkeys(EFFECTS, 0.0), noise=0.002)
    assert judgement(scores, "1").verdict == "contradicted"


def test_an_effect_within_the_noise_is_undecided(study: Study) -> None:
    scores = study(effects=dict.fromkeys(EFFECTS, 0.0), noise=0.3)
    assert judgement(scores, "1").verdict == "undecided"
    assert "not enough power" in judgement(scores, "1").why


def test_an_effect_that_one_seed_makes_is_undecided(study: Study) -> None:
    scores = study(effects={"KD": 0.0, "L-bound": 0.0, "ADA": 0.0}, noise=0.005)
    lucky = scores["arm"].eq("KD") & scores["seed"].eq(0)
    scores.loc[lucky, "dice"] += 0.3
    scores.loc[scores["arm"].eq("KD") & ~lucky, "dice"] -= 0.02
    verdict, why = judgement(scores, "1")
    assert verdict == "undecided"
    assert why.startswith("not enough power")
    assert "by seed +0.3" in why


@pytest.mark.parametrize("luck", [0.0, 0.02])
def test_two_equal_methods_are_seldom_told_apart_however_training_turned_out(luck: float) -> None:
    rng = np.random.default_rng(0)
    clinics = [["a", "b", "c"], [0], range(7)]
    rows = pd.MultiIndex.from_product(clinics, names=["target", "fold", "subject"])
    wrong = []
    for _ in range(150):
        values = luck * rng.standard_normal((1, 3)) + 0.05 * rng.standard_normal((21, 3))
        one = contrast_of("null", pd.DataFrame(values, rows))
        wrong.append((one.better, one.worse))
    assert (np.mean(wrong, axis=0) < 0.08).all()


def test_without_spread_nothing_is_decided() -> None:
    rows = pd.MultiIndex.from_product([["a"], [0], range(9)], names=["target", "fold", "subject"])
    for difference in (0.0, 0.1):
        one = contrast_of("flat", pd.DataFrame(difference, rows, range(3)))
        assert not any((one.better, one.worse, one.same, one.apart, one.small))
        assert "no spread" in str(one)
        assert "nan" not in str(one)


def test_two_seeds_decide_nothing(study: Study) -> None:
    three = contrast_of("three", pooled(differences(study(), "KD", "L-bound")))
    two = contrast_of("two", pooled(differences(study(seeds=2), "KD", "L-bound")))
    assert three.better
    assert two.p < 0.05
    assert not two.better


def test_a_gain_in_small_lesions_is_found_and_must_not_cost_precision(study: Study) -> None:
    scores = study()
    rng = np.random.default_rng(0)
    columns = [
        f"lesion_{name}_matched"
        for name in ("recall_10_100", "recall_above_1000", "precision_10_100")
    ]
    for column in columns:
        scores[column] = 0.6 + 0.02 * rng.standard_normal(len(scores))
    assert judgement(scores, "7").verdict == "contradicted"
    scores.loc[scores["arm"].eq("KD"), columns[0]] += 0.1
    assert judgement(scores, "7").verdict == "reproduced"
    scores.loc[scores["arm"].eq("KD"), columns[2]] -= 0.1
    assert judgement(scores, "7").verdict == "contradicted"


def test_without_the_columns_the_gain_is_not_located(study: Study) -> None:
    scores = study()
    assert "no column lesion_recall_10_100_matched" in judgement(scores, "7").why
    assert "no column lesion_recall_deep_matched" in judgement(scores, "8").why


def test_the_errata_contradict_what_is_printed(study: Study) -> None:
    found = {finding.claim.number: finding for finding in judge(study().iloc[:0])}
    assert {found[number].verdict for number in ("E1", "E2", "E3")} == {"contradicted"}
    assert "Utrecht to Singapore: KD on the fly" in found["E2"].why
