"""The saved results of a study, ``book/results/<study>/``, read for the report and the book."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdlib.errors import InputError
from kdlib.evidence.comparisons import PAIR, main_scores

# The studies of the package, the one that says most first.
BY_WEIGHT = ("paper", "standard", "demo")


@dataclass(frozen=True)
class Results:
    """What ``kdlib study NAME --export FOLDER`` wrote."""

    folder: Path

    @property
    def name(self) -> str:
        """The study's name."""
        return str(self.study["name"])

    @cached_property
    def scores(self) -> pd.DataFrame:
        """A row per arm, source, target, fold, seed and tested subject, with the metrics."""
        return main_scores(self.all_scores).reset_index(drop=True)

    @cached_property
    def all_scores(self) -> pd.DataFrame:
        """The same with the rows of sweeps, which ``kdlib.study.plan.study_scores`` describes."""
        return _table(self.folder / "scores.csv")

    @cached_property
    def teachers(self) -> pd.DataFrame:
        """How each source's teacher does at home: a row per source, seed and subject."""
        return _table(self.folder / "teachers.csv")

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """The study's settings, its durations in seconds, and every run's versions and machine."""
        return json.loads((self.folder / "provenance.json").read_text(encoding="utf-8"))

    @property
    def study(self) -> dict[str, Any]:
        """The settings of the study, as its TOML file holds them."""
        return dict(self.provenance["study"])

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of clinics (source, target) that were run."""
        return list(self.scores[PAIR].drop_duplicates().itertuples(index=False, name=None))

    @cached_property
    def clinics(self) -> pd.DataFrame:
        """A row per subject of the data: its clinic, grid, lesion volume and contrast."""
        return _table(self.folder / "clinics.csv")

    @cached_property
    def clinic_arrays(self) -> dict[str, NDArray]:
        """Histograms and slices of the clinics, named as ``kdlib.record.clinic_summary`` says."""
        return _arrays(self.folder / "clinics.npz")

    @cached_property
    def _slices(self) -> dict[str, NDArray]:
        return _arrays(self.folder / "examples.npz")

    def example(self, source: str, target: str, subject: str) -> dict[str, NDArray[np.uint8]]:
        """One axial slice (x, y) of a subject, axes LPS: ``flair``, ``truth`` and every arm.

        ``flair`` and the arms' lesion probabilities are 0 to 255, ``truth`` holds labels.
        """
        start = f"{source}/{target}/{subject}/"
        found = {k.removeprefix(start): v for k, v in self._slices.items() if k.startswith(start)}
        if not found:
            raise InputError(f"{self.folder}: no example of {start.rstrip('/')}")
        return found

    def subjects(self, source: str, target: str) -> list[str]:
        """The subjects of a pair that have an example slice, least lesion on it first."""
        start, end = f"{source}/{target}/", "/truth"
        area = {
            name.removeprefix(start).removesuffix(end): int((labels == 1).sum())
            for name, labels in self._slices.items()
            if name.startswith(start) and name.endswith(end)
        }
        return sorted(area, key=lambda subject: area[subject])


def open_results(folder: Path | str) -> Results:
    """The results in ``folder``; raises ``InputError`` where there are none."""
    folder = Path(folder)
    if not (folder / "scores.csv").exists():
        raise InputError(
            f"{folder}: no saved results; 'kdlib study demo --export {folder}' does it"
        )
    return Results(folder)


def results_of_record(parent: Path | str = "results") -> Results:
    """Of the studies exported into ``parent``, the one that says most: paper, standard, demo."""
    for name in BY_WEIGHT:
        if (Path(parent) / name / "scores.csv").exists():
            return open_results(Path(parent) / name)
    return open_results(Path(parent) / BY_WEIGHT[-1])


def _arrays(path: Path) -> dict[str, NDArray]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def _table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"subject": str})
