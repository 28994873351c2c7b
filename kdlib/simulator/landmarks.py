"""Regions of the brain, and fluid, that are brighter or darker than the rest of their tissue."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from kdlib.simulator.fields import sample
from kdlib.simulator.geometry import Grid, voxel_points
from kdlib.simulator.template import ORIGIN_MM

_STEP = 4.0  # mm between the nodes of the regional maps


@dataclass(frozen=True)
class Plexus:
    """The choroid plexus of a person. The defaults are those of the study's clinics.

    Attributes:
        size: how much of the atria it fills; 0 is usual, and at 1 it fills most of them.
        share: how much of its voxels it is, from 0 to 1. The rest is fluid.
        spots: the standard deviation of the logarithm of its brightness from place to place.
    """

    size: float = 0.0
    share: float = 0.8
    spots: float = 0.0


USUAL_PLEXUS = Plexus()


def bright_fluid(
    rng: np.random.Generator,
    grid: Grid,
    ventricle_mm: Tensor,
    atrium: Tensor,
    aqueduct: Tensor,
    own: Plexus = USUAL_PLEXUS,
) -> Tensor:
    """Share (x, y, z) of the CSF that is bright.

    It is the choroid plexus in the atria of the ventricles, which has a ragged border, and the
    fluid that flows through the aqueduct.
    """
    ragged = grid.field(rng, 4.0, fine=False) + 2.5 * atrium - (2.0 - own.size)
    plexus = own.share * torch.sigmoid(ragged * 3) * torch.sigmoid(-3 * (ventricle_mm + 0.5))
    return torch.maximum(plexus, rng.uniform(0, 0.9) * aqueduct)


# Each row has a place in MNI mm (its mirror image counts too), a reach in mm, and how much brighter
# it is on FLAIR: the mean, and the spread between subjects. Iron makes the pallidum dark. Limbic
# cortex and long dense tracts are bright.
_GREY = (
    ((38, 5, 0), (7, 22, 14), 0.04, 0.04),  # insula
    ((33, 2, 6), (4, 18, 12), 0.10, 0.05),  # claustrum
    ((5, 20, 30), (7, 20, 16), 0.07, 0.04),  # anterior cingulate
    ((6, -45, 28), (7, 14, 14), 0.03, 0.03),  # posterior cingulate
    ((28, -22, -14), (9, 18, 9), 0.06, 0.05),  # hippocampus and amygdala
    ((27, -32, 1), (7, 8, 7), 0.10, 0.06),  # its tail
    ((6, 40, -14), (14, 20, 8), -0.04, 0.05),  # orbitofrontal
    ((13, 16, 8), (7, 10, 11), 0.05, 0.06),  # head of the caudate
    ((15, 0, 21), (6, 17, 8), 0.07, 0.06),  # its body
    ((26, 4, 2), (6, 14, 10), 0.05, 0.05),  # putamen
    ((18, -4, -2), (7, 9, 7), -0.22, 0.05),  # pallidum
    ((9, -18, -12), (5, 6, 6), -0.15, 0.05),  # substantia nigra, red nucleus
    ((12, -18, 8), (9, 12, 8), 0.03, 0.04),  # thalamus
    ((12, -82, 4), (12, 12, 14), -0.04, 0.03),  # calcarine cortex, rich in myelin
    ((38, -22, 54), (14, 10, 14), -0.04, 0.03),  # sensorimotor cortex
)
_WHITE = (
    ((24, -22, 16), (4, 5, 14), 0.05, 0.05),  # corticospinal tract
    ((24, -24, 42), (7, 7, 12), 0.04, 0.03),  # corona radiata
    ((30, -62, 10), (6, 18, 10), -0.02, 0.05),  # optic radiation, behind the posterior horn
    ((16, 34, 2), (6, 8, 9), -0.04, 0.05),  # before the frontal horn
    ((14, 22, 11), (6, 8, 10), 0.11, 0.08),  # its cap, bright in health too
    ((25, -33, 4), (6, 6, 6), 0.22, 0.12),  # fimbria and tail of the hippocampus
    ((18, -34, 14), (8, 8, 10), 0.05, 0.05),  # tapetum, round the atrium
    ((0, 0, 15), (3.5, 22, 8), 0.28, 0.12),  # septum pellucidum and fornix
    ((0, -34, 10), (6, 8, 6), 0.15, 0.12),  # crura of the fornix and their commissure
    ((0, -31, -5), (7, 8, 8), 0.30, 0.15),  # round the aqueduct, colliculi
    ((0, -36, -15), (8, 6, 7), 0.25, 0.15),  # superior medullary velum
    ((0, -27, 3), (6, 4, 4), 0.15, 0.10),  # habenula, pineal gland
    ((3, 9, 25), (4, 22, 4), 0.10, 0.08),  # grey veil of the corpus callosum
    ((20, 10, 6), (4, 8, 10), -0.07, 0.04),  # anterior limb of the internal capsule
    ((0, 28, 6), (12, 6, 8), -0.12, 0.05),  # genu of the corpus callosum
    ((12, -38, 14), (8, 6, 8), -0.06, 0.03),  # splenium
    ((18, -4, -2), (7, 8, 7), -0.18, 0.05),  # pallidum
    ((16, -58, -34), (7, 8, 6), -0.10, 0.06),  # dentate nucleus
    ((36, 30, 0), (14, 20, 20), 0.00, 0.03),  # frontal
    ((40, -22, -12), (14, 26, 12), -0.11, 0.05),  # temporal
)


# Where fluid is bright: the choroid plexus in the atria, and the aqueduct with both its ends.
_FLUID = (((23, -40, 7), (9, 10, 9)), ((0, -31, -4), (4, 5, 8)))


def regional_brightness(rng: np.random.Generator, grid: Grid, points: Tensor) -> list[Tensor]:
    """Factors for the FLAIR signal of grey and of white matter, and the nearness to ``_FLUID``.

    ``points`` (x, y, z, 3) are the voxels' MNI coordinates in mm. The four results are (x, y, z).
    The factors are near 1.
    """
    basis = _landmark_maps()
    drawn = [rng.normal(mean, spread) for *_, mean, spread in (*_GREY, *_WHITE)]
    weights = torch.zeros(4, len(basis))
    weights[0, : len(_GREY)] = torch.tensor(drawn[: len(_GREY)])
    weights[1, len(_GREY) : -2] = torch.tensor(drawn[len(_GREY) :])
    weights[2:, -2:] = torch.eye(2)
    regions = torch.einsum("mn,nijk->mijk", weights, basis)
    grey, white, *fluid = sample(regions, voxel_points(points) / _STEP)
    grey += 1 + 0.03 * grid.field(rng, 18.0, fine=False)
    grey += rng.uniform(0.02, 0.05) * grid.field(rng, 6.0, fine=False)  # spots of bright cortex
    white += 1 + 0.035 * grid.field(rng, 20.0, fine=False)
    return [grey, white, *fluid]


@lru_cache(maxsize=1)
def _landmark_maps() -> Tensor:
    """Nearness (landmark, i, j, k) to each of ``_GREY``, ``_WHITE`` and ``_FLUID``."""
    axes = [torch.arange(0.0, size, _STEP) for size in (197, 233, 189)]
    nodes = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    nodes += torch.tensor(ORIGIN_MM, dtype=torch.float32)
    places = [(centre, reach) for centre, reach, *_ in (*_GREY, *_WHITE)]
    return torch.stack([_mirrored(nodes, *place) for place in (*places, *_FLUID)])


def _mirrored(nodes: Tensor, centre: Sequence[float], reach: Sequence[float]) -> Tensor:
    sides = []
    for side in (-1, 1):
        middle = torch.tensor([side * centre[0], *centre[1:]], dtype=torch.float32)
        offset = (nodes - middle) / torch.tensor(reach, dtype=torch.float32)
        sides.append(torch.exp(-0.5 * (offset**2).sum(-1)))
    return torch.maximum(*sides)
