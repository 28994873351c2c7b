"""Lesions of two kinds: confluent ones that grow from the ventricles, punctate ones anywhere.

A confluent lesion is where a random field plus a prior is highest. The prior falls with the
distance to the ventricles and is higher at their horns. Punctate lesions are many small blobs with
log-normal volumes. All lesions have soft borders, softer for larger lesions: each sample has a
lesion fraction between 0 and 1.

The sizes are calibrated to those of real masks: half of the components are smaller than 17 mm3, but
most of the volume is in a few confluent ones. The borders are calibrated to how FLAIR falls across
real ones.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kdlib.simulator.geometry import Grid

_AT_BORDER = 0.4  # the severity at a lesion's border


@dataclass(frozen=True)
class Style:
    """How the lesions of a person look. The ranges are drawn from; the defaults fit real masks.

    Attributes:
        large: the share of punctate lesions that are large, of 100 to 3,000 mm3.
        punctate: the largest share of the load that is in punctate lesions.
        reach_mm: how far confluent lesions grow from the ventricles.
        rim: how bright the lining of the ventricles is, as a factor.
        rim_width: how wide it is, as a factor.
        cortical: the share of the punctate lesions that lie where white matter meets the cortex.
        infratentorial: the share of them that lie in the brain stem and the cerebellum.
        stretch: how long punctate lesions are: the standard deviation of the logarithm of their
            radii.
    """

    large: tuple[float, float] = (0.0, 0.05)
    punctate: tuple[float, float] = (0.25, 0.6)
    reach_mm: tuple[float, float] = (6, 16)
    rim: float = 1.0
    rim_width: float = 1.0
    cortical: float = 0.0
    infratentorial: float = 0.0
    stretch: float = 0.25


USUAL = Style()


@dataclass(frozen=True)
class Lesions:
    """Lesion fraction and severity (0 faint, 1 bright, at most 1.5), both (x, y, fine z)."""

    fraction: Tensor
    severity: Tensor


def draw_lesions(
    rng: np.random.Generator,
    grid: Grid,
    room: Tensor,
    ventricle_mm: Tensor,
    points: Tensor,
    load_ml: float,
    style: Style = USUAL,
) -> Lesions:
    """Draw lesions with a total volume of about ``load_ml``.

    ``room`` (x, y, fine z) is the share of a sample that a lesion may fill; it is 1 in white
    matter. ``ventricle_mm`` (x, y, fine z) is the signed distance to the ventricles. ``points``
    (x, y, fine z, 3) are the samples' MNI coordinates in mm. ``style`` says how they look.
    """
    volumes = _punctate_volumes_mm3(rng, load_ml, style)
    confluent_mm3 = load_ml * 1000 - volumes.sum()
    severity = max(0.3, rng.normal(0.55, 0.09))
    fraction, grade = _confluent(
        rng, grid, room, ventricle_mm, points, confluent_mm3, style.reach_mm
    )
    grade = severity + grade
    centres = _punctate_centres(rng, room, ventricle_mm, points, len(volumes), style)
    for centre, volume in zip(centres, volumes, strict=True):
        _add_blob(rng, grid, fraction, grade, centre, volume, severity, style.stretch)
    return Lesions(fraction * room, _severity(fraction, grade.clamp(0.1, 1.5)))


def _severity(fraction: Tensor, grade: Tensor) -> Tensor:
    """The severity: the same at every border, where half a sample is lesion; inside by ``grade``.

    So the border of every lesion has the same brightness, and a person can find it in the image.
    """
    inside = (2 * fraction - 1).clamp(min=0)
    return _AT_BORDER + inside * (grade - _AT_BORDER)


def _punctate_volumes_mm3(rng: np.random.Generator, load_ml: float, style: Style) -> np.ndarray:
    count = int(np.clip(280 * (load_ml / 12) ** 0.3 * np.exp(rng.normal(0, 0.7)), 20, 700))
    volumes = np.clip(14 * np.exp(rng.normal(0, 1.1, count)), 6, 800)
    large = rng.uniform(size=count) < rng.uniform(*style.large)
    volumes = np.where(large, np.exp(rng.uniform(np.log(100), np.log(3000), count)), volumes)
    most = rng.uniform(*style.punctate)  # largest share of the load in small lesions
    return volumes[np.cumsum(volumes) < 1000 * most * load_ml]


def _confluent(
    rng: np.random.Generator,
    grid: Grid,
    room: Tensor,
    ventricle_mm: Tensor,
    points: Tensor,
    volume_mm3: float,
    reach_mm: tuple[float, float],
) -> tuple[Tensor, Tensor]:
    reach = rng.uniform(*reach_mm)
    score = 0.8 * grid.field(rng, 18.0) + 0.15 * grid.field(rng, 5.0)
    score += rng.uniform(2.5, 5.5) * torch.exp(-ventricle_mm.clamp(min=0) / reach)
    score += rng.uniform(0.3, 1.2) * _horns(points)
    score -= 1.5 * torch.exp(-((points[..., 0] / 5) ** 2))  # rare where both halves meet
    open_room = room > 0.5
    candidates = torch.sort(score[open_room], descending=True).values
    wanted = int(volume_mm3 / grid.fine_voxel_mm3)
    threshold = candidates[min(wanted, len(candidates) - 1)]
    width = rng.uniform(0.06, 0.14)
    fraction = torch.sigmoid((score - threshold) / width)
    grade = 0.15 * grid.field(rng, 8.0) + 0.3 * ((score - threshold) / 0.8).clamp(0, 1) - 0.1
    return fraction, grade


def _horns(points: Tensor) -> Tensor:
    near = torch.zeros_like(points[..., 0])
    across = points[..., 0].abs()
    for x, y, z in ((16, 32, 6), (26, -58, 12)):
        square = ((across - x) / 9) ** 2 + ((points[..., 1] - y) / 10) ** 2
        near = torch.maximum(near, torch.exp(-0.5 * (square + ((points[..., 2] - z) / 10) ** 2)))
    return near


def _punctate_centres(
    rng: np.random.Generator,
    room: Tensor,
    ventricle_mm: Tensor,
    points: Tensor,
    count: int,
    style: Style,
) -> np.ndarray:
    """Sample indices (count, 3) of the punctate lesions, in the places that ``style`` tells."""
    outer: list[tuple[Tensor, int]] = []
    if style.cortical:
        outer.append((_cortical_prior(room, ventricle_mm), round(style.cortical * count)))
    if style.infratentorial:
        outer.append((_infratentorial_prior(room, points), round(style.infratentorial * count)))
    outer = [place for place in outer if place[0].any()]  # a part of a head may lack one
    inner = _inner_prior(room, ventricle_mm, points), count - sum(number for _, number in outer)
    return np.concatenate([_centres(rng, *place) for place in (inner, *outer)])


def _inner_prior(room: Tensor, ventricle_mm: Tensor, points: Tensor) -> Tensor:
    """Chances in white matter: higher near the ventricles and high up."""
    prior = (room > 0.8) * (0.25 + torch.exp(-ventricle_mm.clamp(min=0) / 12))
    return prior * (0.4 + 0.6 * torch.sigmoid((points[..., 2] + 12) / 5))


def _cortical_prior(room: Tensor, ventricle_mm: Tensor) -> Tensor:
    """Chances on the white side of the border of the cortex: the same all along it."""
    return ((room > 0.6) & (room < 0.98) & (ventricle_mm > 12)).float()


def infratentorial(points: Tensor) -> Tensor:
    """Which samples (bool) lie about the brain stem and the cerebellum, by MNI mm (..., 3)."""
    across, along, up = points[..., 0].abs(), points[..., 1], points[..., 2]
    stem = (across < 20) & (along < -8) & (up < -14)
    return stem | ((across < 45) & (along < -45) & (up < -22))


def _infratentorial_prior(room: Tensor, points: Tensor) -> Tensor:
    """Where infratentorial lesions form (x, y, fine z)."""
    return ((room > 0.8) & infratentorial(points)).float()


def _centres(rng: np.random.Generator, prior: Tensor, count: int) -> np.ndarray:
    """Sample indices (count, 3), drawn by the chances ``prior`` (x, y, fine z)."""
    chances = torch.cumsum(prior.flatten().double(), 0).numpy()
    flat = np.searchsorted(chances, rng.uniform(0, chances[-1], count), side="right")
    return np.stack(np.unravel_index(flat.clip(max=prior.numel() - 1), prior.shape), axis=1)


def _add_blob(
    rng: np.random.Generator,
    grid: Grid,
    fraction: Tensor,
    grade: Tensor,
    centre: np.ndarray,
    volume_mm3: float,
    severity: float,
    spread: float,
) -> None:
    """Add a soft ellipsoid to ``fraction`` and its brightness to ``grade``, in place."""
    radius = (volume_mm3 * 3 / (4 * np.pi)) ** (1 / 3)
    stretch = np.exp(rng.normal(0, spread, 3))
    radii = radius * stretch / np.prod(stretch) ** (1 / 3)
    spacing = np.array(grid.size_mm / grid.fine_shape)
    soft = rng.uniform(0.15, 0.3) * radius
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    offset = rng.uniform(-0.5, 0.5, 3)
    own = rng.normal(severity + 0.3, 0.15)
    half = np.ceil((radii.max() + 4 * soft) / spacing).astype(int)
    low, high = np.maximum(centre - half, 0), np.minimum(centre + half + 1, fraction.shape)
    axes = [
        (np.arange(a, b) - c - o) * s
        for a, b, c, o, s in zip(low, high, centre, offset, spacing, strict=True)
    ]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1) @ turn
    away = (np.sqrt(((places / radii) ** 2).sum(-1)) - 1) * radius
    blob = torch.from_numpy((1 / (1 + np.exp((away / soft).clip(-30, 30)))).astype(np.float32))
    window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    grade[window] = torch.where(blob > fraction[window], own, grade[window])
    fraction[window] = torch.maximum(fraction[window], blob)
