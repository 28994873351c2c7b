"""Point the book's repository, issue and launch buttons at where this checkout came from.

A fork's book so links to the fork. Without a remote there are no such buttons. Binder opens the
page's own text notebook; Colab opens no text notebooks, so it gets the one that ``colab.py`` made.
"""

import os
import re
import subprocess
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

BINDER = "https://mybinder.org"
COLAB = "https://colab.research.google.com"
EXECUTED = re.compile(r"book/runs/[a-z0-9+-]+-([a-z_]+)\.ipynb")


def remote() -> str | None:
    """The web address of the repository: GitHub's own word for it, else the remote ``origin``."""
    if name := os.environ.get("GITHUB_REPOSITORY"):
        return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}"
    command = ["git", "config", "--get", "remote.origin.url"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return None
    address = re.sub(r"^git@([^:]+):", r"https://\1/", found).removesuffix(".git")
    return address if address.startswith("https://") and "@" not in address else None


def add_buttons(app: Sphinx, config: Config) -> None:
    """Switch the theme's buttons on where the repository is known."""
    if address := remote():
        config.html_theme_options |= {
            "repository_url": address,
            "repository_branch": "main",
            "use_repository_button": True,
            "use_issues_button": True,
            "launch_buttons": {
                "binderhub_url": BINDER,
                "notebook_interface": "jupyterlab",
            }
            | ({"colab_url": COLAB} if address.startswith("https://github.com/") else {}),
        }


def launch_what_is_in_git(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """An executed scenario is not in git: Binder opens the template that made it."""
    groups = context.get("header_buttons", [])
    for entry in (entry for group in groups for entry in group.get("buttons", [])):
        if entry.get("url", "").startswith(BINDER):
            entry["url"] = EXECUTED.sub(r"book/scenarios/\1.md", entry["url"])
        if entry.get("url", "").startswith(COLAB):
            entry["url"] = re.sub("/main/.*", "/main/book/colab.ipynb", entry["url"])
            entry["tooltip"] = "Run the scenario distillation on Colab"


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.connect("config-inited", add_buttons)
    app.connect("html-page-context", launch_what_is_in_git, priority=900)  # after the theme's own
    return {"parallel_read_safe": True, "parallel_write_safe": True}
