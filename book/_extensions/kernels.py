"""Run the chapters in kernels that are reached through files, not over TCP, and end quietly."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from myst_nb.core.execute import direct
from sphinx.application import Sphinx

from kdlib.report.kernels import copied_kernels, imported


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this. MyST-NB has no setting for it, but hands on what its call is given."""
    folder = TemporaryDirectory()  # chapters run one after the other, so they can share it
    execute = direct.single_nb_execution
    config = copied_kernels(folder.name, *imported(Path(app.srcdir, "book")))
    direct.single_nb_execution = partial(execute, config=config)
    app.connect("build-finished", lambda app, failed: folder.cleanup())
    return {"parallel_read_safe": False, "parallel_write_safe": True}
