"""How processes that train use memory."""

import subprocess
import sys

import pytest

# In each step the tensors of a network come and go, and their pages with them.
TAKEN_AGAIN = """
import resource
from concurrent.futures import ThreadPoolExecutor
from torch import nn, randn
from kdlib.processes import keep_freed_memory

layers = [nn.Conv2d(1, 16, 3, padding=1), *(nn.Conv2d(16, 16, 3, padding=1) for _ in range(8))]
network = nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())))
images = randn(16, 1, 96, 96)

def faults(steps):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(steps):
        network(images).sum().backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def compare():
    faults(2)
    print(faults(3))
    keep_freed_memory()
    faults(2)
    print(faults(3))
"""
# A worker's run is in a thread that others came before.
CALLED = {
    "main thread": "compare()",
    "another thread": """
with ThreadPoolExecutor(2) as pool:
    [*pool.map(bytearray, [1000] * 20)]
with ThreadPoolExecutor(1) as pool:
    pool.submit(compare).result()
""",
}


@pytest.mark.skipif(sys.platform != "linux", reason="about the C library of Linux")
@pytest.mark.parametrize("place", CALLED)
def test_memory_that_was_freed_is_not_asked_for_again(place: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", TAKEN_AGAIN + CALLED[place]],
        env={"MALLOC_TRIM_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"},  # Dask's for its workers
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    before, after = map(int, ran.stdout.split())
    assert after < before / 20
