"""The book's JavaScript is installed by npm and checked, copied once, and asked for no more."""

import importlib.util
import json
import os
import shutil
import subprocess
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest

from kdlib.report.packed import packed_script

REPOSITORY = Path(__file__).parents[1]
SCRIPT = REPOSITORY / "book" / "vendor.py"
PACKAGED = {
    "package.json": b'{"name": "it", "version": "1.0.0"}',
    "it.js": b"'it';",
}


def loaded():
    """The script, as a module of its own."""
    spec = importlib.util.spec_from_file_location("vendor", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project whose one npm package is an archive beside its lock."""
    folder = tmp_path_factory.mktemp("project")
    with tarfile.open(folder / "it.tgz", "w:gz") as archive:
        for name, content in PACKAGED.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    (folder / "package.json").write_text(json.dumps({"dependencies": {"it": "file:it.tgz"}}))
    try:
        npm = loaded().npm()
    except OSError:
        pytest.skip("no npm on this machine, and none that can be installed")
    lock = [*npm, "install", "--package-lock-only", "--offline"]
    subprocess.run(lock, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def vendor(project, tmp_path, monkeypatch):
    """The script in a copy of the project."""
    script = loaded()
    shutil.copytree(project, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "COPIES", {"it.js": "it/it.js"})
    monkeypatch.setattr(script, "PACKED", {"packed.js": {"it": "it/it.js"}})
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))  # has seen no archive yet
    return script


def copies(vendor) -> Path:
    return vendor.ROOT / "book" / "_static" / "vendor"


def test_what_the_lock_names_is_installed_and_copied(vendor):
    assert vendor.main() == 0
    assert (copies(vendor) / "it.js").read_bytes() == PACKAGED["it.js"]
    assert (copies(vendor) / "anywidget.js").stat().st_size > 1000
    assert (copies(vendor) / "packed.js").read_text() == packed_script({"it": PACKAGED["it.js"]})


@pytest.mark.parametrize("gone", ["node_modules", "book"])
def test_what_is_there_needs_neither_npm_nor_a_network(vendor, monkeypatch, capsys, gone):
    vendor.main()
    capsys.readouterr()
    shutil.rmtree(vendor.ROOT / gone)
    monkeypatch.setattr(vendor, "npm", lambda: pytest.fail("npm was asked for"))
    assert vendor.main() == 0
    assert (copies(vendor) / "it.js").exists()
    assert capsys.readouterr() == ("", "")


def test_a_package_that_went_missing_is_installed_again(vendor):
    vendor.main()
    shutil.rmtree(vendor.ROOT / "node_modules" / "it")
    shutil.rmtree(vendor.ROOT / "book")
    assert vendor.main() == 0
    assert (copies(vendor) / "it.js").exists()


def test_one_process_at_a_time_installs(vendor, monkeypatch):
    """npm empties the folder first, so a second one would take the packages of the first."""
    at_work, most = [], []

    def install():
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.05)
        (vendor.ROOT / "node_modules" / "it").mkdir(parents=True, exist_ok=True)
        (vendor.ROOT / "node_modules" / "it" / "it.js").write_bytes(PACKAGED["it.js"])
        at_work.pop()

    monkeypatch.setattr(vendor, "_install", install)
    with ThreadPoolExecutor(3) as pool:
        assert [*pool.map(lambda _: vendor.main(), range(3))] == [0, 0, 0]
    assert most == [1]


@pytest.mark.parametrize("spoil", ["other bytes", "nothing there"])
def test_what_the_lock_does_not_know_is_refused_in_one_line(vendor, capsys, spoil):
    (vendor.ROOT / "it.tgz").unlink()
    if spoil == "other bytes":
        shutil.make_archive(str(vendor.ROOT / "it"), "gztar", REPOSITORY / "tests", "command.py")
        (vendor.ROOT / "it.tar.gz").rename(vendor.ROOT / "it.tgz")
    assert vendor.main() == 1
    assert not copies(vendor).exists()
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert "make pages" in last
    assert ("EINTEGRITY" in last) == (spoil == "other bytes")


def test_a_newer_lock_is_installed_again(vendor):
    vendor.main()
    (copies(vendor) / "it.js").write_text("of an older lock")
    later = time.time() + 1
    os.utime(vendor.ROOT / "package-lock.json", (later, later))
    assert vendor.main() == 0
    assert (copies(vendor) / "it.js").read_bytes() == PACKAGED["it.js"]


def test_the_pages_files_come_from_locked_packages_with_checksums():
    lock = (REPOSITORY / "package-lock.json").read_text()
    packages = json.loads(lock)["packages"]
    wanted = json.loads((REPOSITORY / "package.json").read_text())["dependencies"]
    for name, version in wanted.items():
        assert packages[f"node_modules/{name}"]["version"] == version
    assert all(p["integrity"].startswith("sha512-") for name, p in packages.items() if name)
    assert '"resolved"' not in lock
