"""How processes that train use memory."""

import subprocess
import sys

import pytest

# What Dask sets for its workers; then a tensor of 8 MB comes and goes, and its pages with it.
TAKEN_TWICE = """
import resource, torch
{first}
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(2_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""
KEEP = "from kdlib.processes import keep_freed_memory; keep_freed_memory()"


def _page_faults(first: str) -> int:
    ran = subprocess.run(
        [sys.executable, "-c", TAKEN_TWICE.format(first=first)],
        env={"MALLOC_TRIM_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(ran.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="about the C library of Linux")
def test_memory_that_was_freed_is_not_asked_for_again() -> None:
    assert _page_faults(KEEP) < _page_faults("") / 100
