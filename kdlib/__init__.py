"""Adapt a lesion segmenter to a new scanner without labels, and measure what that is worth.

These lines read a run of the demo, or train it if it is missing:

>>> import kdlib
>>> store = kdlib.Store("runs", kdlib.open_clinics("data/clinics"))
>>> study = kdlib.load_study("demo")
>>> scenario = study.scenario(method="distillation", source="utrecht", target="singapore")
>>> run = store.run(scenario)
>>> list(run.scores)[:3]
['clinic', 'subject', 'dice']
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
    from kdlib.study.study import load_study

__version__ = version("kdlib")

_HOMES = {
    "InputError": "kdlib.errors",
    "Run": "kdlib.study.run",
    "Scenario": "kdlib.study.scenario",
    "Store": "kdlib.study.store",
    "load_study": "kdlib.study.study",
    "open_clinics": "kdlib.data.clinics",
    "run": "kdlib.study.store",
}
__all__ = ["InputError", "Run", "Scenario", "Store", "load_study", "open_clinics", "run"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``kdlib --help`` need not load torch."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'kdlib' has no attribute {name!r}")
