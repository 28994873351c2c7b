"""Explorers: widgets that work on a published page, without a server, and live in JupyterLab.

Each computes in the browser from what it was given; none asks Python for anything while it is used.
"""

from kdlib.report.widgets.base import Explorer, explore, show
from kdlib.report.widgets.pairs import PairExplorer, pair_explorer
from kdlib.report.widgets.scan import ScanViewer, scan_viewer
from kdlib.report.widgets.temperature import TemperatureExplorer, temperature_explorer

__all__ = [
    "Explorer",
    "PairExplorer",
    "ScanViewer",
    "TemperatureExplorer",
    "explore",
    "pair_explorer",
    "scan_viewer",
    "show",
    "temperature_explorer",
]
