"""Run the chapters in kernels that are reached through files, not over TCP, and end quietly."""

import re
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from myst_nb.core.execute import direct
from sphinx.application import Sphinx

from kdlib.report.kernels import copied_kernels


def imported(folder: Path) -> list[str]:
    """What of kdlib the chapters import."""
    chapters = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md")))
    return sorted(set(re.findall(r"^from (kdlib[.\w]+) import", chapters, re.MULTILINE)))


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this. MyST-NB has no setting for it, but hands on what its call is given."""
    folder = TemporaryDirectory()  # chapters run one after the other, so they can share it
    execute = direct.single_nb_execution
    config = copied_kernels(folder.name, *imported(Path(app.srcdir, "book")))
    direct.single_nb_execution = partial(execute, config=config)
    app.connect("build-finished", lambda app, failed: folder.cleanup())
    return {"parallel_read_safe": False, "parallel_write_safe": True}
