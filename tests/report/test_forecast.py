"""The forecast's tests are told as they were measured."""

import pytest

from kdlib.own_scans import forecast
from kdlib.own_scans.forecast import fingerprint, forecast_tests
from kdlib.report.forecast import expected_words, forecast_table, forecast_words
from kdlib.report.real_scans import NAMES
from kdlib.starter.starter import load_starter


def test_what_was_measured_stands_in_words_and_table() -> None:
    words, table = forecast_words(), forecast_table().to_string()
    for method, found in forecast_tests().items():
        assert f"With {NAMES[method]} the forecast and the true gain have" in words
        adapted = round(found["adapted"] * found["clinics"])
        assert f"{adapted or 'none'} of {found['clinics']}." in words
        assert f"{found['correlation']:.2f}".replace("-", "−") in table
    assert expected_words().endswith("with the reason.")


@pytest.mark.parametrize(("share", "often"), [(0.0, "none of 75"), (0.04, "rarely: 3 of 75")])
def test_how_often_the_rule_adapts_is_said(
    share: float, often: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = forecast._fitted()
    tests = {
        name: {**found, "adapted": share, "clinics": 75} for name, found in forecast_tests().items()
    }
    monkeypatch.setattr(forecast, "_fitted", lambda: {**kept, "tested_on_unseen_clinics": tests})
    assert forecast_words().count(f"the rule adapts {often}.") == len(tests)
    assert ("in none of 75" in expected_words()) == (share == 0)


def test_the_shipped_forecast_is_that_of_the_shipped_starter() -> None:
    assert forecast._fitted()["teacher"] == fingerprint(load_starter().network)


def test_without_a_fit_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "_fitted", lambda: {"teacher": None, "lines": []})
    assert "rule of thumb" in forecast_words()
    assert forecast_table().empty
