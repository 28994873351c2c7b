"""Score a result against a truth by where both lie in space, however their files are stored."""

import numpy as np

from kdlib.data.grid import slice_axis
from kdlib.data.volume import Volume, onto_grid
from kdlib.errors import InputError
from kdlib.scores.metrics import Scores, evaluate


def refuse_no_answer(result: Volume) -> None:
    """Refuse an image that is neither a mask nor a map of probabilities.

    A mask has 0 and one other value, as 1 or 255. Probabilities lie from 0 to 1.

    Raises:
        InputError: it is neither. The line says its lowest and its highest value.
    """
    low, high = float(result.array.min()), float(result.array.max())
    values = result.array[(result.array != 0) & (result.array != high)]
    is_mask = low == 0 and not values.size
    if not (is_mask or (low >= 0 and high <= 1)):
        what = f"its values reach from {low:g} to {high:g}"
        raise InputError(f"{what}; give a mask (0 and one other value) or probabilities (0 to 1)")


def evaluate_volumes(truth: Volume, result: Volume) -> Scores:
    """Score a result by the challenge's five metrics, as ``evaluate`` does.

    Voxels are compared that lie at the same place. Two metrics depend on which voxels are
    neighbours within a slice, so slices are those of the acquisition (``slice_axis``). The scores
    of one pair are therefore the same in whatever order and direction its axes are stored.

    Raises:
        InputError: the result has other voxels in space than the truth.
    """
    result = onto_grid(result, truth, "the truth")
    axis = slice_axis(truth.affine)
    lesions, found = (np.moveaxis(volume.array, axis, -1) for volume in (truth, result))
    edges = truth.spacing_mm
    x, y, z = (*np.delete(edges, axis), edges[axis])
    return evaluate(lesions, found, (x, y, z))
