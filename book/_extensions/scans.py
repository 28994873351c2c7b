"""Write the whole scans of the explorers beside the book, for pages that load them when asked."""

from pathlib import Path

from sphinx.application import Sphinx

from kdlib.files import write_text
from kdlib.record.choice import results_to_show
from kdlib.report.packed import script_of
from kdlib.report.widgets.carried import scan_files

PAGE = "book/10_explorers"


def write(app: Sphinx, failed: Exception | None) -> None:
    """Sphinx calls this at the end of a build."""
    if failed or app.builder.format != "html" or PAGE not in app.env.found_docs:
        return
    out = Path(app.outdir, "_static", "scans")
    out.mkdir(parents=True, exist_ok=True)
    for file in scan_files(results_to_show()):
        write_text(out / f"{file.name}.js", script_of({file.name: file.packed}))


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
