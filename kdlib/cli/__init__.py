"""The ``kdlib`` command."""

from kdlib.cli.command import app, main

__all__ = ["app", "main"]
