"""Laws of folders in the making: a dead process leaves none for ever, a living one keeps it."""

import os
import signal
import time
from pathlib import Path

import pytest

from kdlib import unfinished
from kdlib.errors import InputError
from kdlib.files import filled_folder, whole_folder, write_text
from kdlib.unfinished import PREFIX, SILENT, refuse_filled
from tests.copies import Copy, Say


def fill(folder: Path) -> None:
    with whole_folder(folder, last="last") as new:
        write_text(new / "last", "new")


def half(folder: Path) -> list[Path]:
    return list(folder.glob(f"{PREFIX}*"))


def writer(folder: Path) -> Copy:
    """A process that has begun to fill ``folder``, and does not end by itself."""

    def work(say: Say) -> None:
        with whole_folder(folder, last="last") as new:
            write_text(new / "table", "half")
            say("begun")
            time.sleep(600)

    copy = Copy(work)
    assert copy.said.readline() == "begun\n"
    return copy


def kill(copy: Copy) -> None:
    os.kill(copy.number, signal.SIGKILL)
    assert copy.end() == -signal.SIGKILL


def age(folder: Path) -> None:
    """Make all in ``folder`` look as if nothing had changed for long."""
    for path in (*folder.rglob("*"), folder):
        old = path.stat().st_mtime - SILENT - 1
        os.utime(path, (old, old))


def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path: Path) -> None:
    kill(writer(tmp_path))
    assert half(tmp_path)
    fill(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["last"]


def test_what_a_living_process_writes_stays_however_long_it_takes(tmp_path: Path) -> None:
    copy = writer(tmp_path)
    age(half(tmp_path)[0])
    fill(tmp_path)
    assert (half(tmp_path)[0] / "new" / "table").read_text() == "half"
    kill(copy)


@pytest.mark.parametrize("kind", ["another machine", "no flock", "no owner"])
def test_where_a_lock_tells_nothing_a_week_without_a_change_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind == "no flock":
        monkeypatch.setattr(unfinished, "lock_descriptor", refuse)
    kill(writer(tmp_path))
    (left,) = half(tmp_path)
    if kind == "another machine":
        monkeypatch.setattr(unfinished, "machine", lambda _: "another")
    if kind == "no owner":
        (left / "owner").unlink()
    fill(tmp_path)
    assert half(tmp_path) == [left]
    age(left)
    fill(tmp_path)
    assert not half(tmp_path)


def refuse(*_: object, **__: object) -> bool:
    raise OSError(37, "No locks available")


def test_a_folder_is_empty_though_a_killed_process_began_to_fill_it(tmp_path: Path) -> None:
    copy = writer(tmp_path)
    with pytest.raises(InputError, match=rf"there are files in it, such as {PREFIX}.*; name a new"):
        refuse_filled(tmp_path)
    kill(copy)
    refuse_filled(tmp_path)
    assert not half(tmp_path)
    with filled_folder(tmp_path) as new:
        write_text(new / "table", "new")


def test_a_file_is_no_place_for_a_folder(tmp_path: Path) -> None:
    refuse_filled(tmp_path / "new")
    write_text(tmp_path / "out", "mine")
    with pytest.raises(InputError, match="out: this is a file; name a new folder"):
        refuse_filled(tmp_path / "out")
