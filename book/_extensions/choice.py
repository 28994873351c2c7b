"""Choose the study that the book shows; say in the log which, and which results are left out."""

import os
import sys
from pathlib import Path

from sphinx.application import Sphinx

from kdlib.errors import InputError
from kdlib.record.choice import CHOSEN, saved_studies, shown_study
from kdlib.report.whose import whose


def announce(app: Sphinx) -> None:
    """One line for each; a study that is not there ends the build before a chapter runs."""
    root = Path(app.srcdir)
    studies = saved_studies(root / "book" / "results", root / "results")
    for saved in studies:
        if saved.fault:
            print(saved.fault)
    try:
        shown = shown_study(studies)
    except InputError as error:
        # No error of Sphinx: it would be shown with the calls that led to it.
        print(f"kdlib: {error}", file=sys.stderr)
        sys.exit(2)
    print(f"{shown.place}: {whose(shown)}")
    os.environ[CHOSEN] = str(shown.folder.resolve())


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.connect("builder-inited", announce)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
