"""The ledger: verdicts on studies whose truth is known."""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdlib.data.clinics import open_clinics
from kdlib.evidence.claims import judge
from kdlib.evidence.comparisons import differences, pooled
from kdlib.evidence.ledger import LEDGER
from kdlib.evidence.paper import PAIRS
from kdlib.evidence.sweeps import spreads
from kdlib.evidence.verdicts import Evidence, Judgement, contrast_of
from kdlib.methods.adversarial import AdversarialSettings
from kdlib.record.results import Results
from kdlib.study.plan import Planned, plan, study_scores
from kdlib.study.run import Run
from kdlib.study.study import load_study
from tests.known_effects import EFFECTS
from tests.tiny import write_clinics

Study = Callable[..., pd.DataFrame]
COMPARING = tuple(claim.number for claim in LEDGER if claim.printed)


def verdicts(scores: pd.DataFrame) -> dict[str, str]:
    return {finding.claim.number: finding.verdict for finding in judge(scores)}


def decided(scores: pd.DataFrame, number: str) -> Judgement:
    claim = next(claim for claim in LEDGER if claim.number == number)
    return claim.decide(Evidence(scores))


def sweep(arm: str, setting: str, dice: dict[float, float], on: str = "target") -> pd.DataFrame:
    """Rows of a sweep in three pairs with three seeds and ten subjects."""
    rng = np.random.default_rng(len(setting))
    rows = [
        {
            "arm": arm,
            "source": source,
            "target": target,
            "fold": 0,
            "seed": seed,
            "subject": subject,
        }
        | {"setting": setting, "value": value, "evaluated_on": on}
        | {"dice": mean + 0.03 * subject + 0.003 * rng.standard_normal()}
        for (source, target), (value, mean), seed, subject in product(
            PAIRS[:3], dice.items(), range(3), range(10)
        )
    ]
    return pd.DataFrame(rows)


def test_claims_are_numbered_once_and_say_everything() -> None:
    assert len({claim.number for claim in LEDGER}) == len(LEDGER) == 26
    assert all((claim.claim, claim.place, claim.test, claim.rule) for claim in LEDGER)


def test_one_pair_and_one_seed_decide_nothing(study: Study) -> None:
    scores = study(pairs=PAIRS[:1], seeds=1)
    found = verdicts(scores)
    assert {found[claim.number] for claim in LEDGER if claim.number[0] != "E"} == {"undecided"}
    assert "1 seed" in decided(scores, "1").why


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
    assert decided(scores, "1").verdict == "contradicted"


def test_an_effect_within_the_noise_is_undecided(study: Study) -> None:
    scores = study(effects=dict.fromkeys(EFFECTS, 0.0), noise=0.3)
    assert decided(scores, "1").verdict == "undecided"
    assert "not enough power" in decided(scores, "1").why


def test_an_effect_that_one_seed_makes_is_undecided(study: Study) -> None:
    scores = study(effects={"KD": 0.0, "L-bound": 0.0, "ADA": 0.0}, noise=0.005)
    lucky = scores["arm"].eq("KD") & scores["seed"].eq(0)
    scores.loc[lucky, "dice"] += 0.3
    scores.loc[scores["arm"].eq("KD") & ~lucky, "dice"] -= 0.02
    verdict, why = decided(scores, "1")
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
    assert decided(scores, "7").verdict == "contradicted"
    scores.loc[scores["arm"].eq("KD"), columns[0]] += 0.1
    assert decided(scores, "7").verdict == "reproduced"
    scores.loc[scores["arm"].eq("KD"), columns[2]] -= 0.1
    assert decided(scores, "7").verdict == "contradicted"


def test_without_the_columns_the_gain_is_not_located(study: Study) -> None:
    scores = study()
    assert "no column lesion_recall_10_100_matched" in decided(scores, "7").why
    assert "no column lesion_recall_deep_matched" in decided(scores, "8").why


def test_a_temperature_chosen_on_the_source_that_costs_nothing(study: Study) -> None:
    on_target = sweep("KD", "temperature", {1.0: 0.6, 2.0: 0.65, 5.0: 0.648})
    on_source = sweep("KD", "temperature", {1.0: 0.6, 2.0: 0.65, 5.0: 0.66}, "source")
    scores = pd.concat([study(), on_target, on_source], ignore_index=True)
    assert decided(scores, "12").verdict == "reproduced"


def test_a_temperature_chosen_on_the_source_that_costs_much(study: Study) -> None:
    on_target = sweep("KD", "temperature", {1.0: 0.6, 2.0: 0.65, 5.0: 0.7})
    on_source = sweep("KD", "temperature", {1.0: 0.9, 2.0: 0.8, 5.0: 0.7}, "source")
    scores = pd.concat([study(), on_target, on_source], ignore_index=True)
    assert "(1, 1, 1)" in decided(scores, "12").why
    assert decided(scores, "12").verdict == "contradicted"


def test_a_sweep_on_the_target_alone_chooses_nothing(study: Study) -> None:
    scores = pd.concat([study(), sweep("KD", "temperature", {1.0: 0.6, 2.0: 0.6, 3.0: 0.6})])
    assert "scored on the source" in decided(scores, "12").why


@pytest.mark.parametrize(
    ("kd", "ada", "verdict"),
    [
        (0.005, 0.1, "reproduced"),
        (0.1, 0.02, "contradicted"),
        (0.01, 0.01, "undecided"),
    ],
)
def test_tuning_is_judged_by_how_far_results_spread(
    study: Study, kd: float, ada: float, verdict: str
) -> None:
    parts = [
        study(),
        sweep("KD", "temperature", {1.0: 0.6, 2.0: 0.6 + kd, 5.0: 0.6}),
        sweep("ADA", "adversarial_weight", {0.01: 0.6, 0.05: 0.6 + ada, 0.3: 0.6}),
        sweep("ADA", "discriminator_width", {4.0: 0.6, 8.0: 0.6 + ada, 16.0: 0.6}),
    ]
    assert decided(pd.concat(parts, ignore_index=True), "13").verdict == verdict


def test_spread_is_the_sd_over_settings_without_the_seeds_share() -> None:
    dice = {1.0: 0.6, 2.0: 0.65, 5.0: 0.7}
    weights = dict(zip((0.01, 0.05, 0.3), dice.values(), strict=True))
    parts = [sweep("KD", "temperature", dice), sweep("ADA", "adversarial_weight", weights)]
    kd, more = spreads(pd.concat(parts))
    assert kd.value == pytest.approx(0.05, abs=0.002)
    assert more.value == pytest.approx(0, abs=0.004)
    flat = pd.concat([sweep("KD", "temperature", dict.fromkeys(dice, 0.6)), parts[1]])
    assert spreads(flat)[0].value < 0.001


def test_the_standard_study_decides_on_temperature_and_tuning(tmp_path: Path) -> None:
    standard = load_study("standard")
    arms = {name: arm for name, arm in standard.arms.items() if not arm.on_the_fly}
    items = plan(standard.model_copy(update={"arms": arms}), open_clinics(write_clinics(tmp_path)))
    runs = [(item, made_up(item, tmp_path / str(place))) for place, item in enumerate(items)]
    study_scores(runs).to_csv(tmp_path / "scores.csv", index=False)
    findings = {found.claim.number: found for found in judge(Results(tmp_path).all_scores)}
    assert (findings["12"].verdict, findings["13"].verdict) == ("reproduced", "reproduced")


def made_up(item: Planned, folder: Path) -> Run:
    """A run of which only its adversary's settings and target labels decide Dice."""
    scenario = item.scenario
    folder.mkdir()
    rng = np.random.default_rng(int(folder.name))
    dice = 0.5 + 0.05 * np.arange(8) + 0.1 * (item.arm == "U-bound")
    if item.setting in ("adversarial_weight", "discriminator_width"):
        own = AdversarialSettings().model_dump()[item.setting]
        dice -= 0.1 * (item.value != own)
    table = pd.DataFrame({"clinic": scenario.target, "subject": range(8), "dice": dice})
    for name in ("scores", "source_scores"):
        noisy = table.assign(dice=dice + 0.004 * rng.standard_normal(8))
        noisy.to_csv(folder / f"{name}.csv", index=False)
    Run.finish(folder, {})
    return Run(folder)


def test_the_errata_contradict_what_is_printed(study: Study) -> None:
    found = {finding.claim.number: finding for finding in judge(study().iloc[:0])}
    assert {found[number].verdict for number in ("E1", "E2", "E3")} == {"contradicted"}
    assert "Utrecht to Singapore: KD on the fly" in found["E2"].why
