"""Probabilities against the truth, and the softening undone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt
from scipy.special import expit

from kdlib.errors import InputError
from kdlib.scores.calibration import (
    brier_score,
    calibration_scores,
    expected_calibration_error,
    lesion_band,
    reliability_curve,
    undo_softening,
)

rng = np.random.default_rng(0)
SHAPE = (30, 30, 20)
EVERYWHERE = np.ones(SHAPE, bool)
PROBABILITY = rng.random(SHAPE)
CALIBRATED = rng.random(SHAPE) < PROBABILITY


@given(st.floats(-15, 15), st.floats(1, 10))
def test_undoing_the_softening_gives_the_unsoftened_probability(z: float, t: float) -> None:
    assert undo_softening(expit(np.array([z / t])), t)[0] == pytest.approx(expit(z), abs=1e-6)


def test_undoing_the_softening_changes_no_decision() -> None:
    assert ((undo_softening(PROBABILITY, 3) >= 0.5) == (PROBABILITY >= 0.5)).all()
    assert undo_softening(np.array([0.0, 0.5, 1.0]), 4).tolist() == [0, 0.5, 1]


def test_a_softening_of_zero_is_refused() -> None:
    with pytest.raises(InputError, match="above 0"):
        undo_softening(PROBABILITY, 0)


def test_brier_score_agrees_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    expected = metrics.brier_score_loss(CALIBRATED.ravel(), PROBABILITY.ravel())
    assert brier_score(PROBABILITY, CALIBRATED, EVERYWHERE) == pytest.approx(expected)


def test_reliability_curve_agrees_with_scikit_learn() -> None:
    calibration = pytest.importorskip("sklearn.calibration")
    observed, predicted = calibration.calibration_curve(
        CALIBRATED.ravel(), PROBABILITY.ravel(), n_bins=15
    )
    curve = reliability_curve(PROBABILITY, CALIBRATED, EVERYWHERE)
    np.testing.assert_allclose(curve[["predicted", "observed"]].T, [predicted, observed])


def test_calibrated_probabilities_have_next_to_no_calibration_error() -> None:
    assert expected_calibration_error(PROBABILITY, CALIBRATED, EVERYWHERE) < 0.02
    assert brier_score(PROBABILITY, CALIBRATED, EVERYWHERE) == pytest.approx(1 / 6, abs=0.01)


def test_calibration_error_of_a_constant_is_its_distance_from_the_rate() -> None:
    constant = np.full(SHAPE, 0.9)
    error = expected_calibration_error(constant, CALIBRATED, EVERYWHERE)
    assert error == pytest.approx(0.9 - CALIBRATED.mean())


def test_softened_probabilities_are_calibrated_once_undone() -> None:
    z = 3 * rng.standard_normal(SHAPE)
    lesion = rng.random(SHAPE) < expit(z)
    scores = calibration_scores(expit(z / 2), lesion, EVERYWHERE, (1, 1, 3), softening=2)
    assert scores["ece_head_undone"] < 0.02 < scores["ece_head"]
    assert scores["brier_head_undone"] < scores["brier_head"]


def test_band_holds_what_lies_within_five_millimetres() -> None:
    truth = np.zeros((40, 40, 15), np.uint8)
    truth[3:6, 20, 7] = 1
    expected = distance_transform_edt(truth == 0, sampling=(1, 1, 3)) <= 5
    np.testing.assert_array_equal(lesion_band(truth, (1, 1, 3)), expected)


def test_without_a_lesion_the_band_is_empty_and_scores_are_nan() -> None:
    scores = calibration_scores(PROBABILITY, np.zeros(SHAPE), EVERYWHERE, (1, 1, 3))
    assert np.isnan([scores["brier_band"], scores["ece_band"]]).all()
    assert scores["brier_head"] == pytest.approx((PROBABILITY**2).mean())


def test_other_pathology_is_left_out() -> None:
    truth = CALIBRATED.astype(np.uint8)
    other = truth.copy()
    other[:, :, 10:] = 2
    head = np.zeros(SHAPE, bool)
    head[:, :, :10] = True
    scores = calibration_scores(PROBABILITY, other, EVERYWHERE, (1, 1, 3))
    assert scores["brier_head"] == pytest.approx(brier_score(PROBABILITY, CALIBRATED, head))


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(InputError, match="0 to 1"):
        brier_score(PROBABILITY * 2, CALIBRATED, EVERYWHERE)
    with pytest.raises(InputError, match="one shape"):
        brier_score(PROBABILITY, CALIBRATED[1:], EVERYWHERE)
