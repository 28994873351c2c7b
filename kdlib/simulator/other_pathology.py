"""Old infarcts: pathology that is no white matter hyperintensity, label 2 of the challenge."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kdlib.simulator.geometry import Grid

SHARE_OF_SUBJECTS = 0.4


@dataclass(frozen=True)
class Infarct:
    """Fractions (x, y, z) of the whole infarct and of its core of fluid, inside a bright rim."""

    extent: Tensor
    core: Tensor


def draw_infarct(rng: np.random.Generator, grid: Grid, brain: Tensor) -> Infarct | None:
    """Draw an old infarct of 0.2 to 15 mL somewhere in the brain. 6 of 10 subjects have none.

    ``brain`` (x, y, z) is the fraction of brain tissue and fluid.
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
