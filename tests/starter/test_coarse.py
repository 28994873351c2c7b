"""The window through which the brain network sees a head."""

import numpy as np
import pytest

from kdlib.data.volume import Volume
from kdlib.starter.coarse import (
    ABOVE,
    SHAPE,
    Window,
    coarse_image,
    cut_out,
    on_scan,
    put_back,
    weights,
    window,
)


def head(neck: int, moved: tuple[int, int, int] = (0, 0, 0)) -> np.ndarray:
    """A coarse head in the shape of a pear, with a neck of some slices; its axes are LPS."""
    x, y, z = np.indices((70, 90, 60 + neck)) - np.array([[[[35]]], [[[45]]], [[[30 + neck]]]])
    skull = (x / 24) ** 2 + (y / 30) ** 2 + (z / 22) ** 2 < 1
    image = skull * (100.0 + x) + (~skull & (z < 0) & (np.hypot(x, y) < 12)) * (60.0 + y)
    return np.roll(image, moved, (0, 1, 2)).astype(np.float32)


@pytest.mark.parametrize(("old", "new", "step"), [(48, 48, 1.0), (20, 53, 0.375), (240, 77, 3.125)])
def test_weights_keep_a_constant_and_a_slope(old: int, new: int, step: float) -> None:
    matrix = weights(old, new, step)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-5)
    inner = (matrix @ np.arange(old))[3:-3]
    np.testing.assert_allclose(np.diff(inner), step, rtol=0.02)


def test_a_smooth_image_survives_the_way_to_the_coarse_grid_and_back() -> None:
    x, y, z = np.indices((90, 60, 25)) * np.array([1.2, 2.0, 6.0])[:, None, None, None]
    scan = Volume((50 + x + y - z).astype(np.float32), np.diag([-1.2, -2.0, 6.0, 1.0]))
    back = on_scan(coarse_image(scan), scan)
    inner = (slice(4, -4),) * 3
    np.testing.assert_allclose(back[inner], scan.array[inner], atol=1.5)


def test_the_window_follows_the_head_whatever_the_neck_and_the_place() -> None:
    view = window(head(neck=10))
    for other in (window(head(neck=40)), window(head(10, (-5, 6, 0)))):
        same = np.abs(other.image - view.image)[:, :, 30:]
        assert same.max() < 0.05
    assert view.image[:, :, -ABOVE:].max() == 0
    assert view.image[:, :, -ABOVE - 2].max() > 0.5


def test_the_window_does_not_depend_on_the_unit() -> None:
    image = head(neck=20)
    view, scaled = window(image), window(image * 7.5 - 300)
    assert scaled.first == view.first
    np.testing.assert_allclose(scaled.image, view.image, atol=1e-4)
    assert (view.image.min(), view.image.max()) == (0, 1)


def test_a_window_beyond_the_image_comes_back_to_its_place() -> None:
    image = np.random.default_rng(0).random((30, 100, 64)).astype(np.float32)
    for first in ((-17, 10, 0), (-70, 0, 0), (5, 90, -20)):
        part = cut_out(image, first, 0.0)
        assert part.shape == SHAPE
        back = put_back(part, first, image.shape)
        assert set(np.unique(back == image)) <= {True, False}
        np.testing.assert_array_equal(back[back != 0], image[back != 0])
    assert isinstance(window(np.zeros((5, 5, 5), np.float32)), Window)
