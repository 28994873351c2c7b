"""One subject's tissues: the template's, its gyri thicker here and its sulci wider there.

The template's logits are an average brain's with a ribbon of cortex. Random fields are added before
the tissues compete (a softmax): white blades thin, sulci open and close, no two subjects are alike.
"""

import numpy as np
import torch
from torch import Tensor

from kdlib.simulator.geometry import Grid
from kdlib.simulator.template import TISSUE_LOGITS, Channel


def tissues(rng: np.random.Generator, grid: Grid, maps: Tensor, atrophy: float) -> Tensor:
    """Fractions (4, x, y, fine z) of white matter, cortex, deep grey matter and CSF.

    ``maps``: the template's ``Channel``s at the subject's samples. ``atrophy`` is added to CSF's
    logit: 0 is the average brain, 1 has wide sulci. The fractions sum to 1 inside the brain and to
    0 outside.
    """
    logits = maps[TISSUE_LOGITS].clone()
    # Sulci widen; the ventricle's wall is smooth.
    away = 1 - torch.exp(-((maps[Channel.VENTRICLE_MM] / 8) ** 2))
    logits[Channel.WHITE] += 1.5 * grid.field(rng, 8.0) + 0.9 * grid.field(rng, 4.0)
    width = atrophy + 0.8 * grid.field(rng, 14.0) + 0.8 * grid.field(rng, 4.0)
    logits[Channel.CSF] += width * away
    brain = torch.sigmoid((0.3 - maps[Channel.BRAIN_MM]) / 0.4)
    return torch.softmax(logits, dim=0) * brain


def lining(rng: np.random.Generator, grid: Grid, ventricle_mm: Tensor) -> Tensor:
    """Fraction of the ventricles' bright lining: a thin sheet of varying strength, no lesion."""
    strength = (0.25 + 0.2 * grid.field(rng, 12.0)).clamp(0, 0.6) * rng.uniform(0.4, 1.8)
    return strength * torch.exp(-(((ventricle_mm - 0.6) / 1.2) ** 2))
