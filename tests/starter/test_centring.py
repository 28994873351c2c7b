"""Laws of how a lesion network's threshold becomes 0.5."""

import numpy as np
import pytest
import torch

from kdlib.networks import answer_all, new_unet
from kdlib.starter.centring import THRESHOLDS, good_threshold, moved
from kdlib.starter.lesion_training import recipe


def curve(best: float, width: float) -> np.ndarray:
    """The Dice by threshold of somebody with a best one."""
    return 0.6 - width * np.abs(THRESHOLDS - best)


def test_a_flat_curve_keeps_half_and_a_steep_one_moves() -> None:
    assert good_threshold([curve(0.3, 0.01)]) == pytest.approx(0.5)
    assert good_threshold([curve(0.3, 1.0)]) == pytest.approx(0.3)
    assert good_threshold([curve(0.75, 1.0)]) == pytest.approx(0.75)
    assert good_threshold([curve(0.3, 0.1)]) == pytest.approx(0.35)
    assert good_threshold([curve(0.3, 0.01)], nearly=0) == pytest.approx(0.3)


def test_somebody_without_lesions_does_not_count() -> None:
    nobody = np.full(len(THRESHOLDS), np.nan)
    assert good_threshold([curve(0.3, 1.0), nobody]) == pytest.approx(0.3)


@pytest.mark.parametrize("stem", ["full", "half"])
def test_what_was_marked_at_the_good_threshold_is_marked_at_half(stem: str) -> None:
    own = recipe(1).model_copy(update={"size": (16, 16), "stem": stem, "precision": "float32"})
    network, images = new_unet(own, seed=0), torch.randn(2, 1, 16, 16)
    network.eval()
    before = answer_all(network, images, "float32").softmax(1)[:, 1]
    good = float(before.median())
    after = moved(network, float(np.log((1 - good) / good)))
    now = answer_all(after, images, "float32").softmax(1)[:, 1]
    sure = (before - good).abs() > 1e-6
    assert torch.equal((before >= good)[sure], (now >= 0.5)[sure])
    assert 0 < (before >= good).float().mean() < 1
