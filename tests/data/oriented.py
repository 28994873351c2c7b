"""Small volumes whose axes point where a test wants them."""

from itertools import permutations, product

import numpy as np
from scipy.spatial.transform import Rotation

from kdlib.data.volume import Volume

SHAPE = (3, 4, 5)
ORIENTATIONS = [
    "".join(letters) for axes in permutations(("LR", "PA", "IS")) for letters in product(*axes)
]


def oriented(codes, degrees=(0, 0, 0)):
    """A volume of distinct values, its axes along ``codes``, then turned by ``degrees``."""
    affine = np.eye(4)
    for axis, letter in enumerate(codes):
        row = ["LR", "PA", "IS"].index(next(pair for pair in ("LR", "PA", "IS") if letter in pair))
        affine[:3, axis] = 0
        affine[row, axis] = (0.9, 1.1, 3.0)[axis] * (1 if letter in "RAS" else -1)
    affine[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() @ affine[:3, :3]
    affine[:3, 3] = (-80.0, 12.5, 31.0)
    return Volume(np.arange(60, dtype=np.float32).reshape(SHAPE), affine)


def places(volume):
    """The place in mm of each value, in the order of the values."""
    indices = np.indices(volume.array.shape).reshape(3, -1)
    order = np.argsort(volume.array.ravel())
    return (volume.affine[:3, :3] @ indices + volume.affine[:3, 3:])[:, order]
