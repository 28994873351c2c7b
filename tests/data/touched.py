"""Folders of scans by their names alone, and whom the layouts find in them."""

from pathlib import Path

from kdlib.data.layouts import find_subjects
from kdlib.data.subjects import Subject


def touched(folder: Path, *names: str) -> Path:
    """``folder`` with files of these names that nobody reads here."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def own(folder: Path) -> list[Subject]:
    return list(find_subjects(folder, "own")["own"])


def faults(folder: Path) -> str:
    return " ".join(fault for subject in own(folder) for fault in subject.faults)
