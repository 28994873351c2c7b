"""Offer every notebook page as a notebook, and leave out what no reader needs.

The theme offers notebooks only where it knows the repository, and with the outputs that their pages
show, which would double the book's size.
"""

import shutil
from pathlib import Path
from typing import Any

import nbformat
from sphinx.application import Sphinx


def offer(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Give a text notebook's page the download that the theme looks for."""
    executed = Path(app.outdir).parent / "jupyter_execute" / f"{page}.ipynb"
    if context.get("page_source_suffix") == ".md" and executed.exists():
        _write(nbformat.read(executed, as_version=4), Path(app.outdir) / f"_sources/{page}.ipynb")
        context["ipynb_source"] = f"{page}.ipynb"


def clear(app: Sphinx, failed: Exception | None) -> None:
    """Take out the notebooks' outputs, the themes' source maps and their other languages."""
    for path in Path(app.outdir, "_sources").rglob("*.ipynb"):
        _write(nbformat.read(path, as_version=4), path)
    for path in Path(app.outdir, "_static").rglob("*.map"):
        path.unlink()
    shutil.rmtree(Path(app.outdir, "_static", "locales"), ignore_errors=True)


def _write(notebook: nbformat.NotebookNode, path: Path) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.pop("widgets", None)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.connect("html-page-context", offer, priority=400)  # before the theme's own
    app.connect("build-finished", clear)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
