"""Laws of how the studies of adaptation are read."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from kdlib.evidence.adapting import (
    by_number,
    cost_of_shift,
    dial_gains,
    judged,
    labels_worth,
)

Study = Callable[..., pd.DataFrame]
EFFECTS = {"L-bound": 0.0, "ADA": 0.03, "KD": 0.06, "U-bound": 0.12}


def test_a_dial_has_the_difference_of_its_own_pair(study: Study) -> None:
    pairs = (("utrecht", "utrecht-again"), ("utrecht", "utrecht~noise2"))
    scores = study(EFFECTS, pairs=pairs)
    there = (scores["target"] == "utrecht~noise2") & (scores["arm"] == "KD")
    scores.loc[there, "dice"] -= 0.1
    found = dial_gains(scores, ["KD"], "L-bound").set_index("target")["difference"]
    assert found.to_dict() == pytest.approx(
        {"utrecht-again": 0.06, "utrecht~noise2": -0.04}, abs=0.01
    )


def test_a_dial_is_mended_where_the_gain_is_sure_and_above_that_of_level_0() -> None:
    gains = pd.DataFrame(
        [("zero", 0.02, 0.01, 0.03), ("more", 0.05, 0.03, 0.07), ("less", 0.015, 0.01, 0.02),
         ("unsure", 0.05, -0.01, 0.11), ("worse", -0.05, -0.07, -0.03)],
        columns=["target", "difference", "low", "high"],
    ).assign(arm="KD")  # fmt: skip
    assert judged(gains, "zero")["effect"].tolist() == ["", "mends", "", "", "harms"]
    assert judged(gains[1:], "zero")["effect"].tolist() == ["mends", "mends", "", "harms"]
    both = pd.concat([gains, gains.assign(arm="ADA", low=-1.0)])
    assert judged(both, "zero")["effect"].tolist()[5:] == ["", "", "", "", "harms"]


def test_a_smaller_load_alone_costs_nothing() -> None:
    """Dice rises with the logarithm of the load everywhere; only one target is worse than that."""
    rng = np.random.default_rng(0)
    loads, rows = {}, []
    for target, factor, cost in (("zero", 1, 0), ("small", 0.3, 0), ("worse", 0.3, 0.1)):
        for number in range(10):
            loads[target, str(number)] = load = factor * rng.uniform(2, 30)
            dice = 0.6 + 0.05 * np.log(load) - cost
            rows.append({"arm": "L-bound", "target": target, "subject": number, "dice": dice})
    found = cost_of_shift(pd.DataFrame(rows), loads, "L-bound", "zero")
    assert found.to_dict() == pytest.approx({"zero": 0, "small": 0, "worse": 0.1}, abs=1e-9)


def test_labels_are_counted_where_fine_tuning_first_reaches_the_dice() -> None:
    tuned = pd.Series({1.0: 0.60, 2.0: 0.65, 5.0: 0.70, 10.0: 0.72})
    assert [labels_worth(tuned, dice) for dice in (0.5, 0.6, 0.66, 0.72, 0.73)] == [
        0, 1, 5, 10, None,
    ]  # fmt: skip


def test_a_sweep_has_a_row_for_each_value_and_a_column_for_each_seed(study: Study) -> None:
    swept = [
        study({"KD": effect}, seeds=2).assign(setting="target_scans", value=value, evaluated_on=on)
        for value, effect in ((1, 0.0), (5, 0.1))
        for on in ("target", "source")
    ]
    table = by_number(pd.concat(swept), "KD", "target_scans")
    assert (list(table.index), list(table)) == ([1, 5], [0, 1])
    assert (table.loc[5] - table.loc[1]).tolist() == pytest.approx([0.1, 0.1], abs=0.01)
    assert by_number(study(), "KD", "target_scans").empty
