"""A network's answer to a scan, on the scan's own grid."""

from collections.abc import Sequence

from kdlib.data.slices import on_own_grid, prepare
from kdlib.data.volume import Volume
from kdlib.networks import UNet, answer_all
from kdlib.recipe import Recipe


def predict(network: UNet, scan: Sequence[Volume], recipe: Recipe) -> Volume:
    """Lesion probability in [0, 1] of a scan (FLAIR first), on the scan's own grid and affine."""
    ready = prepare(scan, recipe.preparation)
    device = next(network.parameters()).device
    logits = answer_all(network, ready.images.to(device), recipe.precision)
    return on_own_grid(scan[0], ready.window, logits.softmax(dim=1)[:, 1])
