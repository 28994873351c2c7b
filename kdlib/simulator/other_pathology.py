"""Label 2 of the challenge: pathology that is no white-matter hyperintensity, as an old infarct."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kdlib.simulator.geometry import Grid

SHARE_OF_SUBJECTS = 0.4


@dataclass(frozen=True)
class Infarct:
    """Fractions (x, y, z): the whole of it, and its core of fluid; between them a bright rim."""

    extent: Tensor
    core: Tensor


def draw_infarct(rng: np.random.Generator, grid: Grid, brain: Tensor) -> Infarct | None:
    """An old infarct of 0.2 to 15 mL somewhere in the brain, in 4 of 10 subjects.

    ``brain``: fraction (x, y, z) of brain tissue and fluid.
    """
    ragged = 0.25 * grid.field(rng, 8.0, fine=False)
    drawn, volume_ml = rng.uniform(), float(np.exp(rng.uniform(np.log(0.2), np.log(15))))
    inside = torch.nonzero(brain > 0.95)
    centre = inside[int(rng.integers(len(inside)))]
    rim_mm = rng.uniform(1.0, 3.0)
    if drawn >= SHARE_OF_SUBJECTS:
        return None
    radius = (volume_ml * 3000 / (4 * np.pi)) ** (1 / 3)
    steps = [
        (torch.arange(size) - int(middle)) * step
        for size, middle, step in zip(grid.shape, centre, grid.spacing_mm, strict=True)
    ]
    x, y, z = torch.meshgrid(*steps, indexing="ij")
    depth = (radius - torch.sqrt(x**2 + y**2 + z**2)) + ragged * radius
    return Infarct(torch.sigmoid(depth * 2) * brain, torch.sigmoid((depth - rim_mm) * 2) * brain)
