"""Keep a number and its unit on one line: between them stands a space that does not break."""

import re

from docutils import nodes
from sphinx.application import Sphinx

UNIT = r"(?<=\d)[ \n](?=(?:%|mm|mL|minutes)(?!\w)|mm[²³])"
RELATION = r"(?<=[<>=≥≤])[ \n](?=[\d−+-])|(?<=\b[pnT])[ \n](?=[<>=])"
CLOSE = r"(?<=\d)(?=%(?!\w))"  # Python writes "5%"; a page writes all percentages alike
BREAKING = re.compile(f"{UNIT}|{RELATION}|{CLOSE}")
AS_WRITTEN = (nodes.FixedTextElement, nodes.literal, nodes.math, nodes.math_block, nodes.raw)


def joined(text: str) -> str:
    """``text`` with a space that does not break before "%" and units and after "<", ">" and "="."""
    return BREAKING.sub("\u00a0", text)


def join(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Join numbers and units in the text of a page, but not in code."""
    for text in list(doctree.findall(nodes.Text)):
        new = joined(text.astext())
        if new != text.astext() and not _as_written(text):
            text.parent.replace(text, nodes.Text(new))


def _as_written(node: nodes.Node) -> bool:
    while (node := node.parent) is not None:
        if isinstance(node, AS_WRITTEN):
            return True
    return False


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.connect("doctree-resolved", join)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
