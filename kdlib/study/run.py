"""Read a finished run, which is a directory of plain files."""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from kdlib.data.volume import Volume, onto_grid, read_volume
from kdlib.errors import InputError
from kdlib.files import write_text
from kdlib.networks import UNet, new_unet
from kdlib.prediction import predict
from kdlib.study.scenario import Scenario
from kdlib.training import choose_device

Image = Path | str | Volume
_LAST_FILE = "DONE"  # a directory with this file holds a finished run


class Run:
    """A finished run, read from its directory.

    Args:
        directory: the folder of the run. It lies in a store.

    Raises:
        InputError: there is no finished run in this directory.

    >>> store = kdlib.Store("runs", kdlib.open_clinics("data/clinics"))
    >>> scenario = kdlib.load_study("demo").scenario(
    ...     method="distillation", source="utrecht", target="singapore"
    ... )
    >>> run = kdlib.Run(store.run(scenario).directory)
    >>> run.scenario.method
    'distillation'
    """

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory)
        if not self.finished(self.directory):
            raise InputError(f"{directory}: there is no finished run here; 'kdlib run' makes one")

    @staticmethod
    def finished(directory: Path) -> bool:
        """Whether ``directory`` holds a finished run."""
        return (directory / _LAST_FILE).exists()

    @staticmethod
    def finish(directory: Path, provenance: dict[str, Any]) -> None:
        """Write that the run in ``directory`` is finished, and how it was made."""
        write_text(directory / _LAST_FILE, json.dumps(provenance, indent=2))

    def __repr__(self) -> str:
        return f"Run({str(self.directory)!r})"

    @cached_property
    def scenario(self) -> Scenario:
        """The scenario of the run."""
        return Scenario.model_validate_json((self.directory / "scenario.json").read_text())

    @cached_property
    def teacher(self) -> "Run | None":
        """The run of its teacher, in the same store. None if it had no teacher."""
        path = self.directory / "teacher"
        return Run(self.directory.parent / path.read_text()) if path.exists() else None

    @property
    def lineage(self) -> "list[Run]":
        """The run itself, its teacher, the teacher of its teacher, and so on."""
        return [self, *(self.teacher.lineage if self.teacher is not None else [])]

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """When, where and with which versions it was made, and how many seconds it took."""
        return json.loads((self.directory / _LAST_FILE).read_text())

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row for each tested subject.

        The columns are ``clinic``, ``subject`` (text), the challenge's scores (``dice``,
        ``hd95_mm`` and so on), and scores by lesion size, by region and of calibration.
        """
        return pd.read_csv(self.directory / "scores.csv", dtype={"subject": str})

    @cached_property
    def source_scores(self) -> pd.DataFrame:
        """The same scores for subjects of the source. They show what is lost there by adapting.

        The table is empty for a method that does not change the network, and for on-the-fly
        adaptation.
        """
        path = self.directory / "source_scores.csv"
        return pd.read_csv(path, dtype={"subject": str}) if path.exists() else pd.DataFrame()

    @cached_property
    def slices(self) -> dict[str, NDArray[np.uint8]]:
        """One slice of each tested subject's answer, as lesion probability (x, y) from 0 to 255."""
        with np.load(self.directory / "slices.npz", allow_pickle=False) as file:
            return dict(file)

    @cached_property
    def history(self) -> pd.DataFrame:
        """The mean losses along the training. Each row is the mean over some steps."""
        path = self.directory / "history.csv"
        return pd.read_csv(path) if path.stat().st_size > 1 else pd.DataFrame()

    @cached_property
    def curve(self) -> pd.DataFrame:
        """Dice at home along the training: ``step``, ``dice``, ``dice_1``, ``dice_2``, ``dice_3``.

        ``dice`` is the mean over three test subjects of the source, on the network's own slices.
        The table is empty for a run without a training, for on-the-fly adaptation, and if the
        source has no test subjects.
        """
        path = self.directory / "curve.csv"
        return pd.read_csv(path) if path.stat().st_size > 1 else pd.DataFrame()

    @cached_property
    def findings(self) -> dict[str, float]:
        """What else the method found of its network, by name. Most methods find nothing."""
        return json.loads((self.directory / "findings.json").read_text())

    def network(self, device: torch.device | str = "cpu") -> UNet:
        """The trained segmenter, on ``device``."""
        network = new_unet(self.scenario, seed=0)
        network.load_state_dict(load_file(self.directory / "weights.safetensors"))
        return network.to(device).eval()

    def predict(self, flair: Image, t1: Image | None = None, device: str = "auto") -> Volume:
        """Segment a scan.

        Args:
            flair: a NIfTI file or a ``Volume``.
            t1: the same, on the FLAIR's grid; only for a run that reads both images.
            device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

        Returns:
            The lesion probability in [0, 1] of every voxel, on the scan's own grid.

        Raises:
            InputError: the scan cannot be read, the run reads other images, or the T1 has other
                voxels in space than the FLAIR.

        >>> store = kdlib.Store("runs", kdlib.open_clinics("data/clinics"))
        >>> scenario = kdlib.load_study("demo").scenario(
        ...     method="distillation", source="utrecht", target="singapore"
        ... )
        >>> run = store.run(scenario)
        >>> probability = run.predict("data/clinics/training/Singapore/50/pre/FLAIR.nii.gz")
        >>> bool(probability.array.min() >= 0 and probability.array.max() <= 1)
        True
        """
        images = [flair] if t1 is None else [flair, t1]
        if len(images) != len(self.scenario.inputs.split("+")):
            what = f"{self.directory.name} reads {self.scenario.inputs}"
            raise InputError(f"{what}; give it these images and no others")
        scan = [image if isinstance(image, Volume) else read_volume(image) for image in images]
        scan = [scan[0], *(onto_grid(other, scan[0], "the FLAIR") for other in scan[1:])]
        return predict(self.network(choose_device(device)), scan, self.scenario)
