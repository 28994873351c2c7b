"""Bounding boxes and grey scales."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kdlib.data.box import bounding_box, grey

MASKS = arrays.arrays(bool, arrays.array_shapes(min_dims=1, max_dims=3, max_side=6))


@given(MASKS, st.integers(0, 3))
def test_a_box_holds_all_that_is_marked_and_nothing_it_need_not(mask, margin):
    box = bounding_box(mask, margin)
    outside = mask.copy()
    outside[box] = False
    assert not outside.any()
    if mask.any() and not margin:
        inner = mask[box]
        edges = [
            edge
            for axis in range(mask.ndim)
            for edge in (inner.take(0, axis), inner.take(-1, axis))
        ]
        assert all(edge.any() for edge in edges)


def test_a_box_of_nothing_is_the_whole_image() -> None:
    assert bounding_box(np.zeros((3, 4), bool), 1) == (slice(0, 3), slice(0, 4))


def test_grey_goes_from_black_to_white_and_an_empty_scan_is_black() -> None:
    ramp = np.linspace(0, 100, 1001)
    assert (grey(ramp, ramp > 0)[0], grey(ramp, ramp > 0)[-1]) == (0, 255)
    assert not grey(np.zeros(8), np.zeros(8, bool)).any()
    assert not grey(np.full(8, 5.0), np.ones(8, bool), black=5.0).any()
