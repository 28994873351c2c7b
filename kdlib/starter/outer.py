"""Heads of every shape for the training of the brain network: brains inside random surroundings.

The brains are those of the simulator, moved and bent further than its people are. What is around
them is drawn much more freely than anything that the simulator shows: the network must not learn
what a scalp looks like, but what a brain looks like (Billot et al. 2023, SynthSeg; Hoopes et al.
2022, SynthStrip).
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from kdlib.simulator import anatomy
from kdlib.simulator.fields import sample
from kdlib.simulator.geometry import Grid, Pose, draw_pose, voxel_points
from kdlib.simulator.head import face_mm, neck_mm, smooth_minimum
from kdlib.simulator.template import Channel
from kdlib.starter.coarse import VOXEL_MM

GRID = Grid((70, 86, 76), (VOXEL_MM, VOXEL_MM, VOXEL_MM))
LOWEST_MM = -68.0  # MNI; what is below is the spinal cord
MARGIN_MM = 0.8  # the simulator's own stripping cuts so far outside the brain on average
SOFT_MM = 0.9  # a border between two tissues is so wide in voxels of 3 mm
BRAIN_TISSUES = ("white", "cortex", "deep", "csf")

# Middles and half axes in MNI mm. Where x is not 0, there is one on each side.
_EYES = (32, 58, -38), (12, 12, 12)
_ORBITS = (29, 44, -38), (17, 28, 17)
_EARS = (80, -20, -38), (8, 20, 30)
_NOSE = (0, 100, -52), (16, 22, 28)
_CAVITIES = (
    ((8, 74, -8), (12, 8, 14)),  # frontal sinus
    ((0, 48, -36), (13, 26, 16)),  # ethmoid cells
    ((0, 12, -36), (14, 12, 10)),  # sphenoid sinus
    ((28, 44, -64), (16, 18, 18)),  # maxillary sinuses
    ((52, -36, -42), (10, 14, 16)),  # mastoid cells
    ((0, 40, -88), (20, 30, 10)),  # mouth
    ((0, -4, -90), (14, 10, 30)),  # throat
)


@dataclass(frozen=True)
class Anatomy:
    """A head on ``GRID``.

    Attributes:
        parts: the fraction (x, y, z) of each tissue. The rest is air.
        brain_mm: the signed distance (x, y, z) to the brain's surface, negative inside.
        points: the MNI coordinates (x, y, z, 3) in mm.
    """

    parts: dict[str, Tensor]
    brain_mm: Tensor
    points: Tensor

    @property
    def brain(self) -> Tensor:
        """The fraction (x, y, z) of brain in each voxel: what a careful stripping keeps."""
        return soft(MARGIN_MM - self.brain_mm)


def draw_anatomy(rng: np.random.Generator, template: Tensor) -> Anatomy:
    """Draw a head. ``template`` is from ``template_maps``."""
    pose = _pose(rng, template)
    points = pose.points(GRID.points_mm())
    maps = sample(template, voxel_points(points))
    cns_mm = maps[Channel.BRAIN_MM]  # the template's brain goes on as a cord below it
    fractions = anatomy.tissues(rng, GRID, maps, rng.uniform(-0.8, 2.2))
    parts = dict(zip(BRAIN_TISSUES, fractions, strict=True))
    parts = _with_lesions(rng, parts) | _around(rng, cns_mm, points)
    brain_mm = torch.maximum(cns_mm, LOWEST_MM - points[..., 2])
    return Anatomy(parts, brain_mm, points)


def soft(depth_mm: Tensor) -> Tensor:
    """The share of a voxel inside of a surface that lies ``depth_mm`` away."""
    return torch.sigmoid(depth_mm / SOFT_MM)


def field(rng: np.random.Generator, scale_mm: float) -> Tensor:
    """A random field (x, y, z) on ``GRID``. See ``random_field``."""
    return GRID.field(rng, scale_mm, fine=False)


def ellipsoid_mm(
    points: Tensor, middle: tuple[float, ...], axes: tuple[float, ...], size: float = 1.0
) -> Tensor:
    """About the distance (x, y, z) to an ellipsoid, or to one on each side; negative inside."""
    across = torch.stack([points[..., 0].abs(), points[..., 1], points[..., 2]], dim=-1)
    radii = torch.tensor(axes, dtype=torch.float32) * size
    middle_mm = torch.tensor(middle, dtype=torch.float32)
    away = ((across - middle_mm) / radii).square().sum(-1).sqrt() - 1
    return away * float(radii.min())


def _pose(rng: np.random.Generator, template: Tensor) -> Pose:
    """A pose, size and shape far beyond those of the simulator's people."""
    pose = draw_pose(rng, GRID, template, rng.uniform(-2, 8))
    turn = torch.matrix_exp(_skew(rng.normal(0, [0.17, 0.08, 0.08])))
    shear = torch.from_numpy(
        np.exp(rng.normal(0, 0.07)) * (np.eye(3) + rng.normal(0, 0.035, (3, 3)))
    )
    mirror = torch.diag(torch.tensor([float(rng.choice([-1, 1])), 1.0, 1.0]))
    matrix = pose.matrix @ turn @ shear.float() @ mirror
    centre = rng.normal([0, -16, -10], [4, 6, 8])
    return replace(
        pose,
        matrix=matrix,
        centre=torch.from_numpy(centre).float(),
        warp=pose.warp * float(rng.uniform(0.5, 1.7)),
    )


def _skew(angles: np.ndarray) -> Tensor:
    x, y, z = angles
    return torch.tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]], dtype=torch.float32)


def _with_lesions(rng: np.random.Generator, parts: dict[str, Tensor]) -> dict[str, Tensor]:
    """Turn random spots of the brain into lesions: none, few or many, small or large."""
    scale, threshold = rng.uniform(6, 25), rng.uniform(1.2, 4.0)
    share = torch.sigmoid(6 * (field(rng, scale) - threshold))
    lesion = share * sum(parts.values(), start=torch.zeros(GRID.shape))
    return {name: part * (1 - share) for name, part in parts.items()} | {"lesion": lesion}


def _around(rng: np.random.Generator, cns_mm: Tensor, points: Tensor) -> dict[str, Tensor]:
    """The fractions of the tissues outside the brain, from the inside to the outside."""
    wide = rng.uniform(3, 9) if rng.random() < 0.25 else rng.uniform(0.2, 3)  # an atrophied brain
    fluid = (wide + 0.3 * wide * field(rng, 20)).clamp(min=0.1)
    skull = (rng.uniform(3, 11) + 1.5 * field(rng, 30)).clamp(min=1.5)
    scalp = (rng.uniform(1.5, 13) + 2 * field(rng, 40)).clamp(min=1)
    depth = cns_mm - fluid - skull - scalp  # negative inside the head
    for other in _attached(rng, points):
        depth = smooth_minimum(depth, other)
    outside = soft(cns_mm)
    wet, cranium = soft(fluid - cns_mm), soft(fluid + skull - cns_mm)
    parts = {"fluid": wet * outside}
    parts |= _bones(rng, cns_mm - fluid, skull, (cranium - wet).clamp(min=0) * outside)
    flesh = (soft(-depth) * (1 - cranium)).clamp(min=0) * outside
    return parts | _flesh(rng, depth, flesh, points)


def _attached(rng: np.random.Generator, points: Tensor) -> list[Tensor]:
    """The distance to the face, neck, ears and nose; any of them may be missing."""
    moved = (points - torch.from_numpy(rng.normal(0, 5, 3)).float()) * float(rng.uniform(0.88, 1.2))
    every = [
        face_mm(moved),
        neck_mm(moved),
        ellipsoid_mm(moved, *_EARS, size=rng.uniform(0.6, 1.3)),
        ellipsoid_mm(moved, *_NOSE, size=rng.uniform(0.6, 1.2)),
    ]
    return [
        one for one, rare in zip(every, (0.06, 0.1, 0.3, 0.3), strict=True) if rng.random() > rare
    ]


def _bones(
    rng: np.random.Generator, above_fluid: Tensor, skull: Tensor, bone: Tensor
) -> dict[str, Tensor]:
    """Dura and veins, patchy and of any width; then bone with marrow between its two layers."""
    width = rng.uniform(0.3, 4) * torch.sigmoid(4 * (field(rng, 22) + rng.uniform(-1.5, 1)))
    dura = bone * soft(width - above_fluid)
    middle = (above_fluid / skull - 0.5).abs()
    marrow = (bone - dura) * soft((rng.uniform(0, 0.4) - middle) * skull)
    return {"dura": dura, "marrow": marrow, "bone": bone - dura - marrow}


def _flesh(
    rng: np.random.Generator, depth: Tensor, flesh: Tensor, points: Tensor
) -> dict[str, Tensor]:
    """Cut the rest of the head into cavities, eyes, orbits, skin, fat, muscle and glands."""
    moved = points + torch.from_numpy(rng.normal(0, 3, 3)).float()
    masks = {
        "cavity": _cavities(rng, moved),
        "eye": soft(-ellipsoid_mm(moved, *_EYES, size=rng.uniform(0.8, 1.2))),
        "orbit": soft(-ellipsoid_mm(moved, *_ORBITS, size=rng.uniform(0.7, 1.2))),
        "skin": soft(depth + rng.uniform(0.5, 3.5)),
        "gland": torch.sigmoid(6 * (field(rng, rng.uniform(8, 20)) - rng.uniform(1, 3))),
        "fat": torch.maximum(
            soft(depth + rng.uniform(1.5, 8)),
            torch.sigmoid(6 * (field(rng, rng.uniform(7, 25)) - rng.uniform(-0.5, 1.5))),
        ),
        "tongue": torch.sigmoid(6 * (field(rng, rng.uniform(10, 40)) - rng.uniform(-0.5, 1.5))),
    }
    parts = {}
    for name, mask in masks.items():
        parts[name] = flesh * mask
        flesh = flesh - parts[name]
    return parts | {"muscle": flesh}


def _cavities(rng: np.random.Generator, points: Tensor) -> Tensor:
    """The share of each voxel in the sinuses, the mouth and random hollows."""
    hollow = torch.sigmoid(8 * (field(rng, 14) - rng.uniform(0.9, 2.5)))
    for middle, axes in _CAVITIES:
        size = rng.uniform(0.1, 1.3)
        hollow = torch.maximum(hollow, soft(-ellipsoid_mm(points, middle, axes, size)))
    return hollow
