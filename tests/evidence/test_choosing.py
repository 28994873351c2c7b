"""Laws of what one study chooses for another."""

from collections.abc import Callable

import pandas as pd

from kdlib.evidence.choosing import MAY_COST, best, chosen_value, home_dice

Study = Callable[..., pd.DataFrame]


def home(**dice: float) -> "pd.Series[float]":
    return pd.Series({float(value[1:]): number for value, number in dice.items()})


def test_the_largest_value_is_taken_that_costs_little_at_home() -> None:
    assert chosen_value(home(_1=0.75, _10=0.75 - 0.9 * MAY_COST, _100=0.75 - 1.1 * MAY_COST)) == 10
    assert chosen_value(home(_1=0.70, _10=0.60, _100=0.71)) == 100


def test_zero_is_compared_with_and_not_taken() -> None:
    assert chosen_value(home(_0=0.75, _3=0.74, _30=0.70)) == 3
    assert chosen_value(home(_0=0.75, _3=0.60, _30=0.70)) == 3
    assert chosen_value(home(_3=0.60, _30=0.70)) == 30


def test_scores_of_the_target_do_not_count_at_home(study: Study) -> None:
    rows = [
        study({"tent": effect if on == "source" else -effect}, seeds=2).assign(
            setting="learning_rate", value=value, evaluated_on=on
        )
        for value, effect in ((1e-4, 0.1), (1e-3, 0.0))
        for on in ("source", "target")
    ]
    found = home_dice(pd.concat(rows), "tent", "learning_rate")
    assert list(found.index) == [1e-4, 1e-3]
    assert found[1e-4] > found[1e-3] + 0.05
    assert chosen_value(found) == 1e-4


def test_the_best_are_those_that_gain_most_of_the_candidates(study: Study) -> None:
    effects = {"L-bound": 0.0, "AdaBN": 0.1, "KD": 0.05, "ADA": -0.06, "labels": 0.2}
    scores = study(effects=effects, noise=0.001, seeds=2)
    assert best(scores, ["ADA", "KD", "AdaBN", "not run"], 2) == ["AdaBN", "KD"]
    assert best(scores, [], 2) == []
