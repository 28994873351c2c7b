"""Fetch the JavaScript that the book's pages run, so that no page asks a network for it.

Pinned npm packages come from the npm registry, checked against the digests below (a package's
``dist.integrity``, which `npm view NAME@VERSION dist.integrity` prints). No Node.js is needed. What
is there already is not fetched again.
"""

import base64
import hashlib
import json
import shutil
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import pooch

from kdlib.files import atomic, write_text

REGISTRY = "https://registry.npmjs.org"
FOLDER = Path(__file__).parent / "_static" / "vendor"


@dataclass(frozen=True)
class Package:
    """Files of one version of an npm package, and the sha512 of the whole package."""

    name: str
    version: str
    files: tuple[str, ...]
    integrity: str

    @property
    def archive(self) -> str:
        return f"{self.name.split('/')[-1]}-{self.version}.tgz"

    @property
    def url(self) -> str:
        return f"{REGISTRY}/{self.name}/-/{self.archive}"

    @property
    def sha512(self) -> str:
        return "sha512:" + base64.b64decode(self.integrity).hex()


PACKAGES = [
    # Loads the widgets' code; html-manager expects it.
    Package(
        "requirejs", "2.3.8", ("require.js",),
        "7/cTSLOdYkNBNJcDMWf+luFvMriVm7eYxp4BcFCsAX0wF421Vyce5SXP17c+Jd5otXKGNehIonFlyQXSowL6Mw==",
    ),
    # Shows Jupyter widgets in a page without a kernel; asks for the font of their symbols.
    Package(
        "@jupyter-widgets/html-manager", "1.0.15",
        (
            "dist/embed-amd.js",
            "dist/embed.js.LICENSE.txt",
            "dist/1551f4f60c37af51121f.woff2",  # symbols
            "dist/d878b0a6a1144760244f.woff2",  # marks such as that of GitHub
        ),
        "5thBIV6ymNgmPVOHvzx+gGy8ZSKmSazhtGw4/c4xJDVzRhG9PTeQsRjF3FUTopvFi//SABeNz1yp47bCrJ3CQA==",
    ),
    # Draws scans in three planes.
    Package(
        "@niivue/niivue", "0.69.0", ("dist/niivue.umd.js",),
        "YMjQvJgD1W2b7DuoxkwlC4VxbrgIePRJ5qyQzXKxi2v2MBVg285P/CIQyg46oDDGDIcaNlbd+MhtO/edMbXJkA==",
    ),
    # Sets the formulas.
    Package(
        "mathjax", "3.2.2", ("es5/tex-svg.js", "LICENSE"),
        "Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
    ),
]  # fmt: skip
ANYWIDGET = "anywidget/index.js"  # in its wheel: the half of anywidget that runs in a page


def main() -> int:
    """Fill ``_static/vendor``; exit status 1 and one clear line where that fails."""
    if _complete():
        return 0
    try:
        _fetch()
    except (OSError, ValueError, tarfile.TarError, KeyError) as error:
        print(
            f"book/vendor.py: the JavaScript of the book's explorers could not be fetched from "
            f"{REGISTRY} ({error}). Check the network or its proxy (https_proxy), then say "
            "`make pages` again. Until then the explorers are still pictures.",
            file=sys.stderr,
        )
        return 1
    return 0


def _fetch() -> None:
    print(f"Fetching the JavaScript of the book's explorers into {FOLDER.name}/", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        archives = pooch.create(
            folder,
            REGISTRY,
            registry={package.archive: package.sha512 for package in PACKAGES},
            urls={package.archive: package.url for package in PACKAGES},
            retry_if_failed=3,
        )
        for package in PACKAGES:
            _take_out(package, Path(archives.fetch(package.archive)))
    with atomic(FOLDER / "anywidget.js") as temporary:
        shutil.copyfile(_anywidget(), temporary)
    write_text(FOLDER / "contents.json", json.dumps(_contents(), indent=1))


def _take_out(package: Package, archive: Path) -> None:
    """Copy the files that are used out of a checked archive."""
    with tarfile.open(archive) as packed:
        for file in package.files:
            content = packed.extractfile(f"package/{file}")
            if content is None:
                raise KeyError(f"{package.archive} has no {file}")
            with atomic(FOLDER / _vendored(package, file)) as temporary:
                temporary.write_bytes(content.read())


def _vendored(package: Package, file: str) -> str:
    name = Path(file).name
    return f"{package.name}.LICENSE.txt" if name == "LICENSE" else name


def _anywidget() -> Path:
    files = distribution("anywidget").files or []
    found = [file for file in files if str(file).endswith(f"nbextensions/{ANYWIDGET}")]
    return Path(str(found[0].locate()))


def _contents() -> dict[str, object]:
    """What the folder was filled with: packages, anywidget's version, a digest of each file."""
    names = [_vendored(package, file) for package in PACKAGES for file in package.files]
    return {
        "packages": [f"{package.name}@{package.version}" for package in PACKAGES],
        "anywidget": distribution("anywidget").version,
        "sha256": {
            name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
            for name in [*names, "anywidget.js"]
        },
    }


def _complete() -> bool:
    try:
        return json.loads((FOLDER / "contents.json").read_text()) == _contents()
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(main())
