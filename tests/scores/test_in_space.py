"""Laws of scores in space: how a file is stored changes nothing, and where it lies is compared."""

import json
from dataclasses import astuple
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.orientations import apply_orientation, inv_ornt_aff

from kdlib.data.image_file import read_labels, write_volume
from kdlib.data.volume import Volume
from kdlib.scores.in_space import evaluate_volumes
from kdlib.scores.metrics import evaluate
from tests.command import kdlib
from tests.tiny import write_subject

STORAGE = [
    np.array([*zip(axes, flips, strict=True)])
    for axes in permutations(range(3))
    for flips in product((1, -1), repeat=3)
]
EDGES = [(1.0, 1.0, 3.0), (1.2, 1.0, 1.0), (1.0, 1.0, 1.0)]


def stored(volume: Volume, turn: np.ndarray) -> Volume:
    """The same voxels at the same places, in another order and direction of the axes."""
    array = apply_orientation(volume.array, turn)
    return Volume(array, volume.affine @ inv_ornt_aff(turn, volume.array.shape))


def masks(seed: int, edges: tuple[float, float, float]) -> tuple[Volume, Volume]:
    rng = np.random.default_rng(seed)
    affine = np.diag([*edges, 1.0])
    affine[:3, 3] = rng.uniform(-90, 90, 3)
    truth = rng.random((6, 7, 5)) < 0.3
    result = truth ^ (rng.random(truth.shape) < 0.1)
    return Volume(truth.astype(np.uint8), affine), Volume(result.astype(np.float32), affine)


@settings(deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(EDGES),
    st.sampled_from(STORAGE),
    st.sampled_from(STORAGE),
)
def test_scores_do_not_depend_on_how_files_are_stored(
    seed: int, edges: tuple[float, float, float], one: np.ndarray, other: np.ndarray
) -> None:
    truth, result = masks(seed, edges)
    expected = astuple(evaluate_volumes(truth, result))
    again = evaluate_volumes(stored(truth, one), stored(result, other))
    assert astuple(again) == pytest.approx(expected, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize(("edges", "axis"), [*zip(EDGES, (2, 0, 2), strict=True)])
def test_the_slices_are_those_of_the_acquisition(
    edges: tuple[float, float, float], axis: int
) -> None:
    truth, result = masks(0, edges)
    order = [*(other for other in range(3) if other != axis), axis]
    lesions, found = (volume.array.transpose(order) for volume in (truth, result))
    x, y, z = (edges[index] for index in order)
    assert evaluate_volumes(truth, result) == evaluate(lesions, found, (x, y, z))


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    write_subject(tmp_path, np.random.default_rng(0), 1.0, 1.5)
    return tmp_path / "wmh.nii.gz"


def moved(truth: Path, change: np.ndarray) -> Path:
    mask = read_labels(truth)
    write_volume(truth.with_name("result.nii.gz"), Volume(mask.array, change @ mask.affine))
    return truth.with_name("result.nii.gz")


def test_a_result_that_is_stored_the_other_way_round_gets_the_same_scores(truth: Path) -> None:
    other = truth.with_name("other.nii.gz")
    write_volume(other, stored(read_labels(truth), np.array([[1, -1], [0, 1], [2, -1]])))
    scores = json.loads(kdlib("evaluate", truth, other, "--json").out)
    assert (scores["dice"], scores["hd95_mm"]) == (1, 0)


SHIFT = np.eye(4) + 100 * np.eye(4, k=3)
FAULTS = {
    "another place": (SHIFT, "lies up to 100 mm away from the truth"),
    "other voxels": (np.diag([0.5, 0.5, 1, 1]), "2 x 2 x 6 mm, but those of the truth are 4 x 4"),
    "mirrored": (np.diag([-1.0, 1, 1, 1]), "mm away from the truth"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_result_at_another_place_is_refused(truth: Path, fault: str) -> None:
    change, said = FAULTS[fault]
    done = kdlib("evaluate", truth, moved(truth, change))
    assert done.status == 2
    assert said in done.err
    assert "result.nii.gz: " in done.err
    assert "resample it to the grid of the truth" in done.err
