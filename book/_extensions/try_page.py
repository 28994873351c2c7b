"""Write the files of the page "Try it on your scan": its script, the networks, a simulated scan.

They are made of the package's own weights and of the results in git, so git has no second copy.
What cannot be made is named on the page, which is built all the same.
"""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sphinx.application import Sphinx

from kdlib.errors import InputError
from kdlib.files import write_text
from kdlib.record.results import Results
from kdlib.report.packed import packed_script
from kdlib.report.widgets.base import source
from kdlib.report.widgets.carried import nifti_bytes

PAGE = "book/try"
# The scripts in book/starter: those that also run in a worker, and those of the page alone.
LIBRARY = (
    "arrays", "morphology", "head", "sampling", "frame", "orientation", "header", "scan", "nifti",
    "slices", "answer", "brain", "doubts", "lesions", "networks", "segment",
)  # fmt: skip
OFFERED = "InputError, segment, serve, wordsOf, maskOf, lesionsIn, maskFile, viewedFile"
OWN = ("loader", "work", "viewer", "panel", "page")


def write(app: Sphinx, failed: Exception | None) -> None:
    """Sphinx calls this at the end of a build."""
    if not failed and app.builder.format == "html" and PAGE in app.env.found_docs:
        write_files(Path(app.srcdir), Path(app.outdir, "_static", "starter"))


def write_files(root: Path, out: Path) -> None:
    """Write what the page loads. ``root`` is the folder that holds ``book``."""
    out.mkdir(parents=True, exist_ok=True)
    missing = what_is_missing(root)
    write_text(out / "page.js", page_script(root / "book" / "starter", missing))
    write_text(out / "page.css", source("explorers.css") + _read(root, "style.css"))
    if not missing:
        write_text(out / "networks.js", packed_script(networks()))
        write_text(out / "example.js", packed_script({"example.nii": example(root)}))


def what_is_missing(root: Path) -> str:
    """A sentence about what this copy of the book lacks, and how to bring it. Empty: nothing."""
    lacking = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if lacking:
        names = " and ".join(lacking)
        return (
            f"This copy of the book was built without {names}: 'pip install {' '.join(lacking)}'."
        )
    vendor = root / "book" / "_static" / "vendor"
    if not all((vendor / name).exists() for name in ("onnxruntime.js", "niivue.umd.js")):
        return "This copy of the book was built without its scripts: 'python book/vendor.py'."
    return ""


def page_script(folder: Path, missing: str) -> str:
    """The page's script. What is inside the function ``kdlibStarter`` can run in a worker too."""
    library = "".join((folder / f"{name}.js").read_text() for name in LIBRARY)
    own = "".join((folder / f"{name}.js").read_text() for name in OWN)
    shared = source("parts.js") + source("planes.js")
    return (
        '"use strict";\n'
        f"function kdlibStarter() {{\n{library}return {{ {OFFERED} }};\n}}\n"
        f"{{\nconst MISSING = {json.dumps(missing)};\n{shared}{own}}}\n"
    )


def networks() -> dict[str, bytes]:
    """The starter's two networks, how the slices of the second are made, and what is doubted."""
    from kdlib.own_scans.plausibility import AIR_SHARE, BRAIN_ML, LENGTHS_MM
    from kdlib.starter.brain import brain_network
    from kdlib.starter.onnx import brain_onnx, lesion_onnx
    from kdlib.starter.starter import load_starter

    starter = load_starter()
    settings = {
        "preparation": {"voxelMm": starter.recipe.voxel_mm, "size": starter.recipe.size},
        "bounds": {"lengthsMm": LENGTHS_MM, "brainMl": BRAIN_ML, "airShare": AIR_SHARE},
    }
    return {
        "brain.onnx": brain_onnx(brain_network()),
        "lesion.onnx": lesion_onnx(starter.network, starter.recipe),
        "settings.json": json.dumps(settings).encode(),
    }


def example(root: Path) -> bytes:
    """A simulated scan that the results in git hold, as a NIfTI file."""
    for folder in sorted((root / "book" / "results").iterdir()):
        try:
            scan = next(iter(Results(folder).explored("scan").values()))
        except InputError:
            continue
        return nifti_bytes(scan["flair"].astype(np.uint8), scan["affine"]).tobytes()
    raise InputError("book/results: no study kept a scan; 'make record' writes one")


def _read(root: Path, name: str) -> str:
    return (root / "book" / "starter" / name).read_text()


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
