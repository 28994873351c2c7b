"""Laws of the way from a scan to a network and back."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from kdlib.data.slices import foreground, frame, network_labels, normalise, on_own_grid, prepare
from kdlib.data.volume import Volume, to_lps
from kdlib.metrics import dice
from kdlib.recipe import Preparation

LPS = np.diag([-1.0, -1.0, 3.0, 1.0])


def head(shape: tuple[int, int, int] = (40, 48, 6)) -> NDArray[np.float32]:
    x, y, z = np.indices(shape)
    inside = ((x - 19) / 14) ** 2 + ((y - 25) / 18) ** 2 < 1
    return (inside * (100 + x + 2 * y + 5 * z)).astype(np.float32)


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
        answer = on_own_grid(scan, window, window.to_network(lesion))
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
    once = on_own_grid(scan, window, window.to_network(lesion) >= 0.5)
    all_over = on_own_grid(scan, window.dense(), answers)
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


@pytest.mark.parametrize("codes", ["LPS", "RAS", "PIR", "SAL", "ILA"])
def test_every_orientation_gives_the_same_slices(codes: str) -> None:
    import nibabel as nib

    image = nib.Nifti1Image(head(), LPS)
    turn = nib.orientations.ornt_transform(
        nib.io_orientation(LPS), nib.orientations.axcodes2ornt(codes)
    )
    turned = image.as_reoriented(turn)
    scan = Volume(np.asarray(turned.dataobj), turned.affine)
    preparation = Preparation(size=(32, 40))
    straight = prepare([Volume(head(), LPS)], preparation)
    torch.testing.assert_close(prepare([scan], preparation).images, straight.images)


def test_an_answer_returns_to_the_scans_own_grid_and_affine() -> None:
    affine = np.array([[0, 0, 3, -20], [-1, 0, 0, 30], [0, -1, 0, 10], [0, 0, 0, 1.0]])
    scan = Volume(head().transpose(1, 2, 0).copy(), affine)
    ready = prepare([scan], Preparation(size=(48, 48)))
    probability = (ready.images[:, 0] > 0).float().numpy().transpose(1, 2, 0)
    answer = on_own_grid(scan, ready.window, probability)
    assert answer.array.shape == scan.array.shape
    np.testing.assert_array_equal(answer.affine, affine)
    inside = to_lps(answer).array[to_lps(scan).array > 185]
    assert (inside == 1).all()


def test_normalised_heads_have_mean_zero_and_unit_spread() -> None:
    array = np.random.default_rng(0).gamma(4, 30, (20, 20, 5))
    for kind in ("z-score", "robust"):
        inside = foreground(array)
        result = normalise(array, inside, kind)[inside]
        centre = result.mean() if kind == "z-score" else np.median(result)
        assert abs(centre) < 0.01
        assert 0.9 < result.std() < 1.2


@pytest.mark.parametrize("kind", ["z-score", "robust"])
def test_a_scanners_gain_does_not_matter(kind: str) -> None:
    array = head()
    first, second = (normalise(a, foreground(a), kind) for a in (array, array * 7.5))
    np.testing.assert_allclose(first, second, atol=1e-4)


def test_defaced_voxels_are_not_foreground() -> None:
    array = head() + 1
    array[:, :15] = 0
    assert not foreground(array)[:, :15].any()
    assert foreground(array)[:, 20:].any()


def test_labels_lie_where_their_lesions_are() -> None:
    labels = np.zeros((40, 48, 6), np.uint8)
    labels[18:22, 20:24, 2:4] = 1
    labels[10:14, 20:24, 2:4] = 2
    volume = Volume(head() + 50 * (labels == 1), LPS)
    ready = prepare([volume], Preparation(size=(32, 40)))
    found = network_labels(Volume(labels, LPS), ready.window)
    assert [(found == label).sum() for label in (1, 2)] == [32, 32]
    assert ready.images[:, 0][found == 1].mean() > ready.images[:, 0][found == 0].mean()


def test_slices_without_head_are_told() -> None:
    array = head()
    array[:, :, 4:] = 0
    assert prepare([Volume(array, LPS)], Preparation(size=(32, 40))).holds_head.tolist() == [
        True, True, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["z-score", "robust"])
def test_a_few_bright_voxels_stay_brighter_than_the_brightest_tissue(kind: str) -> None:
    array = np.random.default_rng(0).normal(100, 10, (40, 40, 10))
    array[5:8, 5:8, 5] = 200  # 0.06 percent of the voxels
    result = normalise(array, foreground(array), kind)
    assert result[6, 6, 5] > 1.5 * np.percentile(result, 99.9)
