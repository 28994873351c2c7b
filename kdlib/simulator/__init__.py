"""Simulated clinics, written in the layout of the WMH Segmentation Challenge."""

from kdlib.simulator.simulation import simulate

__all__ = ["simulate"]
