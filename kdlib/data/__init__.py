"""Scans: simulated or real, read from disk, made ready for a network."""
