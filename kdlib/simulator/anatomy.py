"""One subject's tissues: those of the template, with gyri and sulci of the subject's own.

The template holds the logits of an average brain with a ribbon of cortex. Random fields are added
before a softmax decides between the tissues. So the white matter of gyri becomes thicker or
thinner, sulci open and close, and no two subjects are alike.
"""

import numpy as np
import torch
from torch import Tensor

from kdlib.simulator.geometry import Grid
from kdlib.simulator.template import TISSUE_LOGITS, Channel


def tissues(rng: np.random.Generator, grid: Grid, maps: Tensor, atrophy: float) -> Tensor:
    """Fractions (4, x, y, fine z) of white matter, cortex, deep grey matter and CSF.

    ``maps`` are the template's ``Channel`` maps at the subject's samples. ``atrophy`` is added to
    the logit of CSF: 0 is the average brain, 1 has wide sulci. The fractions sum to 1 inside the
    brain and to 0 outside.
    """
    logits = maps[TISSUE_LOGITS].clone()
    # Only sulci widen. Near the ventricle nothing is added, so that its wall stays smooth.
    away = 1 - torch.exp(-((maps[Channel.VENTRICLE_MM] / 8) ** 2))
    logits[Channel.WHITE] += 1.5 * grid.field(rng, 8.0) + 0.9 * grid.field(rng, 4.0)
    width = atrophy + 0.8 * grid.field(rng, 14.0) + 0.8 * grid.field(rng, 4.0)
    logits[Channel.CSF] += width * away
    brain = torch.sigmoid((0.3 - maps[Channel.BRAIN_MM]) / 0.4)
    return torch.softmax(logits, dim=0) * brain


def lining(
    rng: np.random.Generator, grid: Grid, ventricle_mm: Tensor, width: float = 1.0
) -> Tensor:
    """Fraction of the bright lining of the ventricles: a thin uneven layer that is no lesion.

    ``width`` is how wide it is, as a factor.
    """
    strength = (0.25 + 0.2 * grid.field(rng, 12.0)).clamp(0, 0.6) * rng.uniform(0.4, 1.8)
    return strength * torch.exp(-(((ventricle_mm - 0.6) / (1.2 * width)) ** 2))
