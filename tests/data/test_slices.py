"""Laws of the way from a scan to a network and back."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from kdlib.data.head import foreground
from kdlib.data.slices import network_labels, normalise, on_own_grid, prepare
from kdlib.data.volume import Volume, to_lps
from kdlib.recipe import Preparation

LPS = np.diag([-1.0, -1.0, 3.0, 1.0])


def head(shape: tuple[int, int, int] = (40, 48, 6)) -> NDArray[np.float32]:
    x, y, z = np.indices(shape)
    inside = ((x - 19) / 14) ** 2 + ((y - 25) / 18) ** 2 < 1
    return (inside * (100 + x + 2 * y + 5 * z)).astype(np.float32)


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
    answer = on_own_grid(scan, [(ready.window, probability)])
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


@pytest.mark.parametrize("kind", ["z-score", "robust", "white-peak"])
def test_a_scanners_gain_does_not_matter(kind: str) -> None:
    array = head()
    first, second = (normalise(a, foreground(a), kind) for a in (array, array * 7.5))
    np.testing.assert_allclose(first, second, atol=1e-4)


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


@pytest.mark.parametrize("kind", ["z-score", "robust", "white-peak"])
def test_a_few_bright_voxels_stay_brighter_than_the_brightest_tissue(kind: str) -> None:
    array = np.random.default_rng(0).normal(100, 10, (40, 40, 10))
    array[5:8, 5:8, 5] = 200  # 0.06 percent of the voxels
    result = normalise(array, foreground(array), kind)
    assert result[6, 6, 5] > 1.5 * np.percentile(result, 99.9)
