"""Turn a subject's tissues into the images that a scanner would give."""

import numpy as np
import torch
from torch import Tensor

from kdlib.simulator import head, landmarks, signal
from kdlib.simulator.geometry import Grid
from kdlib.simulator.place import Place
from kdlib.simulator.protocols import Protocol

HALO = 0.8  # of the study's clinics


def flair_and_t1(
    rng: np.random.Generator,
    place: Place,
    scanner: Protocol,
    parts: dict[str, Tensor],
    skull: bool,
) -> tuple[Tensor, Tensor]:
    """FLAIR and T1 (x, y, z), as the scanner gives them after bias correction."""
    levels = signal.levels(rng, scanner)
    images = [place.whole(image) for image in brain_images(rng, place, levels, parts)]
    if skull:
        outer = head.surroundings(rng, place.scan, place.brain_mm, place.points)
        for name, part in outer.items():
            for image, level in zip(images, levels, strict=True):
                image += level[name] * part
    flair, t1 = (_acquired(rng, place.scan, scanner, image) for image in images)
    return flair, t1


def brain_images(
    rng: np.random.Generator,
    place: Place,
    levels: tuple[signal.Levels, signal.Levels],
    parts: dict[str, Tensor],
    halo: float = HALO,
    plexus: landmarks.Plexus = landmarks.USUAL_PLEXUS,
) -> tuple[Tensor, Tensor]:
    """FLAIR and T1 of the brain's box alone, as a perfect scanner would give them.

    ``halo`` is how faint or strong the halo around lesions is, from 0 to 1. ``plexus`` says how
    the choroid plexus is.
    """
    grid = place.brain
    grey, white, atrium, aqueduct = landmarks.regional_brightness(
        rng, grid, place.points[place.box]
    )
    ventricle_mm = place.ventricle_mm[place.box]
    share = landmarks.bright_fluid(rng, grid, ventricle_mm, atrium, aqueduct, plexus)
    parts = {**parts, "choroid": parts["csf"] * share, "csf": parts["csf"] * (1 - share)}
    texture = 1 + 0.02 * grid.field(rng, 4.0, fine=False)
    texture += 0.025 * grid.field(rng, 2.5, fine=False)
    # White matter in the gyri, where fibres run in many directions, is darker than deep inside.
    around = grid.blurred(parts["white"], 6)
    parts = _with_halo(grid, parts, halo)
    factors = {
        "white": white * texture * (0.86 + 0.2 * around),
        "cortex": grey * texture,
        "deep": grey * white * texture,
        "faint": texture,
        "bright": texture,
        "csf": 1 + 1.5 * (grid.field(rng, 12.0, fine=False) - 1.2).clamp(min=0),  # flow
    }
    if plexus.spots:
        factors["choroid"] = torch.exp(plexus.spots * grid.field(rng, 3.0, fine=False))
    flair, t1 = torch.zeros(grid.shape), torch.zeros(grid.shape)
    for name, part in parts.items():
        flair += levels[0][name] * part * factors.get(name, 1.0)
        t1 += levels[1][name] * part
    return flair, t1


def _with_halo(grid: Grid, parts: dict[str, Tensor], strength: float) -> dict[str, Tensor]:
    """Make the white matter beside a lesion a faint lesion in part, since water spreads there.

    In real scans FLAIR is brighter than usual even some millimetres outside the masks.
    """
    near = grid.blurred(parts["faint"] + parts["bright"], 2)
    halo = strength * near * parts["white"]
    return {**parts, "white": parts["white"] - halo, "faint": parts["faint"] + halo}


def _acquired(rng: np.random.Generator, grid: Grid, scanner: Protocol, image: Tensor) -> Tensor:
    """Apply point spread, residual bias, the day's gain and noise to a perfect image."""
    sigma_mm = float(np.hypot(scanner.blur_mm, 0.5 * grid.coarse))
    image = _thick(grid.blurred(image, sigma_mm), scanner.thickness)
    bias = torch.exp(scanner.bias * grid.field(rng, 80.0, fine=False))
    image = image * bias * float(np.exp(rng.normal(0, 0.1)))
    noise = scanner.noise * scanner.level * (0.5 if grid.coarse else 1.0)  # mean of four
    return signal.rician(rng, image, noise, 0.4)


def _thick(image: Tensor, thickness: float) -> Tensor:
    """Slices (x, y, z) that are up to three times as thick as they are apart: they overlap."""
    if thickness == 1:
        return image
    beside = (thickness - 1) / (2 * thickness)
    below, above = image[..., :1], image[..., -1:]
    around = torch.cat([below, image[..., :-1]], -1) + torch.cat([image[..., 1:], above], -1)
    return (1 - 2 * beside) * image + beside * around
