"""What the benchmarks print is right."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from kdlib.data.volume import Volume

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_a_found_volume_counts_all_three_edges_of_a_voxel() -> None:
    found_ml = runpy.run_path(str(BENCHMARKS / "real_scans.py"))["found_ml"]
    thick = np.diag([1.0, 2.0, 5.0, 1.0])
    assert found_ml(Volume(np.full((2, 2, 3), 0.6), thick)) == pytest.approx(0.12)
    assert found_ml(Volume(np.full((2, 2, 3), 0.4), thick)) == 0
