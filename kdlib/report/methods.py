"""The methods that exist, as a table: what each one is handed, and what it does."""

import inspect

import pandas as pd

from kdlib.methods import Method
from kdlib.methods.base import MethodSettings


def methods_table() -> pd.DataFrame:
    """Each row is one method, by name. Columns: ``Method``, ``It is handed``, ``What it does``."""
    rows = [
        (name, ", ".join(handed(kind)), _about(kind)) for name, kind in sorted(Method.named.items())
    ]
    return pd.DataFrame(rows, columns=["Method", "It is handed", "What it does"])


def handed(kind: type[Method]) -> list[str]:
    """What a method is handed, in words."""
    parts = [_labelled(kind)] if kind.needs_source else []
    parts += ["scans of the target"] if kind.needs_target else []
    parts += ["a trained teacher"] if kind.needs_teacher else []
    if kind.starts_at_teacher and not kind.needs_teacher:
        parts.append("the weights of a teacher to start from")
    return parts


def _labelled(kind: type[Method]) -> str:
    if kind.Settings.target_labels is not MethodSettings.target_labels:
        return "labelled scans of the target"
    more = ", and of the target if it has one" if kind.reads_target_labels else ""
    return f"labelled scans of the source{more}"


def _about(kind: type[Method]) -> str:
    """The first paragraph of its description."""
    return " ".join(str(inspect.getdoc(kind)).split("\n\n")[0].split())
