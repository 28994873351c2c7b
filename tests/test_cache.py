"""Laws of the cache."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kdlib.cache import VARIABLE, cached


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


class Maker:
    """Makes an array, and counts how often."""

    times = 0

    def __call__(self) -> np.ndarray:
        self.times += 1
        return np.arange(6, dtype=np.float32).reshape(2, 3)


def test_what_was_made_is_read_and_is_the_same(folder: Path) -> None:
    make = Maker()
    first, second = cached("a", ["code"], make), cached("a", ["code"], make)
    assert make.times == 1
    assert second.dtype == first.dtype
    np.testing.assert_array_equal(second, first)


def test_a_change_of_what_was_read_is_the_readers_own(folder: Path) -> None:
    make = Maker()
    cached("a", ["code"], make)
    cached("a", ["code"], make)[:] = 9
    np.testing.assert_array_equal(cached("a", ["code"], make), make())


def test_what_follows_from_something_else_is_made_anew_and_takes_the_place(folder: Path) -> None:
    make = Maker()
    for code, name in (("code", "a"), ("code", "b"), ("other", "a")):
        cached(name, [code], make)
    assert make.times == 3
    assert [path.name[0] for path in sorted(folder.glob("*.npy"))] == ["a", "b"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda held: held[:0],
        lambda held: held[:5],
        lambda held: held[:-1],
        lambda held: held[:-2] + b"?" + held[-1:],
        lambda held: held.replace(b"(2, 3)", b"(3, 2)"),
    ],
)
def test_a_file_that_is_damaged_is_made_anew(
    folder: Path, damage: Callable[[bytes], bytes]
) -> None:
    make = Maker()
    cached("a", ["code"], make)
    (file,) = folder.glob("*.npy")
    file.write_bytes(damage(file.read_bytes()))
    np.testing.assert_array_equal(cached("a", ["code"], make), Maker()())
    cached("a", ["code"], make)
    assert make.times == 2


def test_without_a_folder_everything_is_made_each_time(folder: Path) -> None:
    folder.write_text("a file in the place of the folder")
    make = Maker()
    for _ in range(2):
        np.testing.assert_array_equal(cached("a", ["code"], make), Maker()())
    assert make.times == 2
