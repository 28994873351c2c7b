"""Laws of where a network's voxels lie in a scan."""

import numpy as np
import pytest
from scipy import ndimage

from kdlib.data.frame import LEFT_OUT, Frame, frame, frames, left_out
from kdlib.data.head import foreground
from kdlib.data.slices import on_own_grid
from kdlib.data.volume import Volume
from kdlib.recipe import Preparation
from kdlib.scores.metrics import dice
from tests.data.test_slices import LPS, head


def test_native_slices_are_crops_without_interpolation() -> None:
    volume = Volume(head(), LPS)
    window = frame(volume, Preparation(size=(32, 40)))
    cut = window.to_network(volume.array)
    assert set(np.unique(cut)) <= set(np.unique(volume.array))
    assert (cut > 0).sum() == (volume.array > 0).sum()


@pytest.mark.parametrize("size", [(32, 40), (64, 64)])
def test_a_crop_or_pad_comes_back_voxel_by_voxel(size: tuple[int, int]) -> None:
    volume = Volume(head(), LPS)
    window = frame(volume, Preparation(size=size))
    np.testing.assert_allclose(window.to_scan(window.to_network(volume.array)), volume.array)


@pytest.mark.parametrize("offset", [(3, -2, 0), (-4, 5, 1), (0, 0, 0), (40, 0, 0)])
def test_a_crop_has_the_bits_of_a_resampling_by_whole_voxels(offset: tuple[int, int, int]) -> None:
    window = Frame((30, 32, 4), (28, 36, 4), (1.0, 1.0, 1.0), tuple(map(float, offset)))
    scan = np.random.default_rng(0).normal(size=window.scan_shape).astype(np.float32)
    scan[::3] *= -0.0
    moved = ndimage.affine_transform(scan, np.ones(3), offset, window.shape, order=1, cval=-7)
    assert window.to_network(scan, outside=-7).tobytes() == moved.tobytes()
    back = ndimage.affine_transform(
        moved, np.ones(3), -np.array(offset), window.scan_shape, order=1
    )
    assert window.to_scan(moved).tobytes() == back.tobytes()


def test_resampling_and_back_keeps_a_smooth_image() -> None:
    x, y, _ = np.indices((80, 96, 6))
    smooth = np.exp(-(((x - 40) / 15) ** 2) - ((y - 48) / 15) ** 2).astype(np.float32)
    volume = Volume(smooth, LPS)
    window = frame(volume, Preparation(size=(48, 56), voxel_mm=(2, 2, 3)))
    assert np.abs(window.to_scan(window.to_network(smooth)) - smooth).max() < 0.04


@pytest.mark.parametrize("radius_mm", [3, 4, 8])
def test_a_lesion_on_coarse_voxels_comes_back_nearly_as_large(radius_mm: float) -> None:
    """A perfect answer of a coarse network, to lesions anywhere between its voxels."""
    points = np.stack(np.indices((60, 60, 60)), axis=-1)
    scan = Volume(np.ones((60, 60, 60), np.float32), np.diag([-1.0, -1.0, 1.0, 1.0]))
    window = frame(scan, Preparation(size=(32, 32), voxel_mm=(2, 2, 3)))
    found = []
    for centre in np.random.default_rng(0).uniform(25, 35, (20, 3)):
        lesion = np.linalg.norm(points - centre, axis=-1) < radius_mm
        answer = on_own_grid(scan, [(window, window.to_network(lesion))])
        found.append((answer.array >= 0.5).sum() / lesion.sum())
    assert 0.7 < np.mean(found) < 1.1


def test_moved_windows_draw_a_border_finer_than_their_voxels() -> None:
    """Of a network that says yes or no: is half of this voxel lesion?"""
    points = np.stack(np.indices((60, 60, 60)), axis=-1)
    lesion = np.linalg.norm(points - [29.3, 30.1, 30.8], axis=-1) < 5
    scan = Volume(np.ones((60, 60, 60), np.float32), np.diag([-1.0, -1.0, 1.0, 1.0]))
    window = frame(scan, Preparation(size=(32, 32), voxel_mm=(2, 2, 3)))
    answers = np.full(window.dense().shape, np.nan, np.float32)
    for places, moved in window.shifted():
        assert np.isnan(answers[places]).all()
        answers[places] = moved.to_network(lesion) >= 0.5
    once = on_own_grid(scan, [(window, window.to_network(lesion) >= 0.5)])
    all_over = on_own_grid(scan, [(window.dense(), answers)])
    assert dice(once.array >= 0.5, lesion) < 0.91
    assert dice(all_over.array >= 0.5, lesion) > 0.96


@pytest.mark.parametrize("voxel_mm", [None, (1, 1, 3), (0.6, 0.6, 3)])
def test_a_network_of_voxels_no_coarser_than_the_scans_answers_once(
    voxel_mm: tuple[float, float, float] | None,
) -> None:
    window = frame(Volume(head(), LPS), Preparation(size=(32, 40), voxel_mm=voxel_mm))
    assert list(window.shifted()) == [((slice(0, None, 1),) * 3, window)]
    assert window.dense() == window


def test_coarse_voxels_average_what_lies_in_them() -> None:
    checks = np.indices((80, 96, 6)).sum(axis=0) % 2 * 100.0 + 50
    window = frame(Volume(checks, LPS), Preparation(size=(16, 16), voxel_mm=(4, 4, 3)))
    assert window.to_network(checks).std() < 0.2 * checks.std()


def test_defaced_voxels_are_not_foreground() -> None:
    array = head() + 1
    array[:, :15] = 0
    assert not foreground(array)[:, :15].any()
    assert foreground(array)[:, 20:].any()


@pytest.mark.parametrize("size", [(16, 40), (32, 16), (8, 8)])
@pytest.mark.parametrize("voxel_mm", [None, (1.5, 1.5, 3)])
def test_a_head_larger_than_the_window_is_seen_whole_through_several(
    size: tuple[int, int], voxel_mm: tuple[float, float, float] | None
) -> None:
    scan = Volume(head(), LPS)
    inside = foreground(scan.array)
    windows = frames(scan, Preparation(size=size, voxel_mm=voxel_mm), inside)
    assert windows[0] == frame(scan, Preparation(size=size, voxel_mm=voxel_mm))
    assert left_out(windows[0], inside) > LEFT_OUT
    seen = np.zeros(inside.shape, dtype=bool)
    for window in windows:
        seen[window.covered] = True
    assert not (inside & ~seen).any()


def test_several_windows_give_one_answer_on_the_scans_own_grid() -> None:
    scan = Volume(head(), LPS)
    windows = frames(scan, Preparation(size=(16, 16)), foreground(scan.array))
    assert len(windows) > 4
    answers = [(window, window.to_network(scan.array / 300)) for window in windows]
    np.testing.assert_allclose(on_own_grid(scan, answers).array, scan.array / 300)


def test_one_window_is_enough_if_only_a_little_skin_lies_outside() -> None:
    scan = Volume(head(), LPS)
    inside = foreground(scan.array)
    (window,) = frames(scan, Preparation(size=(28, 36)), inside)
    (smaller,) = frames(scan, Preparation(size=(26, 36)), inside)
    assert left_out(window, inside) < left_out(smaller, inside) < LEFT_OUT
