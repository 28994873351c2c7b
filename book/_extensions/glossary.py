"""Show the meaning of a word of the glossary when the pointer rests on a link to it."""

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

PAGE = "book/glossary"


def meanings(app: Sphinx) -> dict[str, str]:
    """The text of every entry of the glossary, by the name that links to it have."""
    if PAGE not in app.env.found_docs:
        return {}
    return {
        name: " ".join(item.next_node(nodes.definition).astext().split())
        for glossary in app.env.get_doctree(PAGE).findall(addnodes.glossary)
        for item in glossary.findall(nodes.definition_list_item)
        for term in item.findall(nodes.term)
        for name in term["ids"]
    }


def explain(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Give each link to an entry the entry's text as its title."""
    links = [
        link for link in doctree.findall(nodes.reference) if "#term-" in link.get("refuri", "")
    ]
    known = meanings(app) if links else {}
    for link in links:
        link["reftitle"] = known.get(link["refuri"].partition("#")[2], "")


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.connect("doctree-resolved", explain)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
