"""Laws of the final mask: it does not depend on how a scanner or a program wrote the scan."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kdlib.data.clinics import Clinics
from kdlib.data.image_file import read_volume, write_volume
from kdlib.data.labels import THRESHOLD
from kdlib.data.volume import Volume
from kdlib.prediction import predict
from kdlib.scores.metrics import dice
from kdlib.study.scenario import Scenario
from kdlib.study.store import run
from tests.tiny import AFFINE, RECIPE

Scan = NDArray[np.float32]
Mask = NDArray[np.bool_]
few = settings(
    deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def scan(clinics: Clinics) -> Scan:
    """A head with lesions, stripped: all around it is 0."""
    return read_volume(clinics["utrecht"].test[0].scan.flair).array


@pytest.fixture(scope="module")
def mask_of(clinics: Clinics, store: Path) -> Callable[..., Mask]:
    """A network that was trained for seconds, on whole heads, and its mask of a scan."""
    scenario = Scenario(method="supervised", source="utrecht", **RECIPE)
    made = run(scenario, clinics, store=store, device="cpu")
    network = made.network()

    def mask(array: NDArray) -> Mask:
        answer = predict(network, [Volume(array.astype(np.float32), AFFINE)], made.scenario)
        return answer.array >= THRESHOLD

    return mask


def test_there_is_a_mask_to_compare(
    mask_of: Callable[..., Mask], scan: Scan, clinics: Clinics
) -> None:
    truth = clinics["utrecht"].test[0].labelled.read_labels().array == 1
    assert dice(mask_of(scan), truth) > 0.5


@few
@given(st.floats(-12, 12), st.floats(-20, 20), st.sampled_from([0, -1, -1024, 80]))
def test_scale_offset_and_fill_do_not_matter(
    mask_of: Callable[..., Mask], scan: Scan, power: float, offset: float, fill: float
) -> None:
    filled = np.where(scan == 0, fill, scan).astype(float)
    changed = (filled + 100 * offset) * 10**power
    assert dice(mask_of(changed), mask_of(scan)) > 0.99


@few
@given(st.floats(50, 150), st.floats(2, 50))
def test_z_scores_inside_the_brain_do_not_matter(
    mask_of: Callable[..., Mask], scan: Scan, mean: float, sd: float
) -> None:
    changed = np.where(scan == 0, 0, (scan - mean) / sd)
    assert dice(mask_of(changed), mask_of(scan)) > 0.99


@few
@given(st.tuples(*[st.integers(0, 9)] * 4), st.sampled_from([0, -1, 80]))
def test_padding_does_not_matter(
    mask_of: Callable[..., Mask], scan: Scan, margins: tuple[int, ...], fill: float
) -> None:
    left, right, front, back = margins
    padded = np.pad(scan, [(left, right), (front, back), (0, 0)], constant_values=fill)
    x, y, _ = scan.shape
    found = mask_of(padded)
    np.testing.assert_array_equal(found[left : left + x, front : front + y], mask_of(scan))
    assert found.sum() == mask_of(scan).sum()


@few
@given(st.tuples(*[st.integers(0, 4)] * 4), st.sampled_from([0, -1, 80]))
def test_air_that_is_cut_off_does_not_matter(
    mask_of: Callable[..., Mask], scan: Scan, cut: tuple[int, ...], fill: float
) -> None:
    """The same voxels are lesions, to the last one, even if all air is cut off."""
    left, right, front, back = cut
    box = np.s_[left : scan.shape[0] - right, front : scan.shape[1] - back]
    filled = np.where(scan == 0, fill, scan)
    np.testing.assert_array_equal(mask_of(filled[box]), mask_of(scan)[box])


@few
@given(st.integers(0, 3), st.integers(0, 3), st.floats(0.4, 0.9), st.floats(0.5, 1.2))
def test_a_neck_that_is_cut_off_hardly_matters(
    mask_of: Callable[..., Mask], scan: Scan, below: int, above: int, narrow: float, grey: float
) -> None:
    """The mask cannot be exactly the same.

    A network sees a head in units of the mean and the spread of all its voxels, and a neck that is
    cut off takes some of these voxels with it.
    """
    whole = with_neck(scan, narrow, grey)
    part = whole[:, :, below : whole.shape[2] - above]
    assert dice(mask_of(part), mask_of(whole)[:, :, below : whole.shape[2] - above]) > 0.95


@few
@given(st.tuples(*[st.integers(4, 7)] * 4))
def test_skin_that_is_cut_off_hardly_matters(
    mask_of: Callable[..., Mask], scan: Scan, cut: tuple[int, ...]
) -> None:
    """Not exactly the same, as with the neck; and a network knows no air beyond the cut."""
    left, right, front, back = cut
    box = np.s_[left : scan.shape[0] - right, front : scan.shape[1] - back]
    assert dice(mask_of(scan[box]), mask_of(scan)[box]) > 0.9


def with_neck(scan: Scan, narrow: float, grey: float) -> Scan:
    """The scan with three slices of a neck below its head, and three of air above it."""
    x, y, _ = np.indices((*scan.shape[:2], 3))
    inside = ((x - 15.5) / 12) ** 2 + ((y - 19.5) / 16) ** 2 < narrow**2
    noise = np.random.default_rng(0).normal(1, 0.04, inside.shape)
    neck = inside * grey * np.median(scan[scan > 0]) * noise
    return np.concatenate([neck, scan, 0 * neck], axis=2).astype(np.float32)


@few
@given(st.floats(0, 0.04), st.integers(0, 4), st.integers(0, 99))
def test_noise_in_the_air_and_bright_voxels_hardly_matter(
    mask_of: Callable[..., Mask], scan: Scan, share: float, bright: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, share * np.percentile(scan, 98), (2, *scan.shape))
    changed = np.where(scan == 0, np.hypot(*noise), scan)
    for x, y, z in rng.choice(np.argwhere(scan == 0), bright):
        changed[x, y, z] = 50 * scan.max()
    assert dice(mask_of(changed), mask_of(scan)) > 0.95


def test_nan_around_the_head_is_read_as_air(
    mask_of: Callable[..., Mask], scan: Scan, tmp_path: Path
) -> None:
    path = tmp_path / "scan.nii.gz"
    nib.save(nib.Nifti1Image(np.where(scan == 0, np.nan, scan), AFFINE), path)
    np.testing.assert_array_equal(mask_of(read_volume(path).array), mask_of(scan))


def test_a_head_larger_than_the_window_is_segmented_whole(
    clinics: Clinics, store: Path, tmp_path: Path
) -> None:
    """A network whose window is half as wide as the head finds lesions in all of it."""
    scenario = Scenario(method="supervised", source="utrecht", **RECIPE | {"size": (16, 40)})
    made = run(scenario, clinics, store=store, device="cpu")
    subject = clinics["utrecht"].test[0]
    write_volume(tmp_path / "scan.nii.gz", read_volume(subject.scan.flair))
    found = made.predict(tmp_path / "scan.nii.gz", device="cpu").array >= THRESHOLD
    truth = subject.labelled.read_labels().array == 1
    outside = np.r_[0:8, 24:32]
    assert truth[outside].any()
    assert dice(found[outside], truth[outside]) > 0.5
