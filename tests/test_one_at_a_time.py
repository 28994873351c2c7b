"""One process at a time works in a folder."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kdlib.errors import WaitingWarning
from kdlib.one_at_a_time import alone_in


def test_two_never_work_in_one_folder_at_once(tmp_path: Path) -> None:
    inside: list[int] = []

    def work(number: int) -> None:
        with alone_in(tmp_path):
            assert inside == []
            inside.append(number)
            time.sleep(0.1)
            inside.remove(number)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    assert list(tmp_path.iterdir()) == []


def test_a_new_folder_stays_only_with_something_in_it(tmp_path: Path) -> None:
    with alone_in(tmp_path / "refused"):
        pass
    with alone_in(tmp_path / "results"):
        (tmp_path / "results" / "table").touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results"]


def test_who_waits_for_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdlib.one_at_a_time.SECONDS_UNTOLD", 0.05)

    def briefly() -> None:
        with alone_in(tmp_path):
            time.sleep(0.5)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(briefly)
        time.sleep(0.1)
        with pytest.warns(WaitingWarning, match="another process writes"), alone_in(tmp_path):
            pass
        first.result()
