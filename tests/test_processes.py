"""How processes that train use memory."""

import subprocess
import sys

import pytest

# A tensor of 8 MB comes and goes, and its pages with it.
TAKEN_AGAIN = """
import resource, torch
from kdlib.processes import keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(2_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
keep_freed_memory()
faults()
print(faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="about the C library of Linux")
def test_memory_that_was_freed_is_not_asked_for_again() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", TAKEN_AGAIN],
        env={"MALLOC_TRIM_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"},  # Dask's for its workers
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    before, after = map(int, ran.stdout.split())
    assert after < before / 100
