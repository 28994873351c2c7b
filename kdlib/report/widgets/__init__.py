"""Explorers: widgets that work in JupyterLab and on a published page without a server.

An explorer computes in the browser, from the data that it was given. While it is used it asks
Python for nothing.
"""

from kdlib.report.widgets.base import Explorer, explore, show
from kdlib.report.widgets.dials import DialsExplorer, dials_explorer
from kdlib.report.widgets.pairs import PairExplorer, pair_explorer
from kdlib.report.widgets.scan import ScanViewer, scan_viewer
from kdlib.report.widgets.temperature import TemperatureExplorer, temperature_explorer
from kdlib.report.widgets.threshold import ThresholdExplorer, threshold_explorer

__all__ = [
    "DialsExplorer",
    "Explorer",
    "PairExplorer",
    "ScanViewer",
    "TemperatureExplorer",
    "ThresholdExplorer",
    "dials_explorer",
    "explore",
    "pair_explorer",
    "scan_viewer",
    "show",
    "temperature_explorer",
    "threshold_explorer",
]
