"""Ask a network for its answer to a scan, on the scan's own grid."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kdlib.data.frame import Frame, frames
from kdlib.data.labels import Label
from kdlib.data.slices import Found, find_heads, on_own_grid, prepare_found
from kdlib.data.volume import Volume
from kdlib.networks import UNet, answer_all
from kdlib.recipe import Recipe


def predict(network: UNet, scan: Sequence[Volume], recipe: Recipe) -> Volume:
    """The lesion probability of each voxel of a scan, on the scan's own grid.

    If the network's voxels are larger than those of the scan, it answers several times. Each time
    its voxels are moved by a part of their size. Otherwise small lesions between two answers would
    be lost. A head that is larger than the network's window is seen through several windows.

    Args:
        network: a trained UNet.
        scan: its images, FLAIR first, on one grid.
        recipe: the recipe that the network was trained by.

    Returns:
        Probabilities (x, y, z) in [0, 1], with the affine of the scan.
    """
    found = find_heads(scan)
    windows = frames(found.volumes[0], recipe.preparation, found.heads[0].inside)
    return on_own_grid(
        scan[0], [(w.dense(), _in_window(network, found, recipe, w)) for w in windows]
    )


def _in_window(network: UNet, found: Found, recipe: Recipe, window: Frame) -> NDArray[np.float32]:
    """The lesion probability (x, y, z) of each voxel of the window's ``dense`` grid."""
    device = next(network.parameters()).device
    probability = np.zeros(window.dense().shape, np.float32)
    for places, moved in window.shifted():
        images = prepare_found(found, recipe.preparation, moved).images.to(device)
        lesion = answer_all(network, images, recipe.precision).softmax(dim=1)[:, Label.LESION]
        probability[places] = lesion.cpu().numpy().transpose(1, 2, 0)
    return probability
