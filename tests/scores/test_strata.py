"""Lesion recall and precision by volume and by region."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from kdlib.errors import InputError
from kdlib.scores.metrics import components, masks
from kdlib.scores.strata import (
    at_matched_volume,
    at_true_volume,
    by_lesion_volume,
    by_region,
    column_names,
    log_volume_ratio,
)

SPACING = (1.0, 1.0, 3.0)


def blocks(*sides: int, gap: int = 20) -> np.ndarray:
    """Cubes of the given sides in voxels, apart from each other, along the first axis."""
    mask = np.zeros((gap * len(sides), 16, 16), np.uint8)
    for number, side in enumerate(sides):
        mask[gap * number : gap * number + side, :side, :side] = 1
    return mask


def test_each_lesion_counts_in_the_class_of_its_volume() -> None:
    truth = blocks(1, 3, 6, 12)  # 3, 81, 648 and 5184 mm3
    result = truth.copy()
    result[:2] = 0
    recall = list(by_lesion_volume(truth, result, SPACING).values())[:4]
    assert recall == [0, 1, 1, 1]


def test_a_class_begins_at_its_lower_bound() -> None:
    truth = np.zeros((20, 20, 3), np.uint8)
    truth[:10, :10, 0] = 1  # 100 mm3
    scores = by_lesion_volume(truth, truth, (1, 1, 1))
    assert scores["lesion_recall_100_1000"] == 1
    assert np.isnan(scores["lesion_recall_10_100"])


def test_precision_sorts_the_found_lesions() -> None:
    scores = by_lesion_volume(blocks(3), blocks(3), SPACING)
    false_alarm = by_lesion_volume(
        np.pad(blocks(3), ((0, 20), (0, 0), (0, 0))), blocks(3, 1), SPACING
    )
    assert np.isnan(scores["lesion_precision_under_10"])
    assert false_alarm["lesion_precision_under_10"] == 0
    assert false_alarm["lesion_precision_10_100"] == 1


def test_recall_by_volume_and_its_lesions_make_up_the_whole_recall() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random((30, 30, 10)) < 0.05).astype(np.uint8)
    result = (rng.random(truth.shape) < 0.1).astype(np.uint8)
    numbered = components(masks(truth, result)[0])[0]
    volumes = np.bincount(numbered.ravel())[1:] * 3.0
    shares = [(volumes < 10).sum(), ((volumes >= 10) & (volumes < 100)).sum()]
    recall = list(by_lesion_volume(truth, result, SPACING).values())[:2]
    touched = len(np.unique(numbered[(numbered > 0) & (result > 0)]))
    assert np.dot(shares, recall) == pytest.approx(touched)


def test_a_lesion_within_ten_millimetres_is_periventricular() -> None:
    ventricle = np.zeros((60, 20, 4), bool)
    ventricle[:2] = True
    distance = distance_transform_edt(~ventricle, sampling=SPACING)
    truth = np.zeros(ventricle.shape, np.uint8)
    truth[8:20, 5, 2] = truth[30:32, 5, 2] = 1
    result = truth.copy()
    result[30:] = 0
    scores = by_region(truth, result, distance)
    assert (scores["lesion_recall_periventricular"], scores["lesion_recall_deep"]) == (1, 0)


def test_a_distance_map_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match="one shape"):
        by_region(blocks(1), blocks(1), np.zeros((2, 2, 2)))


def test_log_volume_ratio_turns_its_sign_when_truth_and_result_swap() -> None:
    assert log_volume_ratio(blocks(2), blocks(4)) == pytest.approx(np.log(8))
    assert log_volume_ratio(blocks(4), blocks(2)) == pytest.approx(-np.log(8))
    assert np.isnan(log_volume_ratio(blocks(2), 0 * blocks(2)))


def test_columns_name_rate_and_class() -> None:
    assert "lesion_recall_10_100" in column_names(["10_100"])
    assert list(by_lesion_volume(blocks(1), blocks(1), SPACING)) == column_names(
        ["under_10", "10_100", "100_1000", "above_1000"]
    )


def test_a_cautious_network_is_not_a_blind_one_at_the_true_volume() -> None:
    truth = blocks(3, 12)
    rng = np.random.default_rng(0)
    sure = np.where(truth, 0.9, 0.1) + 0.01 * rng.random(truth.shape)
    cautious = sure / 4
    assert by_lesion_volume(truth, cautious, SPACING)["lesion_recall_10_100"] == 0
    matched = at_matched_volume(truth, cautious, SPACING)
    assert matched == pytest.approx(at_matched_volume(truth, sure, SPACING), nan_ok=True)
    assert matched["lesion_recall_10_100_matched"] == 1
    assert matched["voxel_recall_above_1000_matched"] == 1


def test_as_many_voxels_are_found_as_the_truth_has_and_none_of_other_pathology() -> None:
    rng = np.random.default_rng(1)
    truth = (rng.random((20, 20, 8)) < 0.1).astype(np.uint8)
    truth[:3] = 2
    probability = rng.random(truth.shape)
    found = at_true_volume(truth, probability)
    assert found.sum() == (truth == 1).sum()
    assert not found[truth == 2].any()
    assert probability[found].min() > probability[~found & (truth != 2)].max()


def test_an_answer_of_nothing_finds_nothing_at_any_volume() -> None:
    truth = blocks(12)
    assert not at_true_volume(truth, np.zeros(truth.shape)).any()
    assert not at_true_volume(np.zeros_like(truth), np.ones(truth.shape)).any()
    matched = at_matched_volume(truth, np.zeros(truth.shape), SPACING)
    assert matched["voxel_recall_above_1000_matched"] == 0


def test_the_share_of_large_lesions_counts_their_voxels() -> None:
    truth = blocks(12)
    probability = 0.3 * truth + 0.1 * np.random.default_rng(2).random(truth.shape)
    probability[:6] += 0.4 * truth[:6]  # half of the lesion
    probability[16:] = 0.6  # voxels without a lesion, more than the other half
    matched = at_matched_volume(truth, probability, SPACING)
    assert matched["lesion_recall_above_1000_matched"] == 1
    assert matched["voxel_recall_above_1000_matched"] == pytest.approx(0.5)


def test_matched_scores_have_regions_where_the_ventricles_are_known() -> None:
    truth = blocks(3)
    distance = np.full(truth.shape, 20.0)
    matched = at_matched_volume(truth, truth.astype(float), SPACING, distance)
    assert matched["lesion_recall_deep_matched"] == 1
    assert np.isnan(matched["lesion_recall_periventricular_matched"])
