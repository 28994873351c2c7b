"""How a random scanner images a person: contrast, tissues around the brain, artefacts, a mask.

The three clinics of the study have published protocols. Here every scan has a protocol of its own,
drawn around them and beyond them.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kdlib.simulator import signal
from kdlib.simulator.geometry import Grid
from kdlib.simulator.place import Place
from kdlib.simulator.protocols import Protocol

WHITE = 300.0  # the intensity of normal white matter; each scan has its own gain later


@dataclass(frozen=True)
class Scanner:
    """A random scanner.

    Attributes:
        levels: the signal of each tissue.
        halo: how strong the halo around lesions is, from 0 to 1.
        blur_mm: the standard deviation of the point spread in the plane.
        bias: the standard deviation of the logarithm of the bias field.
        noise: the standard deviation of the noise, divided by the white matter's intensity.
        ghost: the share of the image that comes again, moved along the phase direction.
        uneven: the standard deviation of the logarithm of the slices' gains.
    """

    levels: signal.Levels
    halo: float
    blur_mm: float
    bias: float
    noise: float
    ghost: float
    uneven: float


def draw_scanner(rng: np.random.Generator) -> Scanner:
    """Draw a scanner. Two of three have no ghosts and slices of one gain."""
    return Scanner(
        levels=_levels(rng),
        halo=rng.uniform(0.3, 1.0),
        blur_mm=rng.uniform(0.2, 1.1),
        bias=rng.uniform(0.02, 0.16),
        noise=float(np.exp(rng.uniform(np.log(0.015), np.log(0.10)))),
        ghost=rng.uniform(0.01, 0.07) * (rng.uniform() < 0.33),
        uneven=rng.uniform(0.01, 0.05) * (rng.uniform() < 0.33),
    )


def _levels(rng: np.random.Generator) -> signal.Levels:
    """The signal of each tissue, for times from 1.5 to 3 tesla, with a contrast of its own."""
    times = {
        "repetition_ms": rng.uniform(6000, 12000),
        "echo_ms": rng.uniform(80, 150),
        "inversion_ms": rng.uniform(2000, 2900),
    }
    drawn, _ = signal.levels(rng, Protocol(**times, t1_repetition_ms=8, t1_flip_degrees=16,
                                           level=WHITE, noise=0, blur_mm=0, bias=0))  # fmt: skip
    stretch, white = np.exp(rng.normal(0, 0.2)), drawn["white"]
    ratio = {name: (level / white) ** stretch for name, level in drawn.items()}
    ratio["csf"] = ratio["fluid"] = rng.uniform(0.03, 0.45)
    ratio["cortex"] = float(np.clip(ratio["cortex"], 1.02, 1.4))
    brighter = np.exp(rng.normal(0, 0.07))
    ratio["bright"] = float(np.clip(ratio["bright"] * brighter, ratio["cortex"] + 0.12, 2.4))
    faint = rng.uniform(0.3, 0.55)  # of the way from white matter to a bright lesion
    ratio["faint"] = 1 + faint * (ratio["bright"] - 1)
    return {name: WHITE * value for name, value in ratio.items()}


def acquired(rng: np.random.Generator, grid: Grid, scanner: Scanner, image: Tensor) -> Tensor:
    """What ``scanner`` makes of a perfect ``image`` (x, y, z): blur, bias, ghosts and noise."""
    image = grid.blurred(image, scanner.blur_mm)
    bias = scanner.bias * grid.field(rng, rng.uniform(60, 110), fine=False)
    gains = scanner.uneven * torch.from_numpy(rng.standard_normal(grid.shape[2])).float()
    image = image * torch.exp(bias + gains)
    if scanner.ghost:
        steps = int(grid.shape[1] / rng.choice([2, 3, 4, 6]))
        image = image + scanner.ghost * (image.roll(steps, 1) + image.roll(-steps, 1))
    noise = scanner.noise * WHITE
    return signal.rician(rng, image, noise, rng.uniform(0.2, 0.8))


def outer_layers(rng: np.random.Generator, place: Place, csf: float) -> Tensor:
    """Intensities (x, y, z) around the brain: fluid, dura, bone with marrow, scalp, pads of fat.

    Thickness and brightness of each layer are drawn at random, since no two sequences agree on
    them. A mask that is too wide lets some of it in.
    """
    grid, away = place.scan, place.brain_mm
    rough = away + 0.8 * grid.field(rng, 12.0, fine=False)
    spots = torch.exp(rng.uniform(0.1, 0.6) * grid.field(rng, 9.0, fine=False))
    edges = np.cumsum([rng.uniform(0.2, 3), rng.uniform(0.5, 2), *rng.uniform(1, 3, 3)])
    levels = [
        rng.uniform(0.3, 1.3),  # dura
        rng.uniform(0.02, 0.3),  # bone
        rng.uniform(0.1, 1.5),  # marrow
        rng.uniform(0.02, 0.3),
        rng.uniform(0.4, 3.0),  # scalp
    ]
    result = torch.full_like(away, csf)
    for edge, level in zip(edges, levels, strict=True):
        result = torch.lerp(result, level * WHITE * spots, torch.sigmoid((rough - edge) / 0.4))
    pads = torch.sigmoid(6 * (grid.field(rng, 22.0, fine=False) - rng.uniform(0.3, 1.2)))
    bright = rng.uniform(0.8, 4.0) * WHITE * spots  # fat, as behind the eyes
    return torch.lerp(result, bright, pads * torch.sigmoid((rough - edges[1]) / 0.4))


def draw_mask(rng: np.random.Generator, place: Place) -> Tensor:
    """A brain mask (x, y, z), bool, that is wrong by some millimetres.

    Most masks are good. Some are too wide and hold dura or bright scalp, and some are too tight.
    Two of five hold something that lies farther away, as the fat behind the eyes does.
    """
    grid = place.scan
    kind = rng.uniform()
    margin = rng.normal(0.4, 0.7)
    if kind > 0.85:
        margin = rng.uniform(-3.0, 0.0)
    elif kind > 0.6:
        margin = rng.uniform(1.0, 4.5)
    uneven = rng.uniform(0.3, 1.2) * grid.field(rng, 25.0, fine=False)
    uneven += rng.uniform(0.0, 0.7) * grid.field(rng, 10.0, fine=False)
    leak = 5 * torch.sigmoid(4 * (grid.field(rng, 18.0, fine=False) - rng.uniform(1.7, 3.0)))
    near = place.brain_mm < margin + uneven + leak
    strange = grid.field(rng, 25.0, fine=False) > rng.uniform(0.6, 1.6)
    reach_mm = rng.uniform(5, 30)
    if rng.uniform() < 0.6:
        return near
    return near | (strange & (place.brain_mm < reach_mm))
