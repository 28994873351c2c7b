"""Turn tissues into intensities: pulse sequences, point spread, bias field and noise.

FLAIR is an inversion recovery: the magnitude of
``PD (1 - MT) (1 - 2 exp(-TI/T1) + exp(-TR/T1)) exp(-TE/T2)``. T1 is a spoiled gradient echo:
``PD sin(a) (1 - E) / (1 - cos(a) E)`` with ``E = exp(-TR/T1)``. The inversion pulse of Singapore's
T1 is left out, and its flip angle is chosen to give the contrast that is seen in practice.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kdlib.simulator.protocols import Protocol

Levels = dict[str, float]  # signal by tissue


@dataclass(frozen=True)
class Tissue:
    """Relaxation times in ms at 3 tesla, proton density (water is 1), and magnetisation transfer.

    ``transfer`` is the share of the signal that is lost by magnetisation transfer, in [0, 1]. A
    turbo spin echo has many refocusing pulses. They act on water that is bound to macromolecules,
    and white matter has most of it.
    """

    t1_ms: float
    t2_ms: float
    density: float
    transfer: float


# The times are close to what is published at 3 tesla: in white matter T1 is 832 or 1084 ms and T2
# is 80 or 69 ms; in grey matter T1 is 1331 or 1820 ms and T2 is 110 or 99 ms (Wansapura et al.,
# JMRI 9, 1999; Stanisz et al., MRM 54, 2005). So most of a lesion's contrast comes from its T2 and
# falls with the echo time. Density and transfer are chosen to give the contrasts of real FLAIR.
# Most lesions are 1.15 to 1.6 times as bright as white matter, those of a large load up to 1.9. The
# core of an old infarct is gliotic and not fluid alone, so it is not dark on every scanner. Cortex
# is 1.05 to 1.10 times as bright when it is measured with the fluid of the sulci in its voxels, so
# the cortex alone is brighter.
TISSUES = {
    "white": Tissue(900, 75, 0.70, 0.14),
    "cortex": Tissue(1450, 92, 0.785, 0.07),
    "deep": Tissue(1230, 76, 0.78, 0.09),
    "csf": Tissue(4500, 1800, 1.0, 0.0),
    "faint": Tissue(1050, 86, 0.75, 0.09),
    "bright": Tissue(1300, 112, 0.795, 0.03),
    "choroid": Tissue(1500, 90, 0.82, 0.02),
    "infarct": Tissue(3200, 300, 0.95, 0.0),
    "fluid": Tissue(4300, 1500, 1.0, 0.0),
    "bone": Tissue(600, 10, 0.12, 0.0),
    "marrow": Tissue(420, 60, 0.45, 0.0),
    "muscle": Tissue(1350, 42, 0.75, 0.1),
    "fat": Tissue(380, 72, 0.62, 0.0),
}


def jittered(rng: np.random.Generator) -> dict[str, Tissue]:
    """Draw the ``TISSUES`` of one subject. The SD of T1 is 3 %, of T2 1.5 %, of density 1 %."""
    return {name: _jitter(rng, tissue) for name, tissue in TISSUES.items()}


def _jitter(rng: np.random.Generator, tissue: Tissue) -> Tissue:
    t1, t2, density = np.exp(rng.normal(0, (0.03, 0.015, 0.01)))
    return Tissue(tissue.t1_ms * t1, tissue.t2_ms * t2, tissue.density * density, tissue.transfer)


def levels(rng: np.random.Generator, protocol: Protocol) -> tuple[Levels, Levels]:
    """FLAIR and T1 of one subject's tissues. Average white matter has the scanner's ``level``."""
    tissues = jittered(rng)
    pair = []
    for contrast in (flair, t1_weighted):
        gain = protocol.level / contrast(TISSUES["white"], protocol)
        pair.append({name: gain * contrast(tissue, protocol) for name, tissue in tissues.items()})
    return pair[0], pair[1]


def flair(tissue: Tissue, protocol: Protocol) -> float:
    """The FLAIR signal of a tissue by inversion recovery, without a unit."""
    recovery = (
        1
        - 2 * np.exp(-protocol.inversion_ms / tissue.t1_ms)
        + np.exp(-protocol.repetition_ms / tissue.t1_ms)
    )
    spins = tissue.density * (1 - tissue.transfer)
    return float(abs(spins * recovery * np.exp(-protocol.echo_ms / tissue.t2_ms)))


def t1_weighted(tissue: Tissue, protocol: Protocol) -> float:
    """The T1-weighted signal of a tissue by a spoiled gradient echo, without a unit."""
    angle = np.deg2rad(protocol.t1_flip_degrees)
    decay = np.exp(-protocol.t1_repetition_ms / tissue.t1_ms)
    return float(tissue.density * np.sin(angle) * (1 - decay) / (1 - np.cos(angle) * decay))


def blurred(image: Tensor, sigma_voxels: tuple[float, float]) -> Tensor:
    """Blur ``image`` (x, y, z) in the plane by a Gaussian; its SDs along x and y are in voxels."""
    for axis, sigma in enumerate(sigma_voxels):
        image = _blur_axis(image, axis, sigma)
    return image


def _blur_axis(image: Tensor, axis: int, sigma: float) -> Tensor:
    reach = max(1, int(np.ceil(3 * sigma)))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-3)) ** 2)
    weights /= weights.sum()
    total = image * weights[reach]
    for step in range(1, reach + 1):
        pair = image.roll(step, axis) + image.roll(-step, axis)
        total += pair * weights[reach + step]
    return total


def rician(rng: np.random.Generator, image: Tensor, sigma: float, smooth: float) -> Tensor:
    """The magnitude of ``image`` plus complex noise.

    ``sigma`` is the standard deviation of the real and of the imaginary part. ``smooth`` is how
    far the noise is correlated in the plane, as a standard deviation in voxels.
    """
    channels = []
    for _ in range(2):
        noise = torch.from_numpy(rng.standard_normal(tuple(image.shape), dtype=np.float32))
        noise = blurred(noise, (smooth, smooth))
        channels.append(noise * (sigma / noise.std()))
    return torch.sqrt((image + channels[0]) ** 2 + channels[1] ** 2)
