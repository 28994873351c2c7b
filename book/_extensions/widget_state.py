"""Keep the explorers' data inside their script tags, whatever names a study gives its arms.

The data are JSON in a script tag of the page, and what a name holds might end that tag. JSON may
write a "<" as its number, which no page takes for the start of a tag.
"""

from typing import Any

from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx


def escape(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Write every "<" of a page's JSON as ``\\u003c``."""
    for _, attributes in NbMetadataCollector.get_js_files(app.env, page).values():
        if "json" in attributes.get("type", ""):
            attributes["body"] = attributes["body"].replace("<", r"\u003c")


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.connect("html-page-context", escape, priority=400)  # before the page is given its scripts
    return {"parallel_read_safe": True, "parallel_write_safe": True}
