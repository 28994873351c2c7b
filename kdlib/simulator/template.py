"""The maps of an average brain. Every simulated subject is a warped version of it.

They are derived from the MNI152 2009 grey- and white-matter maps that nilearn ships. Their notice:

    Copyright (C) 1993-2009 Louis Collins, McConnell Brain Imaging Centre, Montreal Neurological
    Institute, McGill University. Permission to use, copy, modify, and distribute this software and
    its documentation for any purpose and without fee is hereby granted, provided that the above
    copyright notice appear in all copies.
"""

import platform
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from kdlib.cache import cached, code_of, versions_of


class Channel(IntEnum):
    """The channels of the maps: the logits of four tissues, then two signed distances in mm."""

    WHITE = 0
    CORTEX = 1
    DEEP = 2
    CSF = 3
    VENTRICLE_MM = 4
    BRAIN_MM = 5


TISSUE_LOGITS = slice(Channel.WHITE, Channel.VENTRICLE_MM)
DISTANCES = slice(Channel.VENTRICLE_MM, None)
ORIGIN_MM = np.array([-98.0, -134.0, -72.0])  # MNI coordinates of voxel (0, 0, 0); voxels of 1 mm

_THICKNESS_MM = 3.2  # how thick the cortex is
_EDGE_MM = 0.5  # how wide the border between two tissues is
_SHARPNESS = 2.0  # how sharp the average brain's probabilities are where there is no ribbon
_FLOOR = 0.02


class Box(NamedTuple):
    """A box in MNI coordinates, mm."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]


# Rough boxes: grey matter that is not cortex, the lateral ventricles, and cisterns near them.
_DEEP = (Box((-33, -34, -12), (33, 28, 28)), Box((-18, -42, -72), (18, -8, -8)))
_VENTRICLES = (Box((-30, -56, -2), (30, 44, 34)),)
_TEMPORAL_HORNS = (Box((-40, -42, -22), (-27, -12, -4)), Box((27, -42, -22), (40, -12, -4)))
_CISTERNS = (
    Box((-3, 22, -10), (3, 50, 40)),
    Box((-9, -60, -10), (9, -38, 14)),
    Box((-5, -38, -18), (5, 14, 5)),
    Box((-3, -60, 20), (3, -30, 40)),
)


# The middle and the half axes of the cerebellum in MNI mm. No ribbon is drawn there.
_CEREBELLUM = (0, -62, -36), (54, 34, 25)


@lru_cache(maxsize=1)
def template_maps() -> NDArray[np.float32]:
    """The ``Channel`` maps (6, 197, 233, 189) with voxels of 1 mm, axes RAS+.

    The first voxel lies at ``ORIGIN_MM``. Four maps are logits of tissues; a softmax turns them
    into fractions. Two maps are signed distances in mm, negative inside: to the lateral ventricles
    and to the brain's surface.
    """
    # They take ten seconds. In a cache they have 200 MB.
    made_of = [code_of(__file__), platform.machine(), *versions_of("numpy", "scipy", "nilearn")]
    return cached("template", made_of, _made_maps)


def _made_maps() -> NDArray[np.float32]:
    # Its import is slow, and it is needed only once.
    from nilearn.datasets import (
        load_mni152_gm_template,
        load_mni152_template,
        load_mni152_wm_template,
    )

    head, grey, white = (
        np.asarray(load(resolution=1).dataobj, np.float32)
        for load in (load_mni152_template, load_mni152_gm_template, load_mni152_wm_template)
    )
    brain = ndimage.binary_fill_holes(ndimage.binary_opening(head > 0.05, iterations=2))
    csf = np.clip(1 - grey - white, 0, 1) * brain
    bodies, horns = _lateral_ventricles(csf)
    distances = np.stack([_signed_distance(bodies | horns), _signed_distance(brain)])
    inner = ndimage.gaussian_filter(_in_boxes(brain.shape, *_DEEP).astype(np.float32), 2)
    share = (1 - inner) * _beside(distances[0], 5) * (1 - _cerebellum(brain.shape))
    ribbon = _ribbon(white, csf, brain)
    # At the border of ventricle and white matter their average looks like grey matter. It is
    # turned back into white matter.
    rim = ndimage.binary_dilation(bodies, iterations=4) & ~_in_boxes(brain.shape, _DEEP[0])
    white, grey = np.where(rim, white + grey, white), np.where(rim, 0, grey)
    average = _average(np.stack([white, grey * (1 - inner), grey * inner, csf]), brain)
    tissues = share * ribbon + (1 - share) * average
    return np.concatenate([tissues, distances]).astype(np.float32)


def _ribbon(
    white: NDArray[np.float32], csf: NDArray[np.float32], brain: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Logits where the cortex is a ribbon of even thickness around the white matter of the gyri.

    In an average of many brains, the white matter of the gyri fades towards the surface. So a voxel
    is taken as white matter if it is whiter than the voxels around it. Beyond the ribbon is a
    sulcus, if the average has any fluid there.
    """
    around = ndimage.gaussian_filter(white, 5) / np.maximum(
        ndimage.gaussian_filter(brain.astype(np.float32), 5), 0.2
    )
    blades = (white > around.clip(0.1, 0.65)) & brain
    away = ndimage.gaussian_filter(_signed_distance(blades), 0.6) / _EDGE_MM
    fluid = (away - _THICKNESS_MM / _EDGE_MM).clip(max=2) + 2 * np.log((csf + 0.03) / 0.2)
    return np.stack([-away, np.zeros_like(away), np.full_like(away, -9), fluid])


def _average(tissues: NDArray[np.float32], brain: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Logits of the average brain, sharpened by an unsharp mask."""
    crisp = [2.5 * one - 1.5 * ndimage.gaussian_filter(one, 2.5) for one in tissues]
    positive = np.clip(crisp, 0, 1)
    share = positive / np.maximum(positive.sum(0), 1e-3) * brain
    return _SHARPNESS * np.log(share + _FLOOR)


def _beside(distance_mm: NDArray[np.float32], reach_mm: float) -> NDArray[np.float32]:
    """A weight that is near 0 inside a surface and near 1 well beyond ``reach_mm``."""
    return 1 / (1 + np.exp(-(distance_mm - reach_mm)))


def _cerebellum(shape: tuple[int, ...]) -> NDArray[np.float32]:
    steps = np.ogrid[tuple(slice(0.0, size) for size in shape)]
    places = zip(steps, ORIGIN_MM, *_CEREBELLUM, strict=True)
    squares = [((step + origin - middle) / axis) ** 2 for step, origin, middle, axis in places]
    return 1 / (1 + np.exp(15 * (np.sqrt(sum(squares)) - 1)))


def _lateral_ventricles(csf: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    inside = _in_boxes(csf.shape, *_VENTRICLES) & ~_in_boxes(csf.shape, *_CISTERNS)
    labels, _ = ndimage.label((csf > 0.5) & inside)
    sizes = np.bincount(labels.ravel())
    bodies = np.argsort(sizes[1:])[-2:] + 1  # left and right
    horns = _in_boxes(csf.shape, *_TEMPORAL_HORNS) & (csf > 0.6)
    return np.isin(labels, bodies), horns


def _in_boxes(shape: tuple[int, ...], *boxes: Box) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    for box in boxes:
        low = (np.array(box.low) - ORIGIN_MM).clip(0).astype(int)
        high = (np.array(box.high) - ORIGIN_MM).clip(0).astype(int)
        mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
    return mask


def _signed_distance(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The distance to a surface in voxels, negative inside. Next to the surface it is a half."""
    away = ndimage.distance_transform_edt(~mask | ndimage.binary_erosion(mask, border_value=1))
    return np.where(mask, -away - 0.5, away - 0.5).astype(np.float32)
