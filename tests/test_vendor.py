"""The book's JavaScript is fetched whole and checked, or not at all."""

import base64
import hashlib
import importlib.util
import io
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "book" / "vendor.py"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def vendor(tmp_path, monkeypatch):
    """The script, with a registry of one package on this machine and an empty folder to fill."""
    spec = importlib.util.spec_from_file_location("vendor", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("package/dist/it.js")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"'it';"))
    served = tmp_path / "registry" / "it" / "-" / "it-1.0.0.tgz"
    served.parent.mkdir(parents=True)
    served.write_bytes(packed.getvalue())
    digest = base64.b64encode(hashlib.sha512(packed.getvalue()).digest()).decode()
    handler = partial(Quiet, directory=tmp_path / "registry")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(script, "REGISTRY", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr(script, "FOLDER", tmp_path / "vendor")
        package = script.Package("it", "1.0.0", ("dist/it.js",), digest)
        monkeypatch.setattr(script, "PACKAGES", [package])
        script.served = served
        yield script
        server.shutdown()


def test_a_package_of_the_pinned_digest_is_unpacked_and_fetched_once(vendor):
    assert vendor.main() == 0
    assert (vendor.FOLDER / "it.js").read_text() == "'it';"
    assert (vendor.FOLDER / "anywidget.js").stat().st_size > 1000
    vendor.served.unlink()
    assert vendor.main() == 0


@pytest.mark.parametrize("spoil", ["other bytes", "nothing there"])
def test_what_is_not_the_pinned_package_is_refused_in_one_line(vendor, capsys, monkeypatch, spoil):
    monkeypatch.setattr("time.sleep", lambda _: None)
    if spoil == "other bytes":
        vendor.served.write_bytes(b"something else")
    else:
        vendor.served.unlink()
    assert vendor.main() == 1
    assert not vendor.FOLDER.exists()
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert "make pages" in last


def test_a_file_changed_by_hand_is_fetched_again(vendor):
    vendor.main()
    (vendor.FOLDER / "it.js").write_text("changed")
    assert vendor.main() == 0
    assert (vendor.FOLDER / "it.js").read_text() == "'it';"
