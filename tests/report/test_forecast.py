"""The forecast's tests are told as they were measured."""

import pytest

from kdlib.own_scans import forecast
from kdlib.own_scans.forecast import fingerprint, forecast_tests
from kdlib.report.forecast import forecast_table, forecast_words
from kdlib.report.real_scans import NAMES
from kdlib.starter.starter import load_starter


def test_what_was_measured_stands_in_words_and_table() -> None:
    words, table = forecast_words(), forecast_table().to_string()
    for method, found in forecast_tests().items():
        assert f"With {NAMES[method]} the forecast and the true gain have" in words
        adapted = round(found["adapted"] * found["clinics"])
        assert f"the rule adapts rarely: {adapted} of {found['clinics']}." in words
        assert f"{found['correlation']:.2f}" in table


def test_the_shipped_forecast_is_that_of_the_shipped_starter() -> None:
    assert forecast._fitted()["teacher"] == fingerprint(load_starter().network)


def test_without_a_fit_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "_fitted", lambda: {"teacher": None, "lines": []})
    assert "rule of thumb" in forecast_words()
    assert forecast_table().empty
