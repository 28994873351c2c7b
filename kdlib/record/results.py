"""The saved results of a study, in one folder, read for the report and the book."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdlib.data.labels import Label
from kdlib.errors import InputError
from kdlib.evidence.comparisons import PAIR, main_scores
from kdlib.evidence.paper import in_order
from kdlib.kept import read_table
from kdlib.record.arrays import Arrays, by_owner, read_arrays
from kdlib.study.arm import Arm, SavedArms

FULL = 4  # names of an owner in explorers.npz: source, target, subject and picture


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
        """The metrics. Each row is one arm, source, target, fold, seed and tested subject."""
        return main_scores(self.all_scores).reset_index(drop=True)

    @cached_property
    def all_scores(self) -> pd.DataFrame:
        """The same with the rows of sweeps. ``kdlib.study.plan.study_scores`` describes them."""
        return _read_table(self.folder / "scores.csv")

    @cached_property
    def teachers(self) -> pd.DataFrame:
        """The scores of teachers at home. Each row is one source, seed and subject."""
        return _read_table(self.folder / "teachers.csv")

    @cached_property
    def curves(self) -> pd.DataFrame:
        """How networks learnt, as ``kdlib.study.plan.study_curves`` says. Empty if not kept."""
        return _read_table_if_there(self.folder / "curves.csv")

    @cached_property
    def findings(self) -> pd.DataFrame:
        """What else runs found, as ``kdlib.study.plan.study_findings`` says. Empty if not kept."""
        return _read_table_if_there(self.folder / "findings.csv")

    @cached_property
    def gap_parts(self) -> pd.DataFrame:
        """What the loss without adaptation is made of, as ``kdlib report --gap`` wrote it.

        ``kdlib.study.gap_parts.study_gap`` describes it. Empty if the file was not put here.
        """
        return _read_table_if_there(self.folder / "gap_parts.csv")

    @cached_property
    def starter(self) -> pd.DataFrame:
        """The starter on the scans of the target, as ``benchmarks/real_scans.py`` wrote them.

        Empty if the file was not put here.
        """
        return _read_table_if_there(self.folder / "starter.csv")

    @cached_property
    def other_masks(self) -> dict[str, pd.DataFrame]:
        """The metrics against other masks, as ``kdlib report --labels NAME`` wrote them, by NAME.

        Empty if no file ``scores_NAME.csv`` was put here.
        """
        files = sorted(self.folder.glob("scores_*.csv"))
        return {path.stem.removeprefix("scores_"): _read_table(path) for path in files}

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """How each seed was made, as ``kdlib.record.provenance`` describes it."""
        return json.loads((self.folder / "provenance.json").read_text(encoding="utf-8"))

    @property
    def seeds(self) -> dict[int, dict[str, Any]]:
        """For each seed its data, versions, protocol, runs and seconds."""
        return {int(seed): made for seed, made in self.provenance["seeds"].items()}

    @property
    def runs(self) -> list[dict[str, Any]]:
        """How each run of each seed was made: its name, device, versions, seconds and so on."""
        return [run for made in self.seeds.values() for run in made["runs"]]

    @property
    def study(self) -> dict[str, Any]:
        """The settings of the study, as its TOML file holds them."""
        return dict(self.provenance["study"])

    @property
    def swept(self) -> dict[str, str]:
        """The setting of each arm that is swept, by the names of the arms."""
        return {one["arm"]: one["setting"] for one in self.study["sweeps"]}

    @cached_property
    def arms(self) -> dict[str, Arm]:
        """Every arm by its name, in the study's order: its role, label, colour and settings."""
        return SavedArms(arms=self.study["arms"]).arms

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of clinics (source, target) that were run, in the order of the paper."""
        return in_order(self.scores[PAIR].itertuples(index=False, name=None))

    @cached_property
    def clinics(self) -> pd.DataFrame:
        """Each row is one subject of the data: its clinic, grid, lesion volume and contrast."""
        return _read_table(self.folder / "clinics.csv")

    @cached_property
    def patients(self) -> dict[tuple[str, str], str]:
        """The patient of each (target, subject) whose patient has several scans there."""
        several = self.clinics[self.clinics.duplicated(["clinic", "patient"], keep=False)]
        return {
            (target, subject): patient
            for target in {target for _, target in self.pairs}
            for clinic, subject, patient in several[["clinic", "subject", "patient"]].to_numpy()
            if clinic in target.split("+")
        }

    @cached_property
    def clinic_arrays(self) -> Arrays:
        """Histograms and slices of the clinics. ``kdlib.record.clinic_summary`` has their names."""
        return read_arrays(self.folder / "clinics.npz")

    def example(self, source: str, target: str, subject: str) -> dict[str, NDArray[np.uint8]]:
        """One axial slice (x, y), axes LPS, of a subject: ``flair``, ``truth`` and every arm.

        The values of ``flair`` and of the arms' lesion probabilities are 0 to 255. ``truth`` holds
        labels.
        """
        if (source, target, subject) not in self._examples:
            raise InputError(
                f"{self.folder}: there is no example of {source} to {target}, subject {subject}"
            )
        return dict(self._examples[source, target, subject])

    def subjects(self, source: str, target: str) -> list[str]:
        """The subjects of a pair that have an example slice, sorted by the lesion on it."""
        area = {
            owner[-1]: int((example["truth"] == Label.LESION).sum())
            for owner, example in self._examples.items()
            if owner[:-1] == (source, target)
        }
        return sorted(area, key=lambda subject: area[subject])

    def explored(self, picture: str) -> dict[tuple[str, ...], dict[str, NDArray[Any]]]:
        """The arrays of the explorers, by (source, target, subject) and by name.

        ``picture`` is "soft" or "scan", as ``kdlib.record.explorers`` and ``whole_scans`` describe
        them. Raises ``InputError`` if the study kept none.
        """
        found = {o[:-1]: dict(a) for o, a in self._explorers.items() if o[-1] == picture}
        if not found:
            raise InputError(
                f"{self.folder / 'explorers.npz'}: there is nothing to explore; export a study "
                "that has an arm of the method distillation"
            )
        return found

    @property
    def answers(self) -> dict[tuple[str, ...], dict[str, NDArray[np.uint8]]]:
        """What each arm answers to whole scans, by (source, target, subject) and by arm.

        ``kdlib.record.whole_scans`` describes them. Older results have none.
        """
        return {o[:-1]: dict(a) for o, a in self._explorers.items() if o[-1] == "answers"}

    @cached_property
    def _examples(self) -> dict[tuple[str, ...], dict[str, NDArray[np.uint8]]]:
        return by_owner(read_arrays(self.folder / "examples.npz"))

    @cached_property
    def _explorers(self) -> dict[tuple[str, ...], dict[str, NDArray[Any]]]:
        path = self.folder / "explorers.npz"
        found = by_owner(read_arrays(path)) if path.exists() else {}
        # What belongs to a target's subject is kept once for all sources, without a source.
        return {o: found.get(o[1:], {}) | own for o, own in found.items() if len(o) == FULL}


def open_results(folder: Path | str) -> Results:
    """Read the results in ``folder``. Raises ``InputError`` if there are none."""
    folder = Path(folder)
    if not (folder / "scores.csv").exists():
        raise InputError(
            f"{folder}: there are no saved results; 'kdlib study demo --export {folder}' makes some"
        )
    return Results(folder)


def _read_table(path: Path) -> pd.DataFrame:
    return read_table(path.read_bytes())


def _read_table_if_there(path: Path) -> pd.DataFrame:
    return _read_table(path) if path.exists() else pd.DataFrame()
