"""Write ``colab.ipynb``: the distillation template, after a cell that brings the project to Colab.

Colab opens no text notebooks, so this one stands in git too, without outputs; a test holds it to
its source. `python book/colab.py` writes it again.
"""

from pathlib import Path

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from kdlib.files import write_text

FOLDER = Path(__file__).parent
SOURCE = FOLDER / "scenarios" / "distillation.md"
NOTEBOOK = FOLDER / "colab.ipynb"

FIRST = """\
# A scenario on Colab

The first cell fetches the project, installs it and simulates the clinics. This takes some minutes.
After it comes the template of *distillation*. You can change its parameters and run it. It trains
faster with a GPU: choose one in the menu *Runtime*, *Change runtime type*.

Colab knows which repository this notebook comes from. If you opened it from another place,
write the address of the repository between the quotes."""

FIND = """\
import json
import os
import re
from urllib.parse import unquote
from urllib.request import urlopen

repository = ""  # @param {type: "string"}
if not repository:
    server = "http://{COLAB_JUPYTER_IP}:{KMP_TARGET_PORT}/api/sessions".format_map(os.environ)
    opened = unquote(json.load(urlopen(server))[0]["path"])
    repository = re.search(r"https://github\\.com/[^/]+/[^/]+", opened)[0]
"""

INSTALL = """\
!git clone --quiet --depth 1 {repository} /content/kdlib
%cd -q /content/kdlib
%pip install --quiet .
!kdlib simulate data/clinics --grid 2mm --seed 7"""


def notebook() -> nbformat.NotebookNode:
    """The template's cells after those that Colab needs, none with an output."""
    made = jupytext.read(SOURCE)
    made.cells = [new_markdown_cell(FIRST), new_code_cell(FIND + INSTALL), *made.cells]
    for number, cell in enumerate(made.cells):
        cell.id = f"cell-{number}"
    made.metadata = {"kernelspec": made.metadata["kernelspec"]}
    return made


def text() -> str:
    """The notebook as its file holds it."""
    return nbformat.writes(notebook()) + "\n"


if __name__ == "__main__":
    write_text(NOTEBOOK, text())
