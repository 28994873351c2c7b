"""Pages in a real browser, without a network: for the tests of the explorers and of "Try it"."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
NO_SCRIPTS = "no JavaScript for the browser tests: 'python book/vendor.py' says why"
# WebGL is drawn by software. All else is put together without it, which takes less: a page that
# nobody touches took a third of a core.
SOFTWARE_WEBGL = [
    "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",
]  # fmt: skip


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A server of a folder on this machine: its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window. While it is there no other test can run an event loop."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium: 'apt-get install chromium' runs the browser tests")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", *SOFTWARE_WEBGL]
        )


def _keep_errors(page, message):
    if message.type == "error":
        page.complaints.append(f"{message.text} {message.location.get('url', '')}")


@contextmanager
def watched(browser, home, width=1280, height=900):
    """A new page that gets nothing but what lies below ``home``.

    At its end nothing else was asked for, and the browser has complained of nothing.
    """
    page = browser.new_page(viewport={"width": width, "height": height})
    page.complaints, page.asked = [], []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", partial(_keep_errors, page))

    def gate(route):
        if route.request.url.startswith((home, "data:", "blob:")):
            route.continue_()
        else:
            page.asked.append(route.request.url)
            route.abort()

    page.route("**/*", gate)
    yield page
    assert page.asked == []
    assert page.complaints == []
    page.close()


def png_pixels(content):
    """The colours of a picture, (rows, columns, 3)."""
    return np.asarray(Image.open(BytesIO(content)).convert("RGB")).astype(int)
