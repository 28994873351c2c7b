"""Leave out the scripts of thebe, with which no page runs code.

The book's theme brings them, and puts one of them on every page twice, which is an error there.
"""

from typing import Any

from sphinx.application import Sphinx


def leave_out(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Take the scripts of thebe from those of a page."""
    scripts = context["script_files"]
    context["script_files"] = [script for script in scripts if not _of_thebe(script)]


def _of_thebe(script: Any) -> bool:
    return "thebe" in str(script.filename) or "THEBE_JS_URL" in script.attributes.get("body", "")


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.connect("html-page-context", leave_out, priority=900)  # after all scripts are there
    return {"parallel_read_safe": True, "parallel_write_safe": True}
