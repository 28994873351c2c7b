"""Scans of a clinic of the user: checked, adapted to, segmented, and the report on them."""
