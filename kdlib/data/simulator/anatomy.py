"""One subject's tissues: a sample from the average brain's tissue probabilities.

The average is smooth, a person is not. So the probabilities are sharpened and random fields are
added to their logarithms before they compete: sulci open here and close there, gyri thicken and
thin, and every subject folds in a way of its own (a softmax over noisy log probabilities).
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from kdlib.data.simulator.fields import sample
from kdlib.data.simulator.geometry import Frame, voxel_points
from kdlib.data.simulator.template import ORIGIN_MM

_STEP = 4.0  # mm between the nodes of the regional maps
_SHARPNESS = 2.0
_FLOOR = 0.02


def tissues(rng: np.random.Generator, frame: Frame, maps: Tensor, atrophy: float) -> Tensor:
    """Fractions (4, x, y, fine z) of white matter, cortex, deep grey matter and CSF.

    ``maps``: the template's ``CHANNELS`` at the subject's samples. ``atrophy`` is added to the log
    probability of CSF: 0 is the average brain, 1 has wide sulci. The fractions sum to 1 inside the
    brain and to 0 outside.
    """
    logits = _SHARPNESS * torch.log(maps[:4].clamp(0, 1) + _FLOOR)
    away = 1 - torch.exp(-((maps[4] / 5) ** 2))  # the ventricle's wall is smooth
    logits[0] += 0.9 * frame.field(rng, 5.0)
    # Sulci of one's own: thin sheets, where a random field crosses zero within the cortex.
    sheets = torch.exp(-((frame.field(rng, 11.0) / 0.16) ** 2))
    logits[3] += 3.0 * sheets * maps[1].clamp(0, 1) * torch.sigmoid((maps[5] + 16) / 2)
    logits[3] += atrophy + 1.1 * frame.field(rng, 3.5) * away
    brain = torch.sigmoid((0.3 - maps[5]) / 0.4)
    return torch.softmax(logits, dim=0) * brain


def lining(rng: np.random.Generator, frame: Frame, ventricle_mm: Tensor) -> Tensor:
    """Fraction of the ventricles' bright lining: a thin sheet of varying strength, no lesion."""
    strength = (0.25 + 0.2 * frame.field(rng, 12.0)).clamp(0, 0.6) * rng.uniform(0.4, 1.8)
    return strength * torch.exp(-(((ventricle_mm - 0.6) / 1.2) ** 2))


def choroid(rng: np.random.Generator, frame: Frame, ventricle_mm: Tensor, atrium: Tensor) -> Tensor:
    """Share (x, y, z) of the CSF that is choroid plexus: ragged, inside the ventricles' atria."""
    ragged = frame.field(rng, 4.0, fine=False) + 2.5 * atrium - 2.0
    return 0.8 * torch.sigmoid(ragged * 3) * torch.sigmoid(-3 * (ventricle_mm + 0.5))


# Landmarks in MNI mm (mirrored), reach in mm, and how much brighter on FLAIR: mean and spread
# between subjects. Iron darkens the pallidum; limbic cortex is bright; so are long dense tracts.
_GREY = (
    ((38, 5, 0), (7, 22, 14), 0.07, 0.04),  # insula
    ((5, 20, 30), (7, 20, 16), 0.07, 0.04),  # anterior cingulate
    ((6, -45, 28), (7, 14, 14), 0.03, 0.03),  # posterior cingulate
    ((28, -22, -14), (9, 18, 9), 0.14, 0.06),  # hippocampus and amygdala
    ((25, -35, 3), (7, 8, 8), 0.15, 0.07),  # tail of the hippocampus
    ((6, 40, -14), (14, 20, 8), 0.04, 0.04),  # orbitofrontal
    ((12, 12, 8), (6, 9, 10), 0.03, 0.03),  # caudate
    ((26, 4, 2), (6, 14, 10), -0.06, 0.04),  # putamen
    ((18, -4, -2), (7, 9, 7), -0.22, 0.05),  # pallidum
    ((9, -18, -12), (5, 6, 6), -0.15, 0.05),  # substantia nigra, red nucleus
    ((12, -18, 8), (9, 12, 8), -0.02, 0.03),  # thalamus
    ((12, -82, 4), (12, 12, 14), -0.04, 0.03),  # calcarine cortex, rich in myelin
    ((38, -22, 54), (14, 10, 14), -0.04, 0.03),  # sensorimotor cortex
)
_WHITE = (
    ((24, -22, 16), (4, 5, 14), 0.05, 0.05),  # corticospinal tract
    ((24, -24, 42), (7, 7, 12), 0.04, 0.03),  # corona radiata
    ((30, -62, 10), (6, 18, 10), 0.06, 0.05),  # optic radiation, behind the posterior horn
    ((16, 34, 4), (5, 6, 8), 0.03, 0.04),  # before the frontal horn
    ((14, 22, 11), (6, 8, 10), 0.07, 0.06),  # its cap
    ((18, -34, 14), (8, 8, 10), 0.05, 0.05),  # tapetum, round the atrium
    ((0, 0, 15), (3.5, 22, 8), 0.28, 0.12),  # septum pellucidum and fornix
    ((0, -34, 10), (6, 8, 6), 0.15, 0.12),  # crura of the fornix and their commissure
    ((0, -32, -6), (6, 7, 9), 0.20, 0.09),  # round the aqueduct, colliculi
    ((0, 28, 6), (12, 6, 8), -0.06, 0.03),  # genu of the corpus callosum
    ((12, -38, 14), (8, 6, 8), -0.06, 0.03),  # splenium
    ((18, -4, -2), (7, 8, 7), -0.18, 0.05),  # pallidum
    ((16, -58, -34), (7, 8, 6), -0.10, 0.06),  # dentate nucleus
    ((36, 30, 0), (14, 20, 20), 0.00, 0.03),  # frontal
    ((40, -10, -24), (14, 24, 10), 0.02, 0.03),  # temporal
)


_ATRIUM = ((23, -40, 7), (9, 10, 9))


def regional_brightness(
    rng: np.random.Generator, frame: Frame, points: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Two factors near 1, for the FLAIR signal of grey and of white matter, and how near an atrium.

    ``points``: MNI mm (x, y, z, 3) of the voxels; the results are (x, y, z).
    """
    basis = _landmark_maps()
    drawn = [rng.normal(mean, spread) for *_, mean, spread in (*_GREY, *_WHITE)]
    weights = torch.zeros(3, len(basis))
    weights[0, : len(_GREY)] = torch.tensor(drawn[: len(_GREY)])
    weights[1, len(_GREY) : -1] = torch.tensor(drawn[len(_GREY) :])
    weights[2, -1] = 1
    grey, white, atrium = sample(
        torch.einsum("mn,nijk->mijk", weights, basis), voxel_points(points) / _STEP
    )
    grey += 1 + 0.04 * frame.field(rng, 18.0, fine=False)
    grey += rng.uniform(0.03, 0.07) * frame.field(rng, 6.0, fine=False)  # spots of bright cortex
    white += 1 + 0.035 * frame.field(rng, 20.0, fine=False)
    return grey, white, atrium


@lru_cache(maxsize=1)
def _landmark_maps() -> Tensor:
    """Nearness (landmark, i, j, k) to each landmark of ``_GREY`` and ``_WHITE``, and the atria."""
    axes = [torch.arange(0.0, size, _STEP) for size in (197, 233, 189)]
    nodes = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    nodes += torch.tensor(ORIGIN_MM, dtype=torch.float32)
    places = [(centre, reach) for centre, reach, *_ in (*_GREY, *_WHITE)]
    return torch.stack([_mirrored(nodes, *place) for place in (*places, _ATRIUM)])


def _mirrored(nodes: Tensor, centre: Sequence[float], reach: Sequence[float]) -> Tensor:
    sides = []
    for side in (-1, 1):
        middle = torch.tensor([side * centre[0], *centre[1:]], dtype=torch.float32)
        offset = (nodes - middle) / torch.tensor(reach, dtype=torch.float32)
        sides.append(torch.exp(-0.5 * (offset**2).sum(-1)))
    return torch.maximum(*sides)
