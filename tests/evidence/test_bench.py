"""The gate: no verdict where the bench could not have shown a gain."""

from collections.abc import Callable

import pandas as pd
import pytest

from kdlib.evidence import bench
from kdlib.evidence.bench import BENT, CURE, NEVER_BETTER, UNCHANGED, Gate, bench_of
from kdlib.evidence.claims import judge
from kdlib.evidence.paper import PAIRS
from kdlib.evidence.verdicts import NO_GAP
from kdlib.study.study import load_study
from tests.known_effects import EFFECTS

Study = Callable[..., pd.DataFrame]


def controls(
    study: Study, made: float = 0.06, nothing: float = 0.0, seeds: int = 3
) -> pd.DataFrame:
    """A study of controls: what histogram matching mends, and what every arm gains elsewhere."""
    arms = dict.fromkeys(("L-bound", "U-bound", *NEVER_BETTER), 0.0)
    bent = study(effects=arms | {CURE: made}, pairs=BENT, seeds=seeds)
    same = study(effects=arms | {"KD": nothing}, pairs=UNCHANGED, seeds=seeds)
    return pd.concat([bent, same], ignore_index=True)


def verdicts(scores: pd.DataFrame, **others: pd.DataFrame) -> dict[str, str]:
    return {ruling.claim.number: ruling.verdict for ruling in judge(scores, **others)}


def closing(scores: pd.DataFrame, pairs: tuple[tuple[str, str], ...]) -> pd.DataFrame:
    """The same scores, U-bound brought down to L-bound in some pairs."""
    here = [pair in pairs for pair in zip(scores["source"], scores["target"], strict=True)]
    upper = scores["arm"].eq("U-bound") & pd.Series(here, index=scores.index)
    return scores.assign(dice=scores["dice"] - 0.12 * upper)


def test_a_good_bench_calls_the_made_gain_and_no_other(study: Study) -> None:
    found = bench_of(controls(study))
    assert (found.tested, found.open) == (True, True)


@pytest.mark.parametrize(
    ("made", "nothing", "why"), [(0.0, 0.0, "not found"), (0.06, 0.06, "there is none")]
)
def test_a_bench_that_misses_or_invents_a_gain_judges_nothing(
    study: Study, made: float, nothing: float, why: str
) -> None:
    scores = controls(study, made, nothing)
    assert why in bench_of(scores).why
    found = verdicts(study(), controls=scores)
    assert {found[number] for number in ("1", "2", "10", "16")} == {NO_GAP}
    assert NO_GAP not in {found[number] for number in ("15", "20", "23", "E1")}


def test_a_bench_that_was_not_tested_stays_open_and_says_so(study: Study) -> None:
    for given in (None, controls(study, seeds=2), controls(study).iloc[:0]):
        found = bench_of(given)
        assert (found.tested, found.open) == (False, True)
        assert "run" in found.why
    assert verdicts(study())["1"] == "reproduced"


def test_pairs_without_a_gap_are_left_out(study: Study) -> None:
    scores = closing(study(), PAIRS[:2])
    wrong = scores["source"].eq("utrecht") & scores["arm"].eq("KD")
    scores.loc[wrong, "dice"] -= 0.5
    found = {ruling.claim.number: ruling for ruling in judge(scores)}
    assert found["1"].verdict == "reproduced"
    left_out = "without Utrecht to Singapore, Utrecht to Amsterdam, where no gap is shown"
    assert found["1"].why.endswith(left_out)
    assert found["4"].verdict == NO_GAP
    assert "U-bound - L-bound (Utrecht to Singapore)" in found["4"].why
    assert found["15"].verdict == "contradicted"


@pytest.mark.parametrize(("shut", "verdict"), [(3, "reproduced"), (4, NO_GAP)])
def test_half_of_the_pairs_must_be_left(study: Study, shut: int, verdict: str) -> None:
    assert verdicts(closing(study(), PAIRS[:shut]))["1"] == verdict


def test_without_bounds_or_seeds_the_gate_cannot_be_passed(study: Study) -> None:
    without = {arm: effect for arm, effect in EFFECTS.items() if arm != "U-bound"}
    for scores in (study(effects=without), study(seeds=2)):
        assert set(verdicts(scores).values()) <= {"undecided", "contradicted"}


def test_a_gap_is_called_by_the_pairs_own_test(study: Study) -> None:
    for noise, closed in ((0.015, 0), (3.0, 6)):
        assert len(Gate(study(noise=noise), bench_of(None)).closed) == closed


def test_the_rules_name_what_the_gate_looks_at() -> None:
    text = " ".join(bench.GATE_RULES)
    for name in (CURE, *NEVER_BETTER, UNCHANGED[0][1], *(target for _, target in BENT), NO_GAP):
        assert name in text


def test_the_study_of_controls_has_what_the_gate_looks_at() -> None:
    controls, standard = load_study("controls"), load_study("standard")
    assert {bench.LOWER, bench.UPPER, *NEVER_BETTER} <= set(controls.arms)
    assert set(controls.pairs) == {*BENT, *UNCHANGED}
    assert controls.recipe == standard.recipe == load_study("mechanism").recipe


def test_a_claim_that_was_not_run_counts_as_such_beside_a_closed_pair(study: Study) -> None:
    scores = closing(study(), PAIRS[:1])
    fewer = scores[~scores["arm"].str.contains("on the fly")]
    assert {r.claim.number for r in judge(scores) if not r.run} < {
        r.claim.number for r in judge(fewer) if not r.run
    }
    (ruling,) = (r for r in judge(fewer) if r.claim.number == "9")
    assert not ruling.run
    assert "where no gap is shown" in ruling.why
