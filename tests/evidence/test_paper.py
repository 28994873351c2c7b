"""The paper's numbers, against what can be worked out from them."""

import pytest

from kdlib.evidence.paper import ERRATA, PAIRS, printed_difference, printed_results


def test_the_means_over_the_six_pairs() -> None:
    means = printed_results().query("table == 2").groupby("arm")["mean"].mean()
    expected = {"L-bound": 0.678, "ADA": 0.706, "KD": 0.714, "U-bound": 0.762}
    assert means.to_dict() == pytest.approx(expected, abs=5e-4)


def test_the_gaps_closed() -> None:
    table = (
        printed_results()
        .query("table == 2")
        .pivot(index=["source", "target"], columns="arm", values="mean")
    )
    gap = table["U-bound"] - table["L-bound"]
    closed = {
        arm: [round(100 * ((table[arm] - table["L-bound"]) / gap)[pair]) for pair in PAIRS]
        for arm in ("ADA", "KD")
    }
    assert closed == {"ADA": [46, -13, 45, -9, 45, 33], "KD": [17, 69, 62, 40, 59, 57]}


def test_the_means_on_the_fly() -> None:
    means = printed_results().query("table == 3").groupby("arm")["mean"].mean()
    expected = {"KD on the fly": 0.704, "ADA on the fly": 0.701}
    assert means.to_dict() == pytest.approx(expected, abs=5e-4)


def test_every_cell_stands_once() -> None:
    table = printed_results()
    assert len(table) == 6 * 4 + 6 * 2
    assert not table.duplicated(["source", "target", "arm"]).any()


def test_ten_means_are_bold() -> None:
    assert printed_results().groupby("table")["bold"].sum().to_dict() == {2: 5, 3: 5}


def test_a_printed_difference_averages_over_pairs() -> None:
    assert printed_difference("KD", "ADA") == pytest.approx(0.0079, abs=5e-5)
    assert printed_difference("ADA", "KD", PAIRS[:1]) == pytest.approx(0.7004 - 0.6456)


def test_errata_are_numbered_and_say_everything() -> None:
    assert [one.number for one in ERRATA] == [f"E{n}" for n in range(1, len(ERRATA) + 1)]
    assert all((one.place, one.printed, one.problem, one.reading) for one in ERRATA)
