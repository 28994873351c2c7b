"""The simulator is frozen: today's code gives the voxels that are stored here.

Of the images samples are stored, and the labels whole. The comparison leaves room for another CPU's
last digits: a hash of all voxels would differ between machines, while a changed tissue or scanner
moves them far more. A voxel that is half lesion may get either label: a few may differ.
To store them anew after a new VERSION of the simulator: ``python -m tests.simulator.test_voxels``.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kdlib.simulator.subject import SimulatorSettings, simulate_subject
from kdlib.simulator.template import template_maps

STORED = Path(__file__).with_name("voxels.npz")
PLAIN = SimulatorSettings("2mm", 0, 1.0, 1.0, skull=True)
CASES = {
    "utrecht": (PLAIN, "utrecht", 2),
    "singapore": (PLAIN, "singapore", 52),
    "amsterdam": (PLAIN, "amsterdam", 100),
    "stripped": (replace(PLAIN, skull=False), "amsterdam", 101),
    "unshifted": (replace(PLAIN, seed=1, scanner_shift=0.0, population_shift=0.0), "singapore", 50),
}


def simulated(case: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Every fifth voxel of each image, and all labels."""
    subject = simulate_subject(*CASES[case], torch.from_numpy(template_maps()))
    every = (slice(None, None, 5),) * 3
    images = {"flair": subject.flair, "t1": subject.t1, "ventricle_mm": subject.ventricle_mm}
    samples = {name: image[every].numpy().astype(np.float16) for name, image in images.items()}
    return samples, subject.labels.numpy().astype(np.uint8)


@pytest.mark.parametrize("case", CASES)
def test_no_voxel_changes(case: str) -> None:
    images, labels = simulated(case)
    with np.load(STORED, allow_pickle=False) as stored:
        for name, image in images.items():
            expected = stored[f"{case}/{name}"].astype(np.float64)
            np.testing.assert_allclose(image, expected, rtol=2e-3, atol=2e-3 * expected.max())
        marked = stored[f"{case}/labels"]
    assert set(np.unique(labels)) == set(np.unique(marked))
    assert np.count_nonzero(labels != marked) <= 1 + 2e-3 * np.count_nonzero(marked)


def test_the_cases_have_both_labels() -> None:
    with np.load(STORED, allow_pickle=False) as stored:
        found = [np.unique(stored[f"{case}/labels"]).tolist() for case in CASES]
    assert [0, 1, 2] in found
    assert all(1 in labels for labels in found)


if __name__ == "__main__":
    arrays = {}
    for case in CASES:
        images, labels = simulated(case)
        arrays |= {f"{case}/{name}": image for name, image in images.items()}
        arrays[f"{case}/labels"] = labels
    np.savez_compressed(STORED, **arrays)
