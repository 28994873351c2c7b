"""The simulator is frozen: today's code gives the voxels that are stored here.

The stored arrays are samples, and the comparison leaves room for another CPU's last digits: a hash
of all voxels would differ between machines, while a changed tissue or scanner moves them far more.
To store them anew after a new VERSION of the simulator: ``python -m tests.simulator.test_voxels``.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kdlib.simulator.subject import Settings, simulate_subject
from kdlib.simulator.template import template_maps

STORED = Path(__file__).with_name("voxels.npz")
PLAIN = Settings("2mm", 0, 1.0, 1.0, skull=True)
CASES = {
    "utrecht": (PLAIN, "utrecht", 0),
    "singapore": (PLAIN, "singapore", 52),
    "amsterdam": (PLAIN, "amsterdam", 100),
    "stripped": (replace(PLAIN, skull=False), "amsterdam", 101),
    "unshifted": (replace(PLAIN, seed=1, scanner_shift=0.0, population_shift=0.0), "singapore", 50),
}


def sampled(case: str) -> dict[str, np.ndarray]:
    """Every fifth voxel of the images, and the lesion volume in voxels."""
    subject = simulate_subject(*CASES[case], torch.from_numpy(template_maps()))
    every = (slice(None, None, 5),) * 3
    images = {"flair": subject.flair, "t1": subject.t1, "ventricle_mm": subject.ventricle_mm}
    parts = {name: image[every].numpy().astype(np.float16) for name, image in images.items()}
    return parts | {"lesion": np.array(int((subject.labels == 1).sum()))}


@pytest.mark.parametrize("case", CASES)
def test_no_voxel_changes(case: str) -> None:
    with np.load(STORED, allow_pickle=False) as stored:
        for name, array in sampled(case).items():
            expected = stored[f"{case}/{name}"].astype(np.float64)
            np.testing.assert_allclose(array, expected, rtol=2e-3, atol=2e-3 * expected.max())


if __name__ == "__main__":
    arrays = {f"{case}/{name}": array for case in CASES for name, array in sampled(case).items()}
    np.savez_compressed(STORED, **arrays)
