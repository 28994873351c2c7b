"""The templates of the report on a clinic's own scans. Every text in them is escaped."""

import math
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


def template(name: str) -> Template:
    """Load the template ``<name>.html.jinja`` beside this file."""
    return _ENVIRONMENT.get_template(f"{name}.html.jinja")


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _setting(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(part) for part in value) or "–"
    return "–" if value is None else str(value)


_ENVIRONMENT = Environment(
    loader=PackageLoader("kdlib.own_scans", "."),
    autoescape=True,
    undefined=StrictUndefined,  # so that a wrong name is an error and not an empty cell
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {"number": _number, "setting": _setting}
