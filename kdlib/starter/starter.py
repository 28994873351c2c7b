"""The starter: a small lesion segmenter that comes with kdlib, for anyone's FLAIR at once.

It works in two stages. A network finds the brain, and the scan is set to 0 outside it. Then a
network finds the lesions. Both have learnt from simulated people alone. It is not a medical device.
"""

import json
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kdlib.data.volume import Volume
from kdlib.errors import DamagedError, InputError
from kdlib.files import whole_folder
from kdlib.kept import content, read_tensors, write_tensors
from kdlib.networks import UNet, new_unet
from kdlib.prediction import predict
from kdlib.recipe import Recipe
from kdlib.starter.brain import find_brain, stripped

WEIGHTS = Path(str(files("kdlib"))) / "starter" / "weights"
LESION = "lesion.safetensors"
NOTE = "lesion.json"
AGAIN = "keep the network again with 'kdlib adapt --keep', or leave the folder out"


@dataclass(frozen=True, eq=False)
class Starter:
    """A brain finder and a lesion network that work together.

    Attributes:
        recipe: how the lesion network's slices are prepared, and how it is built.
        network: the lesion network, in evaluation mode, on the CPU. It sees stripped scans.
        provenance: how the lesion network was made: seed, people, steps, seconds, versions.
    """

    recipe: Recipe
    network: UNet
    provenance: dict[str, Any]

    def answer(self, scan: Volume) -> tuple[Volume, Volume]:
        """The lesion probability and the brain of a FLAIR, both on the scan's own grid.

        Args:
            scan: a FLAIR of any orientation and voxel size, with or without the skull.

        Returns:
            Probabilities (x, y, z) in [0, 1], which are 0 outside the brain, and the probability
            that a voxel is brain.
        """
        brain = find_brain(scan)
        return lesions_in(stripped(scan, brain), self.network, self.recipe), brain


def lesions_in(cut: Volume, network: UNet, recipe: Recipe) -> Volume:
    """The lesion probability of each voxel of a stripped FLAIR. It is 0 outside the brain."""
    if not cut.array.any():
        return replace(cut, array=np.zeros(cut.array.shape, np.float32))
    found = predict(network, [cut], recipe)
    return replace(found, array=np.where(cut.array > 0, found.array, np.float32(0)))


@cache
def load_starter() -> Starter:
    """The starter that comes with kdlib."""
    return read_starter(WEIGHTS, remedy="install kdlib again")


def holds_lesion_network(folder: Path) -> bool:
    """Whether ``write_lesion_network`` filled a folder, also if a file of it is missing now."""
    try:
        return (folder / LESION).exists() or "recipe" in json.loads(content(folder / NOTE))
    except (InputError, OSError, ValueError, TypeError):
        return False


def read_starter(folder: Path, remedy: str = AGAIN) -> Starter:
    """The starter whose lesion network lies in ``folder``, as ``write_lesion_network`` writes it.

    Raises:
        InputError: a file is missing or damaged; the ``remedy`` is what to do then.
    """
    try:
        note = _note(folder / NOTE)
        network = new_unet(note["recipe"], seed=0)
        tensors = read_tensors(folder / LESION)[0]
        network.load_state_dict({name: _full(tensor) for name, tensor in tensors.items()})
    except DamagedError as error:
        raise DamagedError(error.path, error.reason, remedy) from error
    except RuntimeError as error:  # other names or shapes
        what = "these are the weights of another network"
        raise DamagedError(folder / LESION, what, remedy) from error
    network.eval().requires_grad_(False)
    return Starter(note["recipe"], network, note["provenance"])


def write_lesion_network(
    folder: Path, network: UNet, recipe: Recipe, provenance: dict[str, Any], *, half: bool = True
) -> None:
    """Write a lesion network as the package holds it, its weights and a note.

    The weights are in ``half`` precision, or as they are, so that its answers stay the same.
    """
    keep = _half if half else torch.Tensor.cpu
    note = {"recipe": recipe.model_dump(), "provenance": provenance}
    with whole_folder(folder, last=NOTE) as new:
        tensors = {name: keep(tensor) for name, tensor in network.state_dict().items()}
        write_tensors(new / LESION, tensors)
        (new / NOTE).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")


def _note(path: Path) -> dict[str, Any]:
    try:
        note = json.loads(content(path))
        return {**note, "recipe": Recipe(**note["recipe"])}
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedError(path, "this file is damaged") from error


def _half(tensor: torch.Tensor) -> torch.Tensor:
    """Half precision for weights. Statistics of batch norms stay as they are."""
    return tensor.half() if tensor.ndim > 1 else tensor


def _full(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.dtype == torch.float16 else tensor
