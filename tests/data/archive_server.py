"""A local server that speaks the archive's API, and misbehaves on demand."""

import hashlib
import json
import threading
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kdlib.data.download import DOI

SITES = ["Utrecht", "Singapore", "Amsterdam/GE3T"]
NAMES = [
    "README.txt",
    *[f"training/{site}/0/pre/FLAIR.nii.gz" for site in SITES],
    *[f"training/{site}/0/wmh.nii.gz" for site in SITES],
    "test/Amsterdam/Philips_VU .PETMR_01./160/pre/FLAIR.nii.gz",
    "additional_annotations/observer_o3/training/Utrecht/0/result.nii.gz",
]


def content(name):
    return hashlib.shake_256(name.encode()).digest(20_000)


def entry(number, name):
    """One file as the API lists it."""
    directory, _, label = name.rpartition("/")
    checksum = {"type": "SHA-1", "value": hashlib.sha1(content(name)).hexdigest()}
    data_file = {"id": number, "filename": label, "filesize": 20_000, "checksum": checksum}
    return {"label": label, "dataFile": data_file} | (
        {"directoryLabel": directory} if directory else {}
    )


class Handler(BaseHTTPRequestHandler):
    """Answers of the archive; ``server.mischief[name]`` holds what to do wrong, in turn."""

    def do_GET(self):
        server = self.server
        if self.path == f"/api/datasets/:persistentId/?persistentId=doi:{DOI}":
            name, body = "list", server.listing()
        else:
            name = server.names[int(self.path.removeprefix("/api/access/datafile/"))]
            body = content(name)
        server.asked[name] += 1
        mischief = server.mischief[name].pop(0) if server.mischief[name] else "none"
        getattr(self, mischief)(body)

    def none(self, body, sent=None):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:sent])

    def error(self, body):
        self.send_error(500)

    def cut(self, body):
        self.none(body, sent=len(body) // 2)

    def corrupt(self, body):
        self.none(b"\0" + body[1:])

    def slow(self, body):
        if not self.server.released.wait(20):
            self.server.endured = True

    def half_then_slow(self, body):
        self.cut(body)
        self.wfile.flush()
        self.server.stuck.set()
        self.server.released.wait(20)

    def log_message(self, *args):
        """Keep the tests' output quiet."""


class Server(ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.names, self.asked, self.mischief = list(NAMES), Counter(), defaultdict(list)
        self.stuck, self.released = threading.Event(), threading.Event()
        self.answer, self.endured = None, False

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def listing(self):
        files = [entry(number, name) for number, name in enumerate(self.names)]
        answer = {"status": "OK", "data": {"latestVersion": {"files": files}}}
        return json.dumps(answer).encode() if self.answer is None else self.answer
