"""Tensors that are joined on the disk are those that are joined in memory."""

import resource
from pathlib import Path

import pytest
import torch

import kdlib.joined
from kdlib.errors import path_refused
from kdlib.joined import joined, memory_limit
from kdlib.training import train
from tests.methods.made import make


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine whose memory holds nothing; returns its temporary folder."""
    monkeypatch.setattr(kdlib.joined, "memory_limit", lambda: 100.0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8])
def test_what_memory_does_not_hold_is_mapped_and_the_same(small: Path, dtype: torch.dtype) -> None:
    parts = [torch.randn(n, 2, 5, 7).mul(9).to(dtype) for n in (3, 1, 4)]
    mapped = joined(iter(parts))
    assert torch.equal(mapped, torch.cat(parts))
    assert torch.equal(mapped[torch.tensor([7, 0, 3])], torch.cat(parts)[[7, 0, 3]])
    assert list(small.iterdir()) == []  # nothing is left for others to find or to remove


def test_a_mapped_tensor_is_no_part_of_the_programs_memory(small: Path) -> None:
    before = own_mb()
    mapped = joined(torch.ones(1, 1024, 1024) for _ in range(64))
    assert mapped.nbytes == 256 * 1024**2
    assert own_mb() - before < 64


def test_a_full_disk_is_told_with_the_temporary_folder(small: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            joined(torch.ones(8, 8, 8) for _ in range(9))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path_refused(caught.value).startswith(f"{small}: file too large; free some space")


def own_mb() -> float:
    """The MB of this process that are its own, and not a file's."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 1024


def test_a_limit_of_the_process_counts() -> None:
    assert 0 < memory_limit() < float("inf")


def test_a_training_on_mapped_slices_gives_the_same_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = make("distillation")
    monkeypatch.setattr(kdlib.joined, "memory_limit", lambda: 100.0)
    mapped = make("distillation")
    for method in (mapped, held):
        train(method)
    first, second = (method.result.state_dict() for method in (mapped, held))
    assert all(torch.equal(first[key], second[key]) for key in first)
