"""Adapt a lesion segmenter to a new scanner without labels, and measure what that is worth.

>>> import kdlib
>>> clinics = kdlib.open_clinics("data/clinics")
>>> scenario = kdlib.Scenario(method="distillation", source="utrecht", target="singapore")
>>> run = kdlib.run(scenario, clinics, store="runs")
>>> run.scores
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kdlib.data.clinics import open_clinics
    from kdlib.errors import InputError
    from kdlib.study.run import Run
    from kdlib.study.scenario import Scenario
    from kdlib.study.store import Store, run

__version__ = version("kdlib")

_HOMES = {
    "InputError": "kdlib.errors",
    "Run": "kdlib.study.run",
    "Scenario": "kdlib.study.scenario",
    "Store": "kdlib.study.store",
    "open_clinics": "kdlib.data.clinics",
    "run": "kdlib.study.store",
}
__all__ = ["InputError", "Run", "Scenario", "Store", "open_clinics", "run"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``kdlib --help`` need not load torch."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'kdlib' has no attribute {name!r}")
