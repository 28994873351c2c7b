"""The shipped brain network on simulated heads, and the laws of finding a brain."""

from functools import cache

import nibabel as nib
import numpy as np
import pytest
import torch
from scipy import ndimage

from kdlib.data.volume import Volume
from kdlib.scores.metrics import dice
from kdlib.simulator.subject import SimulatorSettings, simulate_subject
from kdlib.simulator.template import template_maps
from kdlib.starter.brain import BRAIN, find_brain, stripped

CASES = (("utrecht", 0), ("singapore", 52), ("amsterdam", 103))


@cache
def simulated(clinic: str, subject: int) -> tuple[Volume, np.ndarray]:
    """A FLAIR with its skull, and where its brain is."""
    settings = SimulatorSettings("2mm", 3, 1.0, 1.0, skull=True)
    person = simulate_subject(settings, clinic, subject, torch.from_numpy(template_maps()))
    brain = torch.stack(list(person.tissues.values())).sum(0) > 0.5
    return Volume(person.flair.numpy(), person.affine), brain.numpy()


@pytest.fixture(scope="module")
def scan() -> Volume:
    return simulated(*CASES[0])[0]


@pytest.fixture(scope="module")
def brain(scan: Volume) -> Volume:
    return find_brain(scan)


def mask(brain: Volume) -> np.ndarray:
    return brain.array >= BRAIN


@pytest.mark.parametrize(("clinic", "subject"), CASES)
def test_the_brain_is_where_its_tissues_are(clinic: str, subject: int) -> None:
    flair, truth = simulated(clinic, subject)
    assert dice(mask(find_brain(flair)), truth) > 0.95


def test_the_brain_has_one_part_without_holes(brain: Volume) -> None:
    assert ndimage.label(mask(brain))[1] == 1
    assert ndimage.label(~mask(brain))[1] == 1


@pytest.mark.parametrize("axes", ["LPS", "RAS", "PIR", "SAL"])
def test_the_brain_does_not_depend_on_how_a_scan_is_stored(
    scan: Volume, brain: Volume, axes: str
) -> None:
    def turned(volume: Volume) -> Volume:
        image = nib.Nifti1Image(volume.array.astype(np.float32), volume.affine)
        turn = nib.orientations.ornt_transform(
            nib.io_orientation(volume.affine), nib.orientations.axcodes2ornt(axes)
        )
        moved = image.as_reoriented(turn)
        return Volume(np.asarray(moved.dataobj), moved.affine)

    np.testing.assert_array_equal(find_brain(turned(scan)).array, turned(brain).array)


@pytest.mark.parametrize(("gain", "offset"), [(1000.0, 0.0), (0.01, 0.0), (3.0, -500.0)])
def test_the_brain_does_not_depend_on_the_unit(
    scan: Volume, brain: Volume, gain: float, offset: float
) -> None:
    other = find_brain(Volume(scan.array * gain + offset, scan.affine))
    assert dice(mask(other), mask(brain)) > 0.999


def test_thick_slices_have_the_same_brain(scan: Volume, brain: Volume) -> None:
    thick = scan.array.reshape(*scan.array.shape[:2], -1, 2).mean(-1)
    affine = scan.affine @ np.diag([1, 1, 2, 1])
    found = mask(find_brain(Volume(thick, affine)))
    assert dice(np.repeat(found, 2, axis=2), mask(brain)) > 0.97


def test_a_stripped_scan_stays_nearly_itself(scan: Volume, brain: Volume) -> None:
    once = stripped(scan, brain)
    again = stripped(once, find_brain(once))
    assert dice(again.array > 0, once.array > 0) > 0.95


def test_stripping_leaves_zero_outside_and_more_than_zero_inside(
    scan: Volume, brain: Volume
) -> None:
    kept = stripped(scan, brain)
    np.testing.assert_array_equal(kept.array, np.where(mask(brain), scan.array, 0))
    shifted = stripped(Volume(scan.array - 200, scan.affine), brain)
    np.testing.assert_array_equal(shifted.array > 0, mask(brain))
    steps = np.diff(shifted.array[mask(brain)])
    np.testing.assert_allclose(steps, np.diff(scan.array[mask(brain)]), atol=0.01)


def test_stripping_takes_a_mask_and_leaves_filled_voxels_out(scan: Volume, brain: Volume) -> None:
    cut = scan.array.copy()
    cut[:, :, :20] = -7
    kept = stripped(Volume(cut, scan.affine), Volume(mask(brain), brain.affine))
    assert kept.array[:, :, :20].max() == 0
    assert (kept.array[:, :, 21:] > 0).sum() == mask(brain)[:, :, 21:].sum()


def test_a_scan_without_a_head_has_no_brain() -> None:
    noise = np.random.default_rng(0).normal(0, 1, (40, 40, 20)).astype(np.float32)
    found = find_brain(Volume(noise, np.diag([-5.0, -5.0, 8.0, 1.0])))
    assert found.array.shape == noise.shape
    empty = Volume(np.zeros((4, 4, 4), np.float32), np.eye(4))
    assert stripped(empty, Volume(np.zeros((4, 4, 4), bool), np.eye(4))).array.max() == 0
