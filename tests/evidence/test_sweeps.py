"""What sweeps say, on sweeps whose truth is known."""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdlib.data.clinics import open_clinics
from kdlib.evidence.claims import judge
from kdlib.evidence.evidence import Evidence
from kdlib.evidence.ledger import LEDGER
from kdlib.evidence.paper import PAIRS
from kdlib.evidence.sweeps import RANGES, spreads, swept
from kdlib.evidence.temperature import temperature_regret
from kdlib.methods.adversarial import AdversarialSettings
from kdlib.record.results import Results
from kdlib.study.plan import Planned, plan, study_scores
from kdlib.study.run import Run
from kdlib.study.study import load_study
from tests.known_effects import judgement
from tests.tiny import write_clinics

Study = Callable[..., pd.DataFrame]


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


def test_a_temperature_chosen_on_the_source_that_costs_nothing(study: Study) -> None:
    on_target = sweep("KD", "temperature", {1.0: 0.6, 2.0: 0.65, 5.0: 0.648})
    on_source = sweep("KD", "temperature", {1.0: 0.6, 2.0: 0.65, 5.0: 0.66}, "source")
    scores = pd.concat([study(), on_target, on_source], ignore_index=True)
    assert judgement(scores, "12").verdict == "reproduced"


def test_the_sweeps_may_stand_in_the_study_of_the_mechanism(study: Study) -> None:
    on = [
        sweep("KD", "temperature", {1.0: 0.6, 2.0: 0.65, 5.0: 0.648}, where)
        for where in ("target", "source")
    ]
    main = study()
    within = judge(pd.concat([main, *on], ignore_index=True))
    beside = judge(main, mechanism=pd.concat([main, *on], ignore_index=True))
    both = [next(r for r in rulings if r.claim.number == "12") for rulings in (within, beside)]
    assert both[0].verdict == "reproduced"
    assert both[0] == both[1]


def test_a_temperature_chosen_on_the_source_that_costs_much(study: Study) -> None:
    on_target = sweep("KD", "temperature", {1.0: 0.6, 2.0: 0.65, 5.0: 0.7})
    on_source = sweep("KD", "temperature", {1.0: 0.9, 2.0: 0.8, 5.0: 0.7}, "source")
    scores = pd.concat([study(), on_target, on_source], ignore_index=True)
    assert "(1, 1, 1)" in judgement(scores, "12").why
    assert judgement(scores, "12").verdict == "contradicted"


def test_a_sweep_on_the_target_alone_chooses_nothing(study: Study) -> None:
    scores = pd.concat([study(), sweep("KD", "temperature", {1.0: 0.6, 2.0: 0.6, 3.0: 0.6})])
    assert "scored on the source" in judgement(scores, "12").why


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
    assert judgement(pd.concat(parts, ignore_index=True), "13").verdict == verdict


def test_spread_is_the_sd_over_settings_without_the_seeds_share() -> None:
    dice = {1.0: 0.6, 2.0: 0.65, 5.0: 0.7}
    weights = dict(zip((0.01, 0.05, 0.3), dice.values(), strict=True))
    parts = [sweep("KD", "temperature", dice), sweep("ADA", "adversarial_weight", weights)]
    kd, more = spreads(pd.concat(parts))
    assert kd.value == pytest.approx(0.05, abs=0.002)
    assert more.value == pytest.approx(0, abs=0.004)
    flat = pd.concat([sweep("KD", "temperature", dict.fromkeys(dice, 0.6)), parts[1]])
    assert spreads(flat)[0].value < 0.001


def test_what_a_seed_moves_in_all_settings_changes_no_spread() -> None:
    dice = {1.0: 0.6, 2.0: 0.65, 5.0: 0.7}
    weights = dict(zip((0.01, 0.05, 0.3), dice.values(), strict=True))
    rows = pd.concat(
        [sweep("KD", "temperature", dice), sweep("ADA", "adversarial_weight", weights)]
    )
    moved = rows.assign(dice=rows["dice"] + 0.1 * rows["seed"])
    for one, other in zip(spreads(rows), spreads(moved), strict=True):
        assert one.value == pytest.approx(other.value, abs=1e-9)


def test_the_studies_together_decide_on_temperature_and_tuning(tmp_path: Path) -> None:
    standard, mechanism = (made_up_scores(n, tmp_path / n) for n in ("standard", "mechanism"))
    findings = {found.claim.number: found for found in judge(standard, mechanism=mechanism)}
    assert (findings["12"].verdict, findings["13"].verdict) == ("reproduced", "reproduced")


def made_up_scores(name: str, folder: Path) -> pd.DataFrame:
    """The scores of a study, without what it does on the fly, as they are read back."""
    study = load_study(name)
    arms = {name: arm for name, arm in study.arms.items() if not arm.on_the_fly}
    clinics = open_clinics(write_clinics(folder / "clinics"))
    items = plan(study.model_copy(update={"arms": arms}), clinics)
    runs = [(item, made_up(item, folder / str(place))) for place, item in enumerate(items)]
    study_scores(runs).to_csv(folder / "scores.csv", index=False)
    return Results(folder).all_scores


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


def test_both_temperatures_are_chosen_again_in_every_sample() -> None:
    flat = dict.fromkeys((1.0, 2.0, 5.0), 0.6)
    settled = {1.0: 0.5, 2.0: 0.7, 5.0: 0.5}
    unsure, sure = (
        temperature_regret(
            pd.concat(
                [sweep("KD", "temperature", settled, "source"), sweep("KD", "temperature", on)]
            )
        )
        for on in (flat, settled)
    )
    assert unsure.high - unsure.low > 0
    assert unsure.small
    assert np.isnan(sure.p)  # the same choice in every sample: no spread


def test_a_choice_without_any_spread_is_undecided(study: Study) -> None:
    dice = {1.0: 0.5, 2.0: 0.7, 5.0: 0.5}
    parts = [sweep("KD", "temperature", dice, on) for on in ("source", "target")]
    found = judgement(pd.concat([study(), *parts], ignore_index=True), "12")
    assert (found.verdict, found.why.split(":")[0]) == ("undecided", "no spread")


def test_the_loss_ends_at_the_margin(study: Study) -> None:
    on_source = sweep("KD", "temperature", {1.0: 0.9, 2.0: 0.8, 5.0: 0.7}, "source")
    for lost, verdict in ((0.012, "reproduced"), (0.028, "contradicted")):
        on_target = sweep("KD", "temperature", {1.0: 0.6, 2.0: 0.5, 5.0: 0.6 + lost})
        scores = pd.concat([study(), on_target, on_source], ignore_index=True)
        assert judgement(scores, "12").verdict == verdict


def test_a_setting_that_stands_in_two_sweeps_counts_once() -> None:
    kd = sweep("KD", "temperature", {1.0: 0.6, 2.0: 0.6, 5.0: 0.6})
    weight = sweep("ADA", "adversarial_weight", {0.01: 0.5, 0.05: 0.6, 0.3: 0.5})
    width = sweep("ADA", "discriminator_width", {4.0: 0.5, 8.0: 0.6, 16.0: 0.5})
    own = weight[weight["value"] == 0.05].assign(setting="discriminator_width", value=8.0)
    once = pd.concat([kd, weight, width[width["value"] != 8.0]])
    twice = pd.concat([once, own])
    assert spreads(twice) == spreads(once)
    other_training = pd.concat([once, width[width["value"] == 8.0]])
    assert spreads(other_training)[1].value > spreads(once)[1].value


def test_values_outside_the_ranges_are_not_judged() -> None:
    values = {0.0: 0.1, 0.01: 0.6, 0.05: 0.6, 0.3: 0.6, 5.0: 0.1}
    rows = swept(sweep("ADA", "adversarial_weight", values), "ADA", tuple(RANGES)[1:], "target")
    assert set(rows["value"]) == {0.01, 0.05, 0.3}


def test_sweeps_in_pairs_without_a_gap_are_left_out(study: Study) -> None:
    parts = [
        sweep("KD", "temperature", {1.0: 0.6, 2.0: 0.605, 5.0: 0.6}),
        sweep("ADA", "adversarial_weight", {0.01: 0.6, 0.05: 0.7, 0.3: 0.6}),
        sweep("ADA", "discriminator_width", {4.0: 0.6, 8.0: 0.7, 16.0: 0.6}),
    ]
    wild = parts[0]["source"].eq(PAIRS[0][0]) & parts[0]["target"].eq(PAIRS[0][1])
    parts[0].loc[wild, "dice"] *= parts[0].loc[wild, "value"]
    scores = pd.concat([study(), *parts], ignore_index=True)
    claim = next(claim for claim in LEDGER if claim.number == "13")
    assert claim.decide(Evidence(scores)).verdict == "contradicted"
    assert claim.decide(Evidence(scores, closed=PAIRS[:1])).verdict == "reproduced"
