"""Random intensities and faults: one head as any scanner might show it, and as none does.

What is drawn: the brightness and texture of each tissue, blur, a bias field, a bent scale of
intensities, thick slices in any plane, uneven slices, ghosts, wrap-around, ringing, noise, air set
to 0, missing slices and sides, a missing face, and in a quarter of the scans no skull at all.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kdlib.simulator import signal
from kdlib.simulator.head import face_removed
from kdlib.starter.coarse import VOXEL_MM, along, weights
from kdlib.starter.outer import BRAIN_TISSUES, GRID, Anatomy, field, soft

ANY_CONTRAST = 0.15  # share of the scans in which every tissue may have any brightness
STRIPPED = 0.25  # share of the scans without a skull
THICKEST_MM = 8.0

# The lowest and highest brightness on FLAIR-like scans; white matter is 1.
FLAIR_LIKE = {
    "white": (1.0, 1.0),
    "cortex": (0.9, 1.5),
    "deep": (0.8, 1.35),
    "csf": (0.0, 0.5),
    "lesion": (0.3, 2.5),
    "fluid": (0.0, 0.6),
    "dura": (0.0, 1.6),
    "bone": (0.0, 0.35),
    "marrow": (0.0, 1.8),
    "cavity": (0.0, 0.3),
    "eye": (0.0, 1.2),
    "orbit": (0.1, 2.5),
    "skin": (0.2, 2.5),
    "gland": (0.3, 2.5),
    "fat": (0.1, 2.8),
    "tongue": (0.2, 1.6),
    "muscle": (0.1, 1.3),
}


@dataclass(frozen=True)
class Painted:
    """A simulated coarse scan (x, y, z) on ``GRID``, and the fraction of brain in each voxel."""

    image: Tensor
    brain: Tensor


def paint(rng: np.random.Generator, head: Anatomy) -> Painted:
    """Draw a scan of ``head``. Its largest intensity is about 1; air is 0 or above."""
    image = _tissues(rng, head)
    for fault in (_blur, _dropout, _bias, _thick_slices, _uneven_slices, _ghost, _wrap, _ringing):
        image = fault(rng, head, image)
    top = torch.quantile(image.flatten()[::7], 0.999).clamp(min=1e-6)
    image = (image / top).clamp(min=0) ** float(np.exp(rng.normal(0, 0.25)))
    level = float(image[head.brain_mm < -5].mean())
    sigma = max(1e-4, level * rng.choice([0.01, 0.04, 0.1, 0.2]) * rng.uniform(0.5, 1.2))
    image = signal.rician(rng, image, sigma, rng.uniform(0.05, 0.8))
    kept = _kept(rng, head)
    return Painted(image * kept, head.brain * (kept > 0.3))


def _tissues(rng: np.random.Generator, head: Anatomy) -> Tensor:
    """The sum of all tissues, each with its own brightness and texture."""
    image = torch.zeros(GRID.shape)
    anything = rng.random() < ANY_CONTRAST
    shared = [field(rng, scale) for scale in (4.0, 12.0, 35.0)]
    for name, part in head.parts.items():
        low, high = (0.0, 1.5) if anything else FLAIR_LIKE[name]
        most = 0.08 if name in BRAIN_TISSUES else 0.3
        texture = torch.zeros(GRID.shape)
        for one in shared:
            moved = one.roll(tuple(rng.integers(0, 40, 3).tolist()), (0, 1, 2))
            texture = texture + float(rng.uniform(-most, most)) * moved
        if name not in BRAIN_TISSUES and rng.random() < 0.4:  # two kinds of this tissue
            texture = texture + rng.uniform(-0.8, 1.2) * (shared[1].flip(0) > rng.normal())
        image += part * float(rng.uniform(low, high)) * (1 + texture).clamp(min=0)
    return image


Fault = Callable[[np.random.Generator, Anatomy, Tensor], Tensor]


def _blur(rng: np.random.Generator, head: Anatomy, image: Tensor) -> Tensor:
    """A point spread of up to a voxel, along all axes."""
    sigma = rng.uniform(0.25, 0.9)
    image = signal.blurred(image, (sigma, sigma))
    return signal.blurred(image.movedim(2, 0), (sigma, 0.01)).movedim(0, 2)


def _dropout(rng: np.random.Generator, head: Anatomy, image: Tensor) -> Tensor:
    """Signal that is lost above the air of the sinuses and ears."""
    if rng.random() < 0.6:
        return image
    reach = rng.uniform(0.5, 2.0)
    lost = signal.blurred(head.parts["cavity"], (reach, reach))
    return image * (1 - 1.5 * lost).clamp(min=0.1, max=1)


def _bias(rng: np.random.Generator, head: Anatomy, image: Tensor) -> Tensor:
    """Uneven coils: a smooth field and a slope across the scan."""
    log = rng.uniform(0, 0.3) * field(rng, rng.uniform(60, 140))
    slope = torch.from_numpy(rng.normal(0, 0.002, 3) * (rng.random() < 0.4)).float()
    return image * torch.exp(log + head.points @ slope)


def _thick_slices(rng: np.random.Generator, head: Anatomy, image: Tensor) -> Tensor:
    """Slices of 1 to 8 mm, mostly axial, that are interpolated to the grid."""
    axis = int(rng.choice([2, 2, 2, 1, 0]))
    step = rng.uniform(1, THICKEST_MM) / VOXEL_MM
    if step <= 1:
        return image
    size = image.shape[axis]
    count = max(2, round(size / step))
    there, back = weights(size, count, step), weights(count, size, 1 / step)
    return torch.from_numpy(along(image.numpy(), axis, back @ there))


def _uneven_slices(rng: np.random.Generator, head: Anatomy, image: Tensor) -> Tensor:
    """A gain of each slice's own, as from cross-talk, flow or movement between slices."""
    if rng.random() < 0.7:
        return image
    axis = int(rng.choice([2, 2, 2, 2, 1, 0]))
    gains = torch.from_numpy(np.exp(rng.normal(0, rng.uniform(0, 0.15), image.shape[axis])))
    shape = [1, 1, 1]
    shape[axis] = -1
    return image * gains.float().reshape(shape)


def _ghost(rng: np.random.Generator, head: Anatomy, image: Tensor) -> Tensor:
    """Weak copies of the head beside it, along the axis of the phase encoding."""
    if rng.random() < 0.65:
        return image
    axis = int(rng.choice([0, 1]))
    shift = round(image.shape[axis] / int(rng.choice([2, 3, 4, 8])))
    copies = image.roll(shift, axis) + image.roll(-shift, axis)
    return image + float(rng.uniform(0, 0.12)) * copies


def _wrap(rng: np.random.Generator, head: Anatomy, image: Tensor) -> Tensor:
    """A field of view that is too small: what lies beyond one side comes back at the other."""
    if rng.random() < 0.95:
        return image
    axis, width = int(rng.choice([0, 1])), int(rng.integers(2, 9))
    image = image.movedim(axis, 0).clone()
    image[width : 2 * width] += image[-width:]
    image[-width:] = 0
    return image.movedim(0, axis)


def _ringing(rng: np.random.Generator, head: Anatomy, image: Tensor) -> Tensor:
    """A cut-off spectrum along one axis, which draws fine lines beside sharp edges."""
    if rng.random() < 0.75:
        return image
    axis = int(rng.choice([0, 1]))
    spectrum = torch.fft.rfft(image, dim=axis).movedim(axis, 0)
    spectrum[round(len(spectrum) * rng.uniform(0.55, 0.95)) :] = 0
    return torch.fft.irfft(spectrum.movedim(0, axis), n=image.shape[axis], dim=axis)


def _kept(rng: np.random.Generator, head: Anatomy) -> Tensor:
    """The share (x, y, z) of each voxel that a program or the field of view left."""
    kept = _field_of_view(rng, head)
    if rng.random() < 0.15:
        kept = kept * ~face_removed(head.points, head.brain_mm, rng.uniform(0.1, 0.3))
    if rng.random() < STRIPPED:
        margin = rng.normal(1.0, 1.2) + rng.uniform(0.3, 2.2) * field(rng, rng.uniform(12, 35))
        share = soft(margin - head.brain_mm)
        return kept * share.masked_fill(share < 0.1, 0)
    if rng.random() < 0.3:  # a program cut off the air
        inside = sum(head.parts.values(), start=torch.zeros(GRID.shape))
        return kept * (inside > rng.uniform(0.02, 0.3))
    return kept


def _field_of_view(rng: np.random.Generator, head: Anatomy) -> Tensor:
    """1 inside a box that may cut off the neck, and sometimes a part of the head; 0 outside."""
    kept = torch.ones(GRID.shape)
    where = (head.brain_mm < 0).nonzero()
    low, high = where.amin(0), where.amax(0)
    for axis in range(3):
        near, far = (float(rng.normal(6, 5) if rng.random() < 0.15 else 99) for _ in range(2))
        if axis == 2:
            near = float(rng.uniform(-16, 10) if rng.random() < 0.4 else near)
            far = float(rng.uniform(-9, 8) if rng.random() < 0.15 else far)
        first = max(0, int(low[axis] - near))
        last = min(GRID.shape[axis], int(high[axis] + far) + 1)
        kept.narrow(axis, 0, first).zero_()
        kept.narrow(axis, last, GRID.shape[axis] - last).zero_()
    return kept
