"""The challenge's five scores: parity with its evaluator, other libraries, and laws."""

import json
from dataclasses import asdict, astuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kdlib.errors import InputError
from kdlib.scores.metrics import boundary, components, dice, evaluate, masks

HERE = Path(__file__).parents[1]
CASES = json.loads((HERE / "evaluator_cases.json").read_text())
SPACING = (1.0, 1.0, 3.0)

small_masks = hnp.arrays(np.uint8, (6, 5, 4), elements=st.integers(0, 1))


def one_voxel(*index: int, shape: tuple[int, int, int] = (8, 8, 5)) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    mask[index] = 1
    return mask


@pytest.mark.parametrize("name", CASES)
def test_every_scored_case_gets_the_challenges_scores(name: str) -> None:
    expected = dict(CASES[name])
    with np.load(HERE / "evaluator_cases.npz", allow_pickle=False) as pairs:
        scores = evaluate(
            pairs[f"{name}/truth"], pairs[f"{name}/result"], tuple(expected.pop("spacing_mm"))
        )
    # null: the script divided by zero, which is NaN here.
    wanted = {key: np.nan if value is None else value for key, value in expected.items()}
    assert asdict(scores) == pytest.approx(wanted, rel=0, abs=1e-9, nan_ok=True)


@settings(max_examples=50, deadline=None)
@given(small_masks, small_masks)
def test_dice_agrees_with_simpleitk(truth: np.ndarray, result: np.ndarray) -> None:
    sitk = pytest.importorskip("SimpleITK")
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(sitk.GetImageFromArray(truth), sitk.GetImageFromArray(result))
    expected = overlap.GetDiceCoefficient() if truth.any() or result.any() else np.nan
    assert dice(*masks(truth, result)) == pytest.approx(expected, nan_ok=True)


@settings(max_examples=50, deadline=None)
@given(small_masks)
def test_boundary_agrees_with_simpleitk(mask: np.ndarray) -> None:
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.GetImageFromArray(mask.T)
    expected = sitk.GetArrayFromImage(image - sitk.BinaryErode(image, (1, 1, 0))).T
    np.testing.assert_array_equal(boundary(mask.astype(bool)), expected.astype(bool))


@settings(max_examples=50, deadline=None)
@given(small_masks)
def test_the_number_of_lesions_agrees_with_simpleitk(mask: np.ndarray) -> None:
    sitk = pytest.importorskip("SimpleITK")
    counter = sitk.ConnectedComponentImageFilter()
    counter.SetFullyConnected(True)
    counter.Execute(sitk.GetImageFromArray(mask))
    assert components(mask.astype(bool))[1] == counter.GetObjectCount()


@settings(max_examples=50, deadline=None)
@given(small_masks, small_masks)
def test_dice_h95_and_f1_are_symmetric(truth: np.ndarray, result: np.ndarray) -> None:
    forth, back = evaluate(truth, result, SPACING), evaluate(result, truth, SPACING)
    expected = (back.dice, back.hd95_mm, back.lesion_f1)
    assert (forth.dice, forth.hd95_mm, forth.lesion_f1) == pytest.approx(expected, nan_ok=True)


@settings(max_examples=50, deadline=None)
@given(small_masks, small_masks)
def test_empty_space_around_changes_nothing_but_open_borders(
    truth: np.ndarray, result: np.ndarray
) -> None:
    inner = np.pad(truth, 1), np.pad(result, 1)
    outer = np.pad(truth, 4), np.pad(result, 4)
    scores = astuple(evaluate(*outer, SPACING))
    assert scores == pytest.approx(astuple(evaluate(*inner, SPACING)), nan_ok=True)


def test_h95_scales_with_spacing() -> None:
    rng = np.random.default_rng(0)
    pair = rng.random((2, 12, 12, 5)) > 0.9
    once, twice = evaluate(*pair, (1, 1, 3)), evaluate(*pair, (2, 2, 6))
    assert twice.hd95_mm == pytest.approx(2 * once.hd95_mm)


def test_h95_of_two_voxels_is_their_distance() -> None:
    scores = evaluate(one_voxel(1, 1, 1), one_voxel(4, 5, 1), (1, 1, 3))
    assert scores.hd95_mm == pytest.approx(5)
    assert evaluate(one_voxel(1, 1, 1), one_voxel(1, 1, 3), SPACING).hd95_mm == pytest.approx(6)


def test_a_perfect_result_is_perfect() -> None:
    mask = np.random.default_rng(1).random((9, 9, 4)) > 0.8
    assert astuple(evaluate(mask, mask, SPACING)) == (1, 0, 0, 1, 1)


def test_one_voxel_detects_a_lesion_that_touches_by_a_corner() -> None:
    truth = one_voxel(2, 2, 2) | one_voxel(3, 3, 3)
    assert evaluate(truth, one_voxel(2, 2, 2), SPACING).lesion_recall == 1
    assert evaluate(truth | one_voxel(6, 6, 0), one_voxel(2, 2, 2), SPACING).lesion_recall == 0.5


def test_a_false_lesion_lowers_f1_but_not_recall() -> None:
    scores = evaluate(one_voxel(1, 1, 1), one_voxel(1, 1, 1) | one_voxel(6, 6, 3), SPACING)
    assert (scores.lesion_recall, scores.lesion_f1) == (1, pytest.approx(2 / 3))


def test_result_on_other_pathology_is_not_counted() -> None:
    truth = one_voxel(1, 1, 1) + 2 * one_voxel(6, 6, 3)
    result = one_voxel(1, 1, 1) | one_voxel(6, 6, 3)
    assert astuple(evaluate(truth, result, SPACING)) == (1, 0, 0, 1, 1)


def test_probabilities_count_from_one_half_and_masks_from_one() -> None:
    probability = 0.5 * one_voxel(1, 1, 1) + 0.49 * one_voxel(6, 6, 3)
    assert evaluate(one_voxel(1, 1, 1), probability, SPACING).dice == 1
    assert evaluate(one_voxel(1, 1, 1), one_voxel(1, 1, 1) * 7, SPACING).dice == 1


def test_values_that_are_no_probability_are_not_counted() -> None:
    truth = one_voxel(1, 1, 1)
    for value in (np.nan, np.inf, -1.0, 1001.0):
        assert evaluate(truth, np.where(truth, value, 0.0), SPACING).dice == 0


def test_a_mask_that_fills_its_slices_has_no_boundary() -> None:
    sheet = np.zeros((6, 6, 3), np.uint8)
    sheet[:, :, 1] = 1
    assert np.isnan(evaluate(sheet, sheet, SPACING).hd95_mm)
    assert evaluate(sheet, sheet, SPACING).lesion_f1 == 1


def test_a_mask_that_fills_the_image_counts_as_no_lesion() -> None:
    full = np.ones((4, 4, 2), np.uint8)
    assert evaluate(full, np.zeros_like(full), SPACING).lesion_recall == 1


def test_one_slice_is_a_scan() -> None:
    truth = one_voxel(2, 2, 0, shape=(5, 5, 1))
    assert astuple(evaluate(truth, truth, SPACING)) == (1, 0, 0, 1, 1)


@pytest.mark.parametrize(
    ("truth", "result", "spacing", "words"),
    [
        (np.ones((2, 2, 2)), np.ones((2, 2, 3)), SPACING, "one shape"),
        (np.ones((2, 2)), np.ones((2, 2)), SPACING, "one shape"),
        (np.ones((2, 2, 2)), np.ones((2, 2, 2), complex), SPACING, "complex"),
        (np.ones((2, 2, 2)), np.ones((2, 2, 2)), (1, 1, 0), "positive"),
        (np.ones((2, 2, 2)), np.ones((2, 2, 2)), (1, 1), "three"),
        (np.ones((2, 2, 2)), np.ones((2, 2, 2)), (1, 1, np.nan), "positive"),
    ],
)
def test_what_cannot_be_scored_is_refused(truth, result, spacing, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=words):
        evaluate(truth, result, spacing)
