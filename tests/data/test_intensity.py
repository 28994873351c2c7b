"""Laws of intensities: what a network sees does not depend on how a scanner or a program wrote it.

Each law draws its changes at random and compares the slices before and after.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from kdlib.data.head import filling, find_head
from kdlib.data.slices import prepare
from kdlib.data.volume import Volume
from kdlib.recipe import Preparation

few = settings(deadline=None, max_examples=10)
AFFINE = np.diag([-4.0, -4.0, 4.0, 1.0])
SHAPE = (44, 52, 12)
SAME = {"size": (40, 48)}
RECIPES = [SAME, SAME | {"normalisation": "robust"}, {"size": (32, 32), "voxel_mm": (6, 6, 6)}]
Scan = NDArray[np.float32]


def ellipsoid(x_voxels: float, y_voxels: float) -> NDArray[np.bool_]:
    x, y, z = np.indices(SHAPE)
    return ((x - 22) / x_voxels) ** 2 + ((y - 25) / y_voxels) ** 2 + ((z - 2) / 14) ** 2 < 1


def whole_head() -> Scan:
    """Skin, dark bone, a brain with texture and a few lesions, and air with a little noise."""
    rng = np.random.default_rng(0)
    texture = ndimage.gaussian_filter(rng.normal(0, 1, SHAPE), 1.5)
    array = 90.0 * ellipsoid(17, 21)
    array[ellipsoid(15.5, 19.5)] = 4
    brain = ellipsoid(14.5, 18.5)
    array[brain] = (100 + 60 * texture)[brain]
    array = ndimage.gaussian_filter(array, 0.6)
    array[16:19, 20:23, 4:6] = array[26:28, 30:33, 5:7] = 180
    noise = rng.normal(0, 0.8, (2, *SHAPE))
    return np.hypot(array + noise[0], noise[1]).astype(np.float32)


def stripped() -> Scan:
    return np.where(ellipsoid(14.5, 18.5), whole_head(), 0).astype(np.float32)


def defaced() -> Scan:
    array = whole_head()
    array[:, :9] = 0
    return array


def seen(array: NDArray, recipe: dict, affine: NDArray = AFFINE) -> Tensor:
    return prepare([Volume(array.astype(np.float32), affine)], Preparation(**recipe)).images


def apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max())


SCANS = {"whole": whole_head(), "stripped": stripped(), "defaced": defaced()}
scans = st.sampled_from(sorted(SCANS))
recipes = st.sampled_from(RECIPES)


@few
@given(scans, recipes, st.floats(-12, 12), st.floats(-20, 20))
def test_scale_and_offset_do_not_matter(
    name: str, recipe: dict, power: float, offset: float
) -> None:
    array = SCANS[name]
    changed = (array.astype(float) + 100 * offset) * 10**power
    assert apart(seen(array, recipe), seen(changed, recipe)) < 0.01


@few
@given(st.sampled_from(["stripped", "defaced"]), recipes, st.sampled_from([-1, -1024, 70, 4096]))
def test_the_fill_value_does_not_matter(name: str, recipe: dict, fill: float) -> None:
    array = SCANS[name]
    changed = np.where(array == 0, fill, array)
    assert apart(seen(array, recipe), seen(changed, recipe)) < 1e-4


@few
@given(recipes, st.floats(50, 150), st.floats(5, 50))
def test_z_scores_inside_the_brain_do_not_matter(recipe: dict, mean: float, sd: float) -> None:
    array = stripped()
    changed = np.where(array == 0, 0, (array - mean) / sd)
    assert apart(seen(array, recipe), seen(changed, recipe)) < 1e-3


@few
@given(
    scans,
    recipes,
    st.tuples(*[st.integers(0, 12)] * 4),
    st.sampled_from([0, -1, 70, np.float32(1e6)]),
)
def test_padding_does_not_matter(
    name: str, recipe: dict, margins: tuple[int, ...], fill: float
) -> None:
    array = SCANS[name]
    left, right, front, back = margins
    padded = np.pad(array, [(left, right), (front, back), (0, 0)], constant_values=fill)
    assert apart(seen(array, recipe), seen(padded, recipe)) < 0.02


@few
@given(recipes, st.tuples(*[st.integers(0, 4)] * 4))
def test_the_field_of_view_does_not_matter(recipe: dict, cut: tuple[int, ...]) -> None:
    left, right, front, back = cut
    array = whole_head()
    changed = array[left : SHAPE[0] - right, front : SHAPE[1] - back]
    difference = (seen(array, recipe) - seen(changed, recipe)).abs()
    assert np.percentile(difference, 99) < 0.1


@few
@given(recipes, st.floats(0, 0.05), st.integers(0, 99))
def test_noise_in_the_air_hardly_matters(recipe: dict, share: float, seed: int) -> None:
    array = whole_head()
    sd = share * np.percentile(array, 98) * ~ellipsoid(17, 21)
    noise = np.random.default_rng(seed).normal(0, 1, (2, *SHAPE)) * sd
    changed = np.hypot(array + noise[0], noise[1]).astype(np.float32)
    preparation = Preparation(**recipe)
    clean, noisy = (prepare([Volume(a, AFFINE)], preparation) for a in (array, changed))
    assert np.abs(np.subtract(clean.window.offset, noisy.window.offset)).max() <= 1
    again = prepare([Volume(changed, AFFINE)], preparation, clean.window)
    assert np.percentile((clean.images - again.images).abs(), 99) < 0.4


@few
@given(scans, recipes, st.integers(1, 6), st.floats(3, 1000), st.integers(0, 99))
def test_a_few_bright_voxels_do_not_matter(
    name: str, recipe: dict, count: int, factor: float, seed: int
) -> None:
    array = SCANS[name]
    changed = array.copy()
    # A bright voxel that touches the skin is skin, for all that can be seen.
    air = np.argwhere(~ndimage.binary_dilation(ellipsoid(17, 21), iterations=5))
    for x, y, z in np.random.default_rng(seed).choice(air, count):
        changed[x, y, z] = factor * array.max()
    assert apart(seen(array, recipe), seen(changed, recipe)) < 0.05


@few
@given(scans, recipes, st.floats(-3, 3))
def test_air_is_the_darkest_that_a_network_sees(name: str, recipe: dict, offset: float) -> None:
    array = SCANS[name]
    image = seen(array + 100 * offset, recipe)
    corners = image[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == image.min()).all()
    assert image.min() < image[:, 0, 12:28, 12:28].mean() - 1


def test_a_window_follows_the_head_and_not_the_noise() -> None:
    off_centre = np.roll(whole_head(), (4, -3), (0, 1))
    moved = AFFINE @ np.array([[1, 0, 0, -4], [0, 1, 0, 3], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    assert apart(seen(whole_head(), SAME), seen(off_centre, SAME, moved)) < 0.02


def test_tissue_that_has_the_fill_value_stays_tissue() -> None:
    """Z-scores stored as integers have many voxels of the value 0 in the brain."""
    array = stripped()
    coded = np.where(array == 0, 0, 20 * (array - 100)).round().astype(np.int16)
    assert (coded[array != 0] == 0).mean() > 0.002
    assert filling(coded)[array == 0].all()
    assert filling(coded)[array != 0].mean() < 0.002


@few
@given(recipes, st.floats(-0.4, 0.4), st.integers(2, 3))
def test_z_scores_that_were_resampled_have_dark_air(recipe: dict, shift: float, order: int) -> None:
    """Splines leave small waves around the 0 outside the brain."""
    array = stripped()
    z = np.where(array == 0, 0, (array - array[array > 0].mean()) / array[array > 0].std())
    moved = ndimage.shift(z, (shift, shift, 0), order=order, mode="nearest")
    image = seen(moved, recipe)
    corners = image[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == image.min()).all()


def test_noise_and_tissue_on_the_faces_are_no_fill() -> None:
    rng = np.random.default_rng(0)
    assert not filling(rng.integers(0, 12, SHAPE)).any()
    assert not filling(whole_head()).any()
    assert not filling(whole_head()[10:30, 10:40, 2:6].round()).any()


def test_a_head_without_contrast_gives_numbers() -> None:
    for value in (1e-12, 1.0, 1e12):
        array = np.where(ellipsoid(15, 18), value, 0)
        assert seen(array, SAME).isfinite().all()
    assert not find_head(np.zeros(SHAPE)).inside.any()
