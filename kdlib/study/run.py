"""Read a finished run, which is a directory of plain files."""

import json
from collections.abc import Collection
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from kdlib.data.image_file import read_volume
from kdlib.data.volume import Volume, onto_grid
from kdlib.errors import DamagedError, InputError
from kdlib.files import write_text
from kdlib.kept import DIGEST, content, digest_of, read_table, read_tensors
from kdlib.networks import UNet, new_unet
from kdlib.prediction import predict
from kdlib.study.scenario import Scenario
from kdlib.training import choose_device

Image = Path | str | Volume
_LAST_FILE = "DONE"  # a directory with this file holds a finished run
_FILES = "files"  # its entry with a digest of each file
# Stands before each subject in slices.npz: one may be called "file", which NumPy has a use for.
ANSWER = "answer/"


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
        # Of "." and ".." the name is asked for, and what lies beside it.
        named = Path(directory).name not in ("", "..")
        self.directory = Path(directory) if named else Path(directory).resolve()
        if not self.finished(self.directory):
            raise InputError(f"{directory}: there is no finished run here; 'kdlib run' makes one")

    @staticmethod
    def finished(directory: Path) -> bool:
        """Whether ``directory`` holds a finished run."""
        return (directory / _LAST_FILE).exists()

    @staticmethod
    def finish(directory: Path, provenance: dict[str, Any], passing: Collection[str] = ()) -> None:
        """Write that the run in ``directory`` is finished, how it was made, and its digests.

        Files with the names ``passing`` are no part of it, and may go away.
        """
        files = {
            path.name: digest_of(path.read_bytes())
            for path in sorted(directory.iterdir())
            if path.is_file() and not path.name.startswith(("lock", ".", *passing))
        }
        note = provenance | {_FILES: files}
        write_text(directory / _LAST_FILE, json.dumps(note | {DIGEST: _digest(note)}, indent=2))

    def __repr__(self) -> str:
        return f"Run({str(self.directory)!r})"

    @cached_property
    def scenario(self) -> Scenario:
        """The scenario of the run."""
        text = self._content("scenario.json")
        try:
            return Scenario.model_validate_json(text)
        except ValidationError as error:
            first = " ".join(error.errors()[0]["msg"].removeprefix("Value error, ").split())[:200]
            raise InputError(
                f"{self.directory / 'scenario.json'}: this version of kdlib cannot read it "
                f"({first}); make the run again, or use the version of kdlib that made it"
            ) from None

    @cached_property
    def teacher(self) -> "Run | None":
        """The run of its teacher, in the same store. None if it had no teacher."""
        if not (self.directory / "teacher").exists():
            return None
        name = self._content("teacher").decode(errors="replace")
        return Run(self.directory.parent / Path(name).name)

    @property
    def lineage(self) -> "list[Run]":
        """The run itself, its teacher, the teacher of its teacher, and so on."""
        return [self, *(self.teacher.lineage if self.teacher is not None else [])]

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """When, where and with which versions it was made, and how many seconds it took."""
        return {name: value for name, value in self._note.items() if name != _FILES}

    @cached_property
    def _note(self) -> dict[str, Any]:
        path = self.directory / _LAST_FILE
        try:
            note = json.loads(content(path))
        except ValueError as error:
            if isinstance(error, DamagedError):
                raise
            raise DamagedError(path, "this file is damaged") from None
        digest = note.pop(DIGEST, None) if isinstance(note, dict) else ""
        if (digest is not None and digest != _digest(note)) or (digest is None and _FILES in note):
            raise DamagedError(path, "this file is damaged")
        return note

    def _content(self, name: str) -> bytes:
        """The bytes of a file of the run. Raises ``DamagedError`` if it was changed since."""
        return content(self.directory / name, self._note.get(_FILES, {}).get(name))

    def _table(self, name: str) -> pd.DataFrame:
        found = self._content(name)
        return read_table(found) if len(found) > 1 else pd.DataFrame()

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row for each tested subject.

        The columns are ``clinic``, ``subject`` (text), the challenge's scores (``dice``,
        ``hd95_mm`` and so on), and scores by lesion size, by region and of calibration.
        """
        return self._table("scores.csv")

    @cached_property
    def source_scores(self) -> pd.DataFrame:
        """The same scores for subjects of the source. They show what is lost there by adapting.

        The table is empty for a method that does not change the network, and for on-the-fly
        adaptation.
        """
        there = (self.directory / "source_scores.csv").exists()
        return self._table("source_scores.csv") if there else pd.DataFrame()

    @cached_property
    def slices(self) -> dict[str, NDArray[np.uint8]]:
        """One slice of each tested subject's answer, as lesion probability (x, y) from 0 to 255."""
        with np.load(BytesIO(self._content("slices.npz")), allow_pickle=False) as file:
            # The names of the files are used, since "a" and "a.npy" are two different subjects.
            names = file.zip.namelist()
            return {name.removesuffix(".npy").removeprefix(ANSWER): file[name] for name in names}

    @cached_property
    def history(self) -> pd.DataFrame:
        """The mean losses along the training. Each row is the mean over some steps."""
        return self._table("history.csv")

    @cached_property
    def curve(self) -> pd.DataFrame:
        """Dice at home along the training: ``step``, ``dice``, ``dice_1``, ``dice_2``, ``dice_3``.

        ``dice`` is the mean over three test subjects of the source, on the network's own slices.
        The table is empty for a run without a training, for on-the-fly adaptation, and if the
        source has no test subjects.
        """
        return self._table("curve.csv")

    @cached_property
    def findings(self) -> dict[str, float]:
        """What else the method found of its network, by name. Most methods find nothing."""
        return json.loads(self._content("findings.json"))

    def network(self, device: torch.device | str = "cpu") -> UNet:
        """The trained segmenter, on ``device``."""
        network = new_unet(self.scenario, seed=0)
        path = self.directory / "weights.safetensors"
        try:
            known = self._note.get(_FILES, {}).get(path.name)
            network.load_state_dict(read_tensors(path, known)[0])
        except RuntimeError as error:  # other names or shapes
            raise DamagedError(path, "these are the weights of another network") from error
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


def _digest(note: dict[str, Any]) -> str:
    return digest_of(json.dumps(note, sort_keys=True).encode())
