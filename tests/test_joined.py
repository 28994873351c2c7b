"""Tensors that are joined on the disk are those that are joined in memory."""

import resource
from pathlib import Path

import pytest
import torch

import kdlib.joined
from kdlib.errors import path_refused
from kdlib.joined import joined, memory_limit, share_memory
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


@pytest.mark.parametrize(
    ("groups", "limits", "least"),
    [
        ("0::/slurm/job_1/step_0", {"slurm/job_1": "3000", "slurm/job_1/step_0": "max"}, 3000),
        ("0::/a/b", {"a": "5000", "a/b": "7000", ".": "6000"}, 5000),
        ("0::/not/seen/from/here", {".": "4000"}, 4000),
        ("5:cpu:/a\n4:memory:/a/b", {"cpu/a": "10", "memory/a": "2000", "memory": "9000"}, 2000),
        ("4:memory:/", {"memory": "9223372036854771712"}, None),
        ("0::/", {}, None),
    ],
)
def test_the_least_limit_of_all_groups_around_counts(
    groups: str, limits: dict[str, str], least: int | None, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "cgroup").write_text(f"{groups}\n")
    name = "memory.max" if groups.startswith("0") else "memory.limit_in_bytes"
    for folder, limit in limits.items():
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / name).write_text(f"{limit}\n")
    monkeypatch.setattr(kdlib.joined, "GROUPS", tmp_path / "none")
    whole = memory_limit()
    monkeypatch.setattr(kdlib.joined, "GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(kdlib.joined, "GROUP_FOLDERS", tmp_path)
    assert memory_limit() == (least or whole)


def test_processes_of_one_machine_share_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kdlib.joined, "_processes", 1)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    alone = memory_limit()
    share_memory(4)
    assert memory_limit() == alone / 4


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
