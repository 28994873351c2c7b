"""Find the brain in a FLAIR, and set everything else to 0.

The steps: turn the scan's axes to LPS, make a coarse window of the head (``kdlib.starter.coarse``),
ask the network, keep the largest part, fill its holes, and bring the probability back to the
scan's voxels by linear interpolation.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from kdlib.data.head import filling
from kdlib.data.volume import Volume, on_grid_of, to_lps
from kdlib.kept import read_tensors
from kdlib.starter.brain_network import BrainNetwork
from kdlib.starter.coarse import Image, coarse_image, on_scan, put_back, window

WEIGHTS = Path(__file__).parent / "weights" / "brain.safetensors"
BRAIN = 0.5  # the probability from which a voxel is brain
LOWEST = 1e-3  # of the range of the brain; its darkest voxel is so much above 0


def find_brain(scan: Volume, network: BrainNetwork | None = None) -> Volume:
    """The probability that a voxel is brain, on the scan's own grid.

    Args:
        scan: a FLAIR of any orientation, voxel size and unit, with the skull or without.
        network: by default the one that is shipped.

    Returns:
        Probabilities (x, y, z) in [0, 1], float32. The voxels of ``BRAIN`` or more are one part
        without holes. There are none if no head is found.
    """
    turned = to_lps(scan)
    coarse = coarse_image(turned)
    view = window(coarse)
    answer = one_part(brain_probability(network or brain_network(), view.image))
    probability = on_scan(put_back(answer, view.first, coarse.shape), turned)
    return on_grid_of(scan, probability.clip(0, 1))


def stripped(scan: Volume, brain: Volume) -> Volume:
    """The scan with exactly 0 outside the brain, and with more than 0 inside.

    Args:
        scan: a FLAIR.
        brain: its brain on the same grid: a mask, or probabilities that are cut at ``BRAIN``.

    Returns:
        The scan, float32. If its brain has values of 0 or less, all of it is shifted up. Where the
        scan was filled with one value outside the head, it is 0 too.
    """
    inside = (brain.array >= BRAIN) & ~filling(scan.array)
    values = scan.array[inside].astype(np.float32)
    if not values.size:
        return Volume(np.zeros(scan.array.shape, np.float32), scan.affine, scan.forms)
    if values.min() <= 0:
        values = values - values.min() + LOWEST * max(float(np.ptp(values)), 1e-6)
    array = np.zeros(scan.array.shape, np.float32)
    array[inside] = values
    return Volume(array, scan.affine, scan.forms)


def brain_probability(network: BrainNetwork, image: Image) -> Image:
    """The network's answer in [0, 1] to a window's image (x, y, z)."""
    with torch.no_grad():
        logits = network(torch.from_numpy(image)[None, None])
    return logits.sigmoid()[0, 0].numpy()


def one_part(probability: Image) -> Image:
    """Set the brain's parts but the largest one to 0, and its holes to 1."""
    parts, count = ndimage.label(probability >= BRAIN)
    if not count:
        return np.zeros_like(probability)
    largest = _largest(parts)
    alone = np.where((parts > 0) & ~largest, 0, probability)
    return np.where(ndimage.binary_fill_holes(largest) & ~largest, 1, alone).astype(np.float32)


def _largest(parts: NDArray) -> NDArray[np.bool_]:
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return parts == sizes.argmax()


@lru_cache(maxsize=1)
def brain_network() -> BrainNetwork:
    """The network that is shipped with the package."""
    network = BrainNetwork()
    network.load_state_dict(
        {name: tensor.float() for name, tensor in read_tensors(WEIGHTS)[0].items()}
    )
    return network.eval()
