"""The downloader, against a local server that has every kind of trouble."""

import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from types import SimpleNamespace

import pytest

from kdlib.data.download import DOI, fetch
from kdlib.errors import InputError
from tests.data.archive_server import NAMES, Server, content


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield running
        running.released.set()
        running.shutdown()
        thread.join()


def names_in(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def assert_whole(folder, names=NAMES):
    """Exactly these files lie in the folder, each as it was served."""
    assert names_in(folder) == set(names)
    assert all((folder / name).read_bytes() == content(name) for name in names)


def refused(server, folder, match, **choices):
    with pytest.raises(InputError, match=match) as caught:
        fetch(folder, server=server.url, **choices)
    assert "\n" not in str(caught.value)


def test_everything_arrives_in_the_archives_own_folders(server, tmp_path):
    summary = fetch(tmp_path / "new" / "wmh", server=server.url)
    assert_whole(tmp_path / "new" / "wmh")
    assert (summary.fetched, summary.already_whole) == (len(NAMES), 0)
    assert summary.total_bytes == 20_000 * len(NAMES)
    assert "CC BY-NC 4.0" in summary.notice
    assert DOI in summary.notice


def test_a_second_call_fetches_nothing(server, tmp_path):
    fetch(tmp_path, server=server.url)
    asked = Counter(server.asked)
    summary = fetch(tmp_path, server=server.url)
    assert (summary.fetched, summary.already_whole) == (0, len(NAMES))
    assert server.asked - asked == {"list": 1}


def test_progress_counts_every_byte_once(server, tmp_path):
    seen = []
    fetch(tmp_path, server=server.url, on_progress=lambda *call: seen.append(call))
    assert {name for name, _, _ in seen} == set(NAMES)
    assert [done for _, done, _ in seen] == [20_000 * (n + 1) for n in range(len(NAMES))]
    assert {total for _, _, total in seen} == {20_000 * len(NAMES)}


def test_fetched_files_may_be_read_by_whom_the_folder_says(server, tmp_path):
    tmp_path.chmod(0o755)
    fetch(tmp_path, server=server.url)
    assert (tmp_path / NAMES[0]).stat().st_mode & 0o777 == 0o644


CHOICES = [
    ({"only": "training"}, [0, 1, 2, 3, 4, 5, 6, 8]),
    ({"only": "test"}, [0, 7]),
    ({"clinic": "utrecht"}, [0, 1, 4, 8]),
    ({"clinic": "amsterdam-philips"}, [0, 7]),
    ({"clinic": "utrecht", "only": "test"}, [0]),
]


@pytest.mark.parametrize(("choices", "numbers"), CHOICES)
def test_a_choice_brings_its_files_and_those_of_no_subject(server, tmp_path, choices, numbers):
    fetch(tmp_path, server=server.url, **choices)
    assert_whole(tmp_path, [NAMES[number] for number in numbers])


@pytest.mark.parametrize(
    "choices", [{"only": "validation"}, {"clinic": "Delft"}, {"workers": 0}], ids=str
)
def test_an_unknown_choice_is_refused_before_anything_is_asked(server, tmp_path, choices):
    refused(server, tmp_path / "new", "choose", **choices)
    assert not server.asked
    assert not (tmp_path / "new").exists()


def test_passing_trouble_is_retried_until_every_file_is_whole(server, tmp_path):
    kinds = [["error"], ["error", "error"], ["cut"], ["corrupt"], ["slow"]]
    trouble = dict(zip(["list", *NAMES[:4]], kinds, strict=True))
    server.mischief.update({name: list(kind) for name, kind in trouble.items()})
    fetch(tmp_path, server=server.url, timeout_seconds=0.5)
    assert_whole(tmp_path)
    assert server.asked == {name: 1 + len(trouble.get(name, "")) for name in ["list", *NAMES]}
    assert not server.endured  # The client gave up on the slow answer first.


@pytest.mark.parametrize("mischief", ["error", "cut", "corrupt", "slow"])
def test_lasting_trouble_names_the_file_and_never_looks_whole(server, tmp_path, mischief):
    server.mischief[NAMES[2]] = [mischief] * 2
    refused(server, tmp_path, NAMES[2], retries=0, timeout_seconds=0.3)
    assert_whole(tmp_path, [name for name in NAMES if name != NAMES[2]])


def test_a_dead_server_ends_the_whole_after_some_files(server, tmp_path):
    server.names = [f"training/Utrecht/{n}/wmh.nii.gz" for n in range(60)]
    server.mischief = defaultdict(list, {name: ["error"] for name in server.names})
    refused(server, tmp_path, "10 of 60 files could not be fetched", retries=0)
    assert server.asked.total() < 30


def test_no_server_at_all_is_one_clear_line(tmp_path):
    with pytest.raises(InputError, match="list of files cannot be fetched"):
        fetch(tmp_path / "new", server="http://127.0.0.1:9", retries=0)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("answer", [b"<html>", b'{"status": "ERROR"}', b"{}", b"\xff"])
def test_an_answer_that_is_no_list_is_refused(server, tmp_path, answer):
    server.answer = answer
    refused(server, tmp_path, "not a list of a dataset's files")


UP_OR_ODD = [
    "../outside",
    "training/../../outside",
    "training//outside",
    "training/..",
    "./outside",
]
ELSEWHERE = ["/etc/outside", "C:/outside", "C:outside", "..\\outside", "out\0side", "out\nside"]


@pytest.mark.parametrize("name", [*UP_OR_ODD, *ELSEWHERE, ".fetch/lock"])
def test_a_name_that_leaves_the_folder_is_refused_before_anything_is_fetched(
    server, tmp_path, name
):
    server.names.append(name)
    refused(server, tmp_path / "wmh", "the archive has a file with the unsafe name")
    assert server.asked == {"list": 1}
    assert not names_in(tmp_path)


def test_a_link_that_leaves_the_folder_is_refused(server, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "wmh").mkdir()
    (tmp_path / "wmh" / "training").symlink_to(tmp_path / "outside")
    refused(server, tmp_path / "wmh", "leads out of the folder")
    assert not names_in(tmp_path / "outside")


def test_one_name_for_two_files_is_refused(server, tmp_path):
    server.names.append(NAMES[0].lower())
    refused(server, tmp_path, "two files with the name")


def test_a_damaged_file_on_disk_is_fetched_again_and_no_other(server, tmp_path):
    fetch(tmp_path, server=server.url)
    server.asked.clear()
    (tmp_path / NAMES[3]).write_bytes(b"\0" * 20_000)
    (tmp_path / NAMES[4]).write_bytes(b"short")
    fetch(tmp_path, server=server.url)
    assert_whole(tmp_path)
    assert server.asked == {"list": 1, NAMES[3]: 1, NAMES[4]: 1}


def test_a_killed_fetch_leaves_nothing_half_and_goes_on_where_it_was(server, tmp_path):
    server.mischief[NAMES[3]] = ["half_then_slow"]
    call = f"fetch({str(tmp_path)!r}, server={server.url!r}, workers=1)"
    script = f"from kdlib.data.download import fetch; {call}"
    with subprocess.Popen([sys.executable, "-c", script]) as client:
        assert server.stuck.wait(60)
        client.send_signal(signal.SIGKILL)
    server.released.set()
    assert {name for name in names_in(tmp_path) if ".fetch" not in name} == set(NAMES[:3])
    server.asked.clear()
    summary = fetch(tmp_path, server=server.url)
    assert_whole(tmp_path)
    assert server.asked == {"list": 1} | dict.fromkeys(NAMES[3:], 1)
    assert (summary.fetched, summary.already_whole) == (len(NAMES) - 3, 3)


def test_two_fetches_never_fill_one_folder_at_once(server, tmp_path):
    server.mischief[NAMES[0]] = ["half_then_slow"]
    first = threading.Thread(target=fetch, args=(tmp_path,), kwargs={"server": server.url})
    first.start()
    assert server.stuck.wait(20)
    refused(server, tmp_path, "another 'kdlib fetch'")
    server.released.set()
    first.join()
    assert_whole(tmp_path)


def test_a_disk_too_small_is_refused_before_anything_is_fetched(server, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=2**28 + 1000))
    refused(server, tmp_path / "new", r"0\.0 GB are needed, 0\.3 GB are free")
    assert server.asked == {"list": 1}
    assert not (tmp_path / "new").exists()


def test_a_disk_that_fills_meanwhile_ends_the_fetch_with_nothing_half(server, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        refused(server, tmp_path / "wmh", "cannot be written")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not names_in(tmp_path)


def test_a_whole_folder_needs_no_free_disk(server, tmp_path, monkeypatch):
    fetch(tmp_path, server=server.url)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    assert fetch(tmp_path, server=server.url).already_whole == len(NAMES)


@pytest.mark.parametrize("blocked", ["wmh", "wmh/training"])
def test_a_file_where_a_folder_belongs_is_refused(server, tmp_path, blocked):
    (tmp_path / blocked).parent.mkdir(exist_ok=True)
    (tmp_path / blocked).write_bytes(b"mine")
    refused(server, tmp_path / "wmh", "this is a file|cannot be written")
    assert (tmp_path / blocked).read_bytes() == b"mine"
