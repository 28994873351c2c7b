"""Laws of the white matter's peak."""

import numpy as np
import pytest
from numpy.typing import NDArray

from kdlib.data.slices import normalise
from kdlib.data.white_peak import white_peak


def head(csf: float, fat: float = 0.01) -> NDArray:
    """Dark fluid, white matter of 300 +- 20 and a little bright fat; shares of 100 000 voxels."""
    rng, count = np.random.default_rng(0), 100_000
    parts = [(50, 30, csf), (300, 20, 1 - csf - fat), (450, 10, fat)]
    return np.concatenate([rng.normal(mean, sd, int(count * n)) for mean, sd, n in parts])


@pytest.mark.parametrize("csf", [0.1, 0.3, 0.6])
def test_place_and_width_are_those_of_white_matter(csf: float) -> None:
    place, width = white_peak(head(csf))
    assert place == pytest.approx(300, abs=6)
    assert width == pytest.approx(20, rel=0.3)


def test_a_wider_ventricle_moves_white_matter_by_z_scores_and_not_by_its_peak() -> None:
    def moved(kind: str) -> float:
        (first, second) = (
            np.median(normalise(array, array > -np.inf, kind)[array > 250])
            for array in (head(0.1), head(0.4))
        )
        return abs(float(second - first))

    assert moved("white-peak") < 0.2 < 0.4 < moved("z-score")


@pytest.mark.parametrize(("gain", "offset"), [(7.5, 0.0), (0.1, 3.0)])
def test_gain_and_offset_do_not_matter(gain: float, offset: float) -> None:
    place, width = white_peak(head(0.3))
    assert white_peak(gain * head(0.3) + offset) == pytest.approx(
        (gain * place + offset, gain * width), rel=1e-6
    )


def test_an_image_of_one_intensity_has_a_peak_without_a_width() -> None:
    assert white_peak(np.full(100, 7.0)) == pytest.approx((7, 0), abs=0.01)
