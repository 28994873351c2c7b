"""Score a result against a truth by where both lie in space, however their files are stored."""

import numpy as np

from kdlib.data.grid import slice_axis
from kdlib.data.volume import Volume, onto_grid
from kdlib.scores.metrics import Scores, evaluate


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
