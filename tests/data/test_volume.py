"""Laws of a scan in memory: when its axes are turned, nothing moves."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdlib.data.volume import on_grid_of, to_lps
from tests.data.oriented import ORIENTATIONS, oriented, places


def test_there_are_48_orientations():
    assert len(set(ORIENTATIONS)) == 48


@pytest.mark.parametrize("degrees", [(0, 0, 0), (20, -15, 10)], ids=["straight", "oblique"])
@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_to_lps_points_left_posterior_superior_and_moves_no_value(codes, degrees):
    volume = oriented(codes, degrees)
    turned = to_lps(volume)
    assert "".join(nib.aff2axcodes(turned.affine)) == "LPS"
    np.testing.assert_allclose(places(turned), places(volume), atol=1e-9)
    assert turned.array.flags.c_contiguous
    back = on_grid_of(volume, turned.array)
    np.testing.assert_array_equal(back.array, volume.array)
    np.testing.assert_array_equal(back.affine, volume.affine)


@given(st.tuples(*[st.floats(-180, 180)] * 3), st.sampled_from(ORIENTATIONS))
def test_the_way_back_undoes_to_lps_at_any_angle(degrees, codes):
    volume = oriented(codes, degrees)
    turned = to_lps(volume)
    np.testing.assert_allclose(places(turned), places(volume), atol=1e-9)
    np.testing.assert_array_equal(on_grid_of(volume, turned.array).array, volume.array)


def test_to_lps_of_lps_changes_nothing():
    volume = oriented("LPS")
    np.testing.assert_array_equal(to_lps(volume).array, volume.array)


def test_an_array_of_another_grid_does_not_go_back():
    with pytest.raises(ValueError, match="not that of to_lps"):
        on_grid_of(oriented("SAL"), np.zeros((2, 2, 2)))
