"""A rough model of what surrounds the brain: skull, scalp, face, neck, and the cut of defacing."""

import numpy as np
import torch
from torch import Tensor

from kdlib.simulator.geometry import Grid


def surroundings(
    rng: np.random.Generator, grid: Grid, brain_mm: Tensor, points: Tensor
) -> dict[str, Tensor]:
    """Fractions (x, y, z) of the tissues outside the brain. The rest is air.

    From the brain outwards there is a film of fluid, two layers of bone with marrow between them,
    muscle and fat. Below and in front of the skull there are a face and a neck of muscle, fat, bone
    and air. ``brain_mm`` (x, y, z) is the signed distance to the brain. ``points`` (x, y, z, 3)
    are MNI coordinates in mm.
    """
    skull = rng.normal(7.0, 1.0) + 1.2 * grid.field(rng, 30.0, fine=False)
    scalp = rng.normal(5.5, 1.2) + 1.2 * grid.field(rng, 40.0, fine=False)
    fluid = rng.uniform(0.5, 2.5) + 0.6 * grid.field(rng, 20.0, fine=False)
    below = smooth_minimum(face_mm(points), neck_mm(points))
    depth = smooth_minimum(brain_mm - fluid - skull - scalp, below)  # negative inside the head
    head = _soft(-depth)
    cranium = _soft(fluid + skull - brain_mm)
    wet = _soft(fluid - brain_mm)
    middle = ((brain_mm - fluid) / skull - 0.5).abs()
    marrow = (cranium - wet).clamp(min=0) * _soft((0.22 - middle) * skull)
    outside = (head * (1 - cranium)).clamp(min=0)
    mixture = grid.field(rng, 9.0, fine=False)
    fat = torch.maximum(_soft(depth + rng.uniform(2.5, 4.5)), torch.sigmoid(6 * (mixture - 0.9)))
    hollow = torch.sigmoid(8 * (grid.field(rng, 14.0, fine=False) - 1.0)) * (depth < -8)
    bone = (cranium - wet).clamp(min=0) - marrow
    flesh = outside * (1 - hollow.float())
    outside_brain = _soft(brain_mm)
    parts = {
        "fluid": wet * outside_brain,
        "bone": bone,
        "marrow": marrow,
        "muscle": flesh * (1 - fat),
        "fat": flesh * fat,
    }
    return {name: part * outside_brain for name, part in parts.items()}


def face_removed(points: Tensor, brain_mm: Tensor, share: float) -> Tensor:
    """Mask (x, y, z) of the voxels that defacing sets to 0.

    The cut is a plane that slopes down towards the neck. It lies so that it takes ``share`` of the
    scan. It takes nothing of the brain.
    """
    ahead = points[..., 1] * 0.75 - points[..., 2] * 0.65
    ahead = torch.where(brain_mm < 3, -1e3, ahead)
    step = max(1, ahead.numel() // 400_000)
    cut = torch.quantile(ahead.flatten()[::step], 1 - share)
    return ahead > cut


def face_mm(points: Tensor) -> Tensor:
    """About the distance (x, y, z) in mm to a round face; negative inside."""
    offset = (points - torch.tensor([0.0, 42.0, -62.0])) / torch.tensor([52.0, 50.0, 62.0])
    return ((offset**2).sum(-1).sqrt() - 1) * 50


def neck_mm(points: Tensor) -> Tensor:
    """About the distance (x, y, z) in mm to a neck below the skull; negative inside."""
    offset = (points[..., :2] - torch.tensor([0.0, -38.0])) / torch.tensor([58.0, 62.0])
    return torch.maximum(((offset**2).sum(-1).sqrt() - 1) * 58, points[..., 2] + 58)


def smooth_minimum(a: Tensor, b: Tensor, width: float = 6.0) -> Tensor:
    """The smaller of two distances in mm, rounded over ``width`` where both are alike."""
    return -width * torch.logaddexp(-a / width, -b / width)


def _soft(depth: Tensor) -> Tensor:
    return torch.sigmoid(depth / 0.6)
