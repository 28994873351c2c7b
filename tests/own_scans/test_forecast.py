"""Laws of the forecast of what adapting gains, and of the verdict that follows from it."""

import numpy as np
import pytest
import torch

from kdlib.augmentation import draw
from kdlib.networks import UNet, new_unet
from kdlib.own_scans import forecast
from kdlib.own_scans.forecast import (
    fingerprint,
    forecast_of,
    forecast_tests,
    how_often_right,
    measures,
    verdict_on,
)
from kdlib.study.scenario import Scenario
from tests.methods.made import RECIPE, slices

TARGET = slices(6, 1).slices
TEACHER = new_unet(RECIPE, seed=9).eval()
SCENARIO = Scenario(method="adabn", source="a", target="b", **RECIPE.model_dump())


def student(share: float) -> UNet:
    """The teacher whose statistics lie a ``share`` of the way at those of other slices."""
    made = new_unet(RECIPE, seed=9).eval()
    for name, buffer in made.named_buffers():
        if name.endswith("running_mean"):
            buffer += share
    return made


def calling_all_lesion() -> UNet:
    made = student(0)
    made.head.bias.data[1] += 20
    return made


def fitted(low: float, **changes: object) -> dict:
    line = {"method": "adabn", "settings": {}, "weights": {"change": 2.0}, "intercept": 0.1}
    line |= {"low": low, "high": 1.0} | changes
    return {"teacher": fingerprint(TEACHER), "share": 0.8, "lines": [line]}


def test_a_forecast_is_the_fitted_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "_fitted", lambda: fitted(-0.5))
    found = measures(TEACHER, student(0.3), TARGET)
    made = forecast_of(found, SCENARIO, fingerprint(TEACHER))
    assert made is not None
    assert made.gain == pytest.approx(0.1 + 2 * found["change"])
    assert (made.low - made.gain, made.high - made.gain) == pytest.approx((-0.5, 1.0))


@pytest.mark.parametrize("changes", [{"method": "tent"}, {"settings": {"share": 0.5}}])
def test_a_line_of_another_method_or_teacher_is_not_used(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]
) -> None:
    found = measures(TEACHER, student(0.3), TARGET)
    monkeypatch.setattr(forecast, "_fitted", lambda: fitted(-0.5))
    assert forecast_of(found, SCENARIO, fingerprint(student(0.1))) is None
    monkeypatch.setattr(forecast, "_fitted", lambda: fitted(-0.5, **changes))
    assert forecast_of(found, SCENARIO, fingerprint(TEACHER)) is None


@pytest.mark.parametrize(("low", "adapted"), [(-0.2, False), (0.1, True)])
def test_a_student_is_used_if_the_whole_interval_is_a_gain(
    monkeypatch: pytest.MonkeyPatch, low: float, adapted: bool
) -> None:
    monkeypatch.setattr(forecast, "_fitted", lambda: fitted(low, weights={}))
    verdict = verdict_on(TEACHER, student(0.3), TARGET, SCENARIO)
    assert verdict.adapted == adapted
    assert ("no clear gain is expected" in verdict.said) != adapted
    assert "80% interval" in verdict.said
    assert how_often_right("adabn") in verdict.said
    asked = verdict_on(TEACHER, student(0.3), TARGET, SCENARIO, always=True)
    assert (asked.adapted, "as --always asks" in asked.said) == (True, not adapted)


def test_how_often_a_forecast_was_right_is_told_as_it_was_tested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for method, found in forecast_tests().items():
        assert f"in {found['sign_right']:.0%}" in how_often_right(method)
    for right, coin in ((0.41, True), (0.5, True), (0.55, True), (0.7, False)):
        tests = {"adabn": {"clinics": 75, "sign_right": right}}
        monkeypatch.setattr(forecast, "forecast_tests", lambda tests=tests: tests)
        assert "In tests on 75 simulated clinics" in how_often_right("adabn")
        assert ("a coin might do as well" in how_often_right("adabn")) == coin
        assert how_often_right("tent") == ""


@pytest.mark.parametrize("at_once", [1, 4])
def test_measures_of_many_slices_are_taken_part_by_part(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    whole = measures(TEACHER, student(0.3), TARGET)
    seen, answer_all = [], forecast.answer_all

    def watched(network: UNet, images: torch.Tensor, precision: str) -> torch.Tensor:
        seen.append(len(images))
        return answer_all(network, images, precision)

    monkeypatch.setattr(forecast, "AT_ONCE", at_once)
    monkeypatch.setattr(forecast, "answer_all", watched)
    assert measures(TEACHER, student(0.3), TARGET) == pytest.approx(whole, rel=1e-4, abs=1e-6)
    assert max(seen) == at_once


def test_without_a_forecast_the_verdict_says_so_and_refuses_what_is_far_from_the_teacher(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forecast, "_fitted", lambda: {"teacher": None, "lines": []})
    students = student(0), calling_all_lesion()
    near, far = (verdict_on(TEACHER, made, TARGET, SCENARIO) for made in students)
    assert (near.adapted, far.adapted) == (True, False)
    assert "No forecast yet" in near.said
    assert "no forecast yet" in far.said
    assert near.forecast is far.forecast is None


def test_a_mirrored_head_has_left_and_right_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, answer_all = [], forecast.answer_all

    def watched(network: UNet, images: torch.Tensor, precision: str) -> torch.Tensor:
        seen.append(images)
        return answer_all(network, images, precision)

    monkeypatch.setattr(forecast, "answer_all", watched)
    measures(TEACHER, student(0.3), TARGET)
    turned = draw(("flip",), len(seen[0]), RECIPE.size, np.random.default_rng(0)).images(seen[0])
    moved = (turned - seen[0]).abs().amax((1, 2, 3)) > 0.1
    assert moved.any()
    torch.testing.assert_close(seen[2][moved], turned[moved], rtol=0, atol=1e-3)


def test_norms_tell_how_far_the_statistics_moved() -> None:
    moves = [measures(TEACHER, student(share), TARGET)["norms"] for share in (0, 0.5, 1)]
    assert moves == pytest.approx([0, 0.5, 1], rel=1e-3)  # a new network's have a deviation of 1


def test_statistics_of_one_scan_with_many_lesions_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forecast, "_fitted", lambda: {"teacher": None, "lines": []})
    many = calling_all_lesion()
    one, two = (verdict_on(many, many, TARGET, SCENARIO, scans=n) for n in (1, 2))
    assert (one.adapted, two.adapted) == (False, True)
    assert "one scan with many lesions misleads it" in one.said
