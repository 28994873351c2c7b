"""Each rule on the page is the rule in the code: at its limits the verdict changes."""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from kdlib.evidence.contrast import margin_of
from kdlib.evidence.evidence import Evidence
from kdlib.evidence.ledger import LEDGER
from kdlib.evidence.paper import PAIRS, printed_difference
from kdlib.evidence.statistics import MARGIN

Study = Callable[..., pd.DataFrame]
CLAIMS = {claim.number: claim for claim in LEDGER}
SMALL, TINY = 0.002, 0.0005  # noise
U_TO_S, S_TO_U, OTHERS = PAIRS[:1], PAIRS[2:3], (PAIRS[1], *PAIRS[3:])

# What must be better for each claim, and of which pairs.
BETTER = {
    "1": ("KD", "L-bound", PAIRS),
    "2": ("KD", "ADA", PAIRS),
    "3": ("KD", "ADA", OTHERS),
    "4": ("ADA", "KD", U_TO_S),
    "6": ("U-bound", "KD", PAIRS),
    "10": ("KD on the fly", "ADA on the fly", PAIRS),
    "11": ("ADA on the fly", "KD on the fly", U_TO_S),
    "14": ("ADA then KD", "KD", U_TO_S),
    "15": ("U-bound", "L-bound", PAIRS),
    "16": ("ADA", "L-bound", PAIRS),
    "17": ("KD on the fly", "ADA on the fly", S_TO_U),
    "22": ("KD", "KD on the fly", PAIRS),
}


def decided(scores: pd.DataFrame, number: str) -> str:
    return CLAIMS[number].decide(Evidence(scores)).verdict


def studied(study: Study, arm: str, baseline: str, effect: float, noise: float) -> pd.DataFrame:
    """A study in which ``arm`` differs by ``effect`` from ``baseline`` and all else is lower."""
    arms = ("L-bound", "ADA", "KD", "U-bound", "KD on the fly", "ADA on the fly", "ADA then KD")
    effects = dict.fromkeys(arms, -0.2) | {baseline: 0.0, arm: effect}
    return study(effects=effects, noise=noise)


@pytest.mark.parametrize("number", BETTER)
def test_better_is_reproduced_and_worse_is_contradicted(study: Study, number: str) -> None:
    arm, baseline, _ = BETTER[number]
    found = [decided(studied(study, arm, baseline, x, TINY), number) for x in (0.01, -0.01)]
    assert found == ["reproduced", "contradicted"]


@pytest.mark.parametrize("number", BETTER)
def test_what_cannot_be_told_from_nothing_is_decided_by_the_margin(
    study: Study, number: str
) -> None:
    arm, baseline, pairs = BETTER[number]
    per_pair = number in ("3", "10", "15")
    margins = [
        margin_of(printed_difference(arm, baseline, of))
        for of in ([(pair,) for pair in pairs] if per_pair else [pairs])
    ]
    near = decided(studied(study, arm, baseline, 0.0, min(margins) / 5), number)
    far = decided(studied(study, arm, baseline, 0.0, 50 * max(margins)), number)
    assert (near, far) == ("contradicted", "undecided")


@pytest.mark.parametrize(
    ("number", "arms"),
    [("5", ("KD", "ADA")), ("9", ("KD on the fly", "KD")), ("9", ("ADA on the fly", "ADA"))],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_same_ends_at_the_margin(
    study: Study, number: str, arms: tuple[str, str], sign: int
) -> None:
    flat = dict.fromkeys(("L-bound", "KD", "ADA", "KD on the fly", "ADA on the fly"), 0.0)
    inside, outside = (
        decided(study(effects=flat | {arms[0]: sign * factor * MARGIN}, noise=SMALL), number)
        for factor in (0.75, 1.25)
    )
    assert (inside, outside) == ("reproduced", "contradicted")


@pytest.mark.parametrize(
    ("number", "inside", "outside"),
    [("7", "10_100", "above_1000"), ("8", "deep", "periventricular")],
)
def test_a_located_gain_needs_more_recall_there_than_elsewhere(
    study: Study, number: str, inside: str, outside: str
) -> None:
    scores, rng = study(), np.random.default_rng(0)
    names = (f"recall_{inside}", f"recall_{outside}", f"precision_{inside}")
    here, elsewhere, precision = (f"lesion_{name}_matched" for name in names)
    for column in (here, elsewhere, precision):
        scores[column] = 0.6 + 0.004 * rng.standard_normal(len(scores))
    kd = scores["arm"].eq("KD")

    def with_gains(**gains: float) -> str:
        moved = {name: scores[name] + gain * kd for name, gain in gains.items()}
        return decided(scores.assign(**moved), number)

    assert with_gains(**{here: 0.05}) == "reproduced"
    assert with_gains(**{here: 0.05, elsewhere: 0.05}) == "contradicted"
    assert with_gains(**{here: -0.05}) == "contradicted"
    assert with_gains(**{here: 0.05, precision: -0.02}) == "contradicted"
    for column in (here, elsewhere):
        scores[column] += rng.standard_normal(len(scores))
    assert with_gains() == "undecided"
    assert with_gains(**{precision: -0.02}) == "contradicted"


@pytest.mark.parametrize(("factor", "verdict"), [(0.75, "reproduced"), (1.25, "contradicted")])
def test_the_same_on_large_lesions_ends_at_the_margin(
    study: Study, factor: float, verdict: str
) -> None:
    scores = study()
    column = 0.8 + factor * MARGIN * scores["arm"].eq("KD")
    noise = SMALL * np.random.default_rng(0).standard_normal(len(scores))
    assert decided(scores.assign(voxel_recall_above_1000_matched=column + noise), "18") == verdict


@pytest.mark.parametrize(("soft", "verdict"), [(0.01, "reproduced"), (-0.01, "contradicted")])
def test_soft_against_hard_labels(study: Study, soft: float, verdict: str) -> None:
    effects = {"L-bound": 0.0, "U-bound": 0.1, "KD": soft, "KD on hard labels": 0.0}
    inner = Evidence(study(effects=effects, pairs=PAIRS[:2], noise=SMALL))
    assert CLAIMS["19"].decide(Evidence(study(), mechanism=inner)).verdict == verdict
    assert "not run" in CLAIMS["19"].decide(Evidence(study())).why


def test_most_of_the_pairs_are_more_than_half(study: Study) -> None:
    for better, verdict in ((4, "reproduced"), (3, "contradicted")):
        scores = study(noise=TINY)
        here = [p in PAIRS[better:] for p in zip(scores["source"], scores["target"], strict=True)]
        moved = scores["arm"].eq("KD on the fly") & pd.Series(here, index=scores.index)
        assert decided(scores.assign(dice=scores["dice"] - 0.1 * moved), "10") == verdict


def test_the_rules_print_the_margin_that_the_tests_use() -> None:
    for claim in LEDGER:
        for number in re.findall(r"\b0\.\d+", claim.rule):
            assert float(number) == MARGIN


def test_nobody_can_say_why_kd_fails_from_utrecht_to_singapore(study: Study) -> None:
    verdict, why = CLAIMS["23"].decide(Evidence(study()))
    assert (verdict, why.split(":")[0]) == ("undecided", "not run")
