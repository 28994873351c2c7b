"""The maps of an average brain that every simulated subject is warped from.

They are derived from the MNI152 2009 grey- and white-matter maps that nilearn ships. Their notice:

    Copyright (C) 1993-2009 Louis Collins, McConnell Brain Imaging Centre, Montreal Neurological
    Institute, McGill University. Permission to use, copy, modify, and distribute this software and
    its documentation for any purpose and without fee is hereby granted, provided that the above
    copyright notice appear in all copies.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

CHANNELS = ("white", "cortex", "deep", "csf", "ventricle_mm", "brain_mm")
ORIGIN_MM = np.array([-98.0, -134.0, -72.0])  # MNI coordinates of voxel (0, 0, 0); voxels of 1 mm


class Box(NamedTuple):
    """A box in MNI coordinates, mm."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]


# Roughly: where grey matter is not cortex, where the lateral ventricles are, cisterns near them.
_DEEP = (Box((-33, -34, -12), (33, 24, 24)), Box((-18, -42, -72), (18, -8, -8)))
_VENTRICLES = (Box((-30, -56, -2), (30, 44, 34)),)
_TEMPORAL_HORNS = (Box((-40, -42, -22), (-27, -12, -4)), Box((27, -42, -22), (40, -12, -4)))
_CISTERNS = (
    Box((-3, 22, -10), (3, 50, 40)),
    Box((-9, -60, -10), (9, -38, 14)),
    Box((-5, -38, -18), (5, 14, 5)),
    Box((-3, -60, 20), (3, -30, 40)),
)


@lru_cache(maxsize=1)
def template_maps() -> NDArray[np.float32]:
    """The ``CHANNELS`` (6, 197, 233, 189) at 1 mm, axes RAS+, first voxel at ``ORIGIN_MM``.

    Four tissue probabilities that sum to 1 inside the brain, and two signed distances in mm,
    negative inside: to the lateral ventricles and to the brain's surface.
    """
    # Heavy to import, and needed once.
    from nilearn.datasets import (
        load_mni152_gm_template,
        load_mni152_template,
        load_mni152_wm_template,
    )

    head = np.asarray(load_mni152_template(resolution=1).dataobj, np.float32)
    grey = np.asarray(load_mni152_gm_template(resolution=1).dataobj, np.float32)
    white = np.asarray(load_mni152_wm_template(resolution=1).dataobj, np.float32)
    brain = ndimage.binary_fill_holes(ndimage.binary_opening(head > 0.05, iterations=2))
    csf = np.clip(1 - grey - white, 0, 1) * brain
    bodies, horns = _lateral_ventricles(csf)
    ventricle_mm = _signed_distance(bodies | horns)
    brain_mm = _signed_distance(brain)
    # Where ventricle meets white matter the average of both is taken for grey: give it back.
    rim = ndimage.binary_dilation(bodies, iterations=4) & ~_inside(brain.shape, _DEEP[0])
    white, grey = np.where(rim, white + grey, white), np.where(rim, 0, grey)
    deep = grey * ndimage.gaussian_filter(_inside(brain.shape, *_DEEP).astype(np.float32), 2)
    tissues = _sharpened(np.stack([white, grey - deep, deep, csf]), brain)
    return np.concatenate([tissues, ventricle_mm[None], brain_mm[None]]).astype(np.float32)


def _sharpened(tissues: NDArray[np.float32], brain: NDArray[np.bool_]) -> NDArray[np.float32]:
    """An average brain is blurred: an unsharp mask brings back sulci and the gyri's blades."""
    crisp = [2.5 * one - 1.5 * ndimage.gaussian_filter(one, 2.5) for one in tissues]
    positive = np.clip(crisp, 0, 1)
    return positive / np.maximum(positive.sum(0), 1e-3) * brain


def _lateral_ventricles(csf: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    inside = _inside(csf.shape, *_VENTRICLES) & ~_inside(csf.shape, *_CISTERNS)
    labels, _ = ndimage.label((csf > 0.5) & inside)
    sizes = np.bincount(labels.ravel())
    bodies = np.argsort(sizes[1:])[-2:] + 1  # left and right
    horns = _inside(csf.shape, *_TEMPORAL_HORNS) & (csf > 0.6)
    return np.isin(labels, bodies), horns


def _inside(shape: tuple[int, ...], *boxes: Box) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    for box in boxes:
        low = (np.array(box.low) - ORIGIN_MM).clip(0).astype(int)
        high = (np.array(box.high) - ORIGIN_MM).clip(0).astype(int)
        mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
    return mask


def _signed_distance(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    outside = ndimage.distance_transform_edt(~mask)
    return outside - ndimage.distance_transform_edt(mask) + np.where(mask, 0.5, -0.5)
