"""Laws of the augmentation."""

import numpy as np
import torch

from kdlib.augmentation import Augmentation, draw

IMAGES = torch.rand(4, 1, 16, 24, generator=torch.Generator().manual_seed(0))


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_no_kind_changes_nothing() -> None:
    change = draw((), 4, (16, 24), rng())
    assert torch.equal(change.images(IMAGES), IMAGES)


def test_a_flip_mirrors_left_and_right_or_leaves_alone() -> None:
    flipped = draw(("flip",), 4, (16, 24), rng()).images(IMAGES)
    for before, after in zip(IMAGES, flipped, strict=True):
        same = torch.allclose(before, after, atol=1e-5)
        assert same or torch.allclose(before.flip(1), after, atol=1e-5)
    assert not torch.allclose(flipped, IMAGES)


def test_labels_move_with_their_images() -> None:
    labels = (IMAGES[:, 0] > 0.5).to(torch.uint8)
    change = draw(("flip",), 4, (16, 24), rng())
    assert torch.equal(change.labels(labels), (change.images(IMAGES)[:, 0] > 0.5).to(torch.uint8))


def test_gamma_keeps_the_range_and_the_order() -> None:
    bent = draw(("gamma",), 4, (16, 24), rng()).images(IMAGES)
    torch.testing.assert_close(bent.amax((1, 2, 3)), IMAGES.amax((1, 2, 3)))
    assert torch.equal(bent.flatten(1).argsort(), IMAGES.flatten(1).argsort())


def test_soft_labels_stay_probabilities() -> None:
    soft = torch.stack([IMAGES[:, 0], 1 - IMAGES[:, 0]], dim=1)
    moved = draw(("flip", "affine"), 4, (16, 24), rng()).maps(soft)
    torch.testing.assert_close(moved.sum(dim=1), torch.ones(4, 16, 24))


def test_a_rotation_keeps_a_discs_area() -> None:
    x, y = torch.meshgrid(torch.arange(64) - 31.5, torch.arange(96) - 47.5, indexing="ij")
    disc = ((x**2 + y**2) < 20**2).float()[None, None]
    turn = Augmentation(draw(("affine",), 1, (64, 96), rng()).affine, None)
    assert turn.affine is not None
    scale = turn.affine[0, :, :2].det()
    assert abs(turn.images(disc).sum() * scale / disc.sum() - 1) < 0.02


def test_switching_one_kind_on_leaves_the_others_as_drawn() -> None:
    alone, both = (draw(kinds, 4, (16, 24), rng()) for kinds in (("gamma",), ("flip", "gamma")))
    assert alone.gamma is not None
    assert both.gamma is not None
    assert torch.equal(alone.gamma, both.gamma)


def test_what_is_moved_back_lies_where_it_was() -> None:
    x, y = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 96), indexing="ij")
    blob = torch.exp(-8 * (x**2 + y**2))[None, None].repeat(4, 1, 1, 1)
    for kinds in ((), ("flip",), ("flip", "affine")):
        change = draw(kinds, 4, (64, 96), rng())
        torch.testing.assert_close(change.back(change.maps(blob)), blob, atol=0.01, rtol=0)


STRONG = ("sharpness", "brightness", "noise")
NOTED = [9.41719, 3.372531]


def test_todays_numbers_do_not_change_when_a_kind_is_added() -> None:
    """The sums were noted before the strong kinds existed."""
    change = draw(("flip", "affine", "gamma"), 4, (16, 24), np.random.default_rng(7))
    assert change.affine is not None
    assert change.gamma is not None
    sums = torch.stack([change.affine.double().abs().sum(), change.gamma.double().sum()])
    torch.testing.assert_close(sums, torch.tensor(NOTED, dtype=torch.float64))


def test_sharpness_blurs_or_sharpens_and_keeps_what_is_even() -> None:
    change = draw(("sharpness",), 40, (16, 24), rng())
    assert change.blur is not None
    images = IMAGES[:1].expand(40, -1, -1, -1)
    rough = change.images(images).std((1, 2, 3)) / images.std((1, 2, 3))
    assert torch.equal(rough.gt(1), change.blur.lt(0))
    assert {True, False} == set(rough.gt(1).tolist())
    even = torch.full((40, 2, 16, 24), 3.0)
    torch.testing.assert_close(change.images(even), even)


def test_brightness_shifts_a_slice_by_a_tenth_of_its_range_at_most() -> None:
    shift = draw(("brightness",), 4, (16, 24), rng()).images(5 * IMAGES) - 5 * IMAGES
    first = shift[:, :, :1, :1]
    torch.testing.assert_close(shift, first.expand_as(shift), atol=1e-5, rtol=0)
    assert first.unique().numel() == 4
    assert 0 < shift.abs().max() <= 0.5


def test_noise_differs_between_voxels_images_and_slices() -> None:
    both = IMAGES.repeat(1, 2, 1, 1)
    noise = draw(("noise",), 4, (16, 24), rng()).images(both) - both
    sd = noise.std((2, 3)).squeeze()
    assert 0 < sd.max() < 0.06
    assert not torch.allclose(noise[:, 0], noise[:, 1])
    together = torch.corrcoef(noise.flatten(2).flatten(0, 1)).fill_diagonal_(0)
    assert together.abs().max() < 0.3


def test_strong_changes_leave_labels_where_they_are() -> None:
    change = draw(STRONG, 4, (16, 24), rng())
    assert torch.equal(change.maps(IMAGES), IMAGES)
    assert torch.equal(change.back(IMAGES), IMAGES)
    half, whole = change.first(2).images(IMAGES[:2]), change.images(IMAGES)
    assert torch.equal(half, whole[:2])
