"""Scans, simulated or real: they are read from the disk and made ready for a network."""
