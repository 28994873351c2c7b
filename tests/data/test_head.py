"""Laws of the fast steps by which a head is found."""

import numpy as np
import pytest
from scipy import ndimage

from kdlib.data.head import REGION, SHEET, _grown, _neighbours

SHAPES = [(9, 7, 5), (6, 5, 1), (1, 4, 4), (2, 2, 2), (1, 1, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.1, 0.35, 0.8])
def test_neighbours_are_counted_and_masks_grow_as_by_scipy(
    shape: tuple[int, ...], share: float
) -> None:
    for seed in range(20):
        mask = np.random.default_rng(seed).random(shape) < share
        density = ndimage.uniform_filter(mask.astype(np.float32), 3, mode="nearest")
        counted = _neighbours(mask)
        np.testing.assert_array_equal(counted, np.round(density * 27))
        for few in (SHEET, REGION):
            np.testing.assert_array_equal(counted > few, density > (few + 0.5) / 27)
        np.testing.assert_array_equal(_grown(mask), ndimage.binary_dilation(mask))
