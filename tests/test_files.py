"""Laws of files that appear whole or not at all."""

import errno
import os
from pathlib import Path

import pytest
import torch

from kdlib.errors import InputError
from kdlib.files import filled_folder, whole_folder, write_text
from kdlib.kept import write_tensors


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def fill(folder: Path, error: OSError | None = None) -> None:
    """Write two files that belong together, and then fail with ``error`` if there is one."""
    with whole_folder(folder, last="last") as new:
        write_text(new / "last", "new")
        write_text(new / "first", "new")
        if error is not None:
            raise OSError(error.errno, error.strerror, str(new / "last"))


def test_new_files_come_together_and_other_files_stay(tmp_path: Path) -> None:
    write_text(tmp_path / "last", "old")
    write_text(tmp_path / "own", "mine")
    fill(tmp_path)
    assert texts(tmp_path) == {"last": "new", "first": "new", "own": "mine"}


def test_after_an_error_the_folder_is_as_it_was(tmp_path: Path) -> None:
    write_text(tmp_path / "last", "old")
    with pytest.raises(OSError, match="no space") as refused:
        fill(tmp_path, OSError(errno.ENOSPC, "no space"))
    assert refused.value.filename == str(tmp_path / "last")
    assert texts(tmp_path) == {"last": "old"}


def test_files_that_cannot_be_moved_leave_the_folder_as_it_was(tmp_path: Path) -> None:
    write_text(tmp_path / "last", "old")
    (tmp_path / "first" / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="first"):
        fill(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "last"]
    assert (tmp_path / "last").read_text() == "old"


@pytest.mark.parametrize("stopped_at", range(1, 7))
def test_a_stop_between_two_moves_is_undone_and_no_moment_has_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_at: int
) -> None:
    for name in ("a", "b", "last"):
        write_text(tmp_path / name, "old")
    moves, replace = [], os.replace

    def move(old: Path, new: Path) -> None:
        moves.append(new)
        if len(moves) == stopped_at:
            raise KeyboardInterrupt
        replace(old, new)
        assert any((tmp_path / name).exists() for name in ("a", "b"))

    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path, last="last") as new:  # noqa: PT012
        for name in ("a", "b", "last"):
            (new / name).write_text("new")
        monkeypatch.setattr(os, "replace", move)
    assert texts(tmp_path) == {"a": "old", "b": "old", "last": "old"}


def test_a_folder_is_filled_with_all_or_with_nothing(tmp_path: Path) -> None:
    with filled_folder(tmp_path / "out") as new:
        write_text(new / "anna" / "scan", "new")
        write_text(new / "table", "new")
    assert (tmp_path / "out/anna/scan").read_text() == (tmp_path / "out/table").read_text() == "new"


def test_a_folder_that_is_not_filled_stays_empty_and_the_error_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused, filled_folder(tmp_path) as new:  # noqa: PT012
        write_text(new / "table", "new")
        raise InputError(f"{new}/anna/scan: bad")
    assert str(refused.value) == f"{tmp_path}/anna/scan: bad"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_filled_to_its_end_is_empty(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="table"), filled_folder(tmp_path) as new:  # noqa: PT012
        write_text(new / "anna" / "scan", "new")
        write_text(new / "table", "new")
        (tmp_path / "table" / "in the way").mkdir(parents=True)
    assert not (tmp_path / "anna").exists()


def test_the_disk_has_the_bytes_of_a_run_before_it_has_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that stops in between must not leave a file that is there but empty."""
    on_disk, moved, fsync, replace = set(), [], os.fsync, os.replace

    def reached(file: int) -> None:
        on_disk.add(os.fstat(file).st_ino)
        fsync(file)

    def move(old: Path, new: Path) -> None:
        if new.parent == tmp_path:
            moved.append(old.stat().st_ino)
            assert moved[-1] in on_disk, new
        replace(old, new)

    monkeypatch.setattr(os, "fsync", reached)
    monkeypatch.setattr(os, "replace", move)
    fill(tmp_path)
    write_tensors(tmp_path / "checkpoint.safetensors", {"weight": torch.zeros(3)})
    assert len(moved) == 3
