"""One simulated subject, from its seed to its files."""

from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from kdlib.data.simulator import anatomy, head, signal
from kdlib.data.simulator.fields import sample
from kdlib.data.simulator.geometry import Frame, template_points, voxel_points
from kdlib.data.simulator.lesions import draw_lesions, draw_load_ml
from kdlib.data.simulator.other_pathology import draw_infarct
from kdlib.data.simulator.protocols import (
    Protocol,
    population,
    protocol,
    site,
    voxel_grid,
)
from kdlib.data.volume import Volume, write_volume


@dataclass(frozen=True)
class Settings:
    """What a simulation is made with; together with clinic and id it decides every voxel."""

    grid: str
    seed: int
    scanner_shift: float
    population_shift: float
    skull: bool


@dataclass(frozen=True)
class SimulatedSubject:
    """FLAIR, T1 (intensities), labels (0, 1, 2) and distance to the ventricles (mm): (x, y, z).

    ``tissues``: the fraction of each tissue inside the brain that the intensities come from.
    """

    flair: Tensor
    t1: Tensor
    labels: Tensor
    ventricle_mm: Tensor
    tissues: dict[str, Tensor]
    affine: np.ndarray


def simulate_subject(
    settings: Settings, clinic: str, subject: int, template: Tensor
) -> SimulatedSubject:
    """The subject that (seed, clinic, id) name; ``template``: the maps of ``template_maps``."""
    rng = np.random.default_rng([settings.seed, crc32(clinic.encode()), subject])
    scanner = protocol(clinic, settings.scanner_shift)
    shape, spacing = voxel_grid(clinic, subject, settings.grid)
    frame = Frame(shape, spacing, layers=2)
    patients = population(clinic, settings.population_shift)
    load_ml = draw_load_ml(rng, patients)
    wear = np.log(load_ml / 10) / np.log(10)  # ventricles and sulci widen with the load
    enlargement_mm = max(0.0, 1.5 + 2.0 * wear + rng.normal(0, 1.2))
    points = template_points(rng, frame, template, enlargement_mm)
    maps = sample(template, voxel_points(points))
    fractions = anatomy.tissues(
        rng, frame, maps, patients.atrophy + 0.25 * wear + rng.normal(0, 0.3)
    )
    parts, labels = _with_lesions(rng, frame, fractions, maps[4], points, load_ml)
    middle = points[:, :, frame.layers // 2 :: frame.layers]
    ventricle_mm, brain_mm = frame.slices(maps[4:6])
    flair, t1 = _contrasts(rng, frame, scanner, parts, middle, ventricle_mm, brain_mm, settings)
    gone = torch.zeros_like(labels, dtype=torch.bool)
    if not settings.skull:
        kept = _stripping(rng, frame, maps[5])
        flair, t1, gone = flair * kept, t1 * kept, kept < 0.02
    if site(clinic).defaced and settings.scanner_shift > 0:
        gone |= head.face_removed(frame, middle, brain_mm, rng.normal(0.22, 0.008))
    flair, t1 = flair.masked_fill(gone, 0), t1.masked_fill(gone, 0)
    return SimulatedSubject(flair, t1, labels, ventricle_mm.clamp(min=0), parts, frame.affine())


def _stripping(rng: np.random.Generator, frame: Frame, brain_mm: Tensor) -> Tensor:
    """Share (x, y, z) of each voxel inside a brain mask that errs by a millimetre or so."""
    margin = rng.normal(0.8, 0.5) + 0.9 * frame.field(rng, 15.0)
    kept = frame.slices(torch.sigmoid((margin - brain_mm) / 0.4))
    coarse = (
        1.0 if frame.spacing_mm[0] * frame.spacing_mm[1] > 2 else 0.3
    )  # stripped, then averaged
    return signal.blurred(kept, (coarse / frame.spacing_mm[0], coarse / frame.spacing_mm[1]))


def _with_lesions(
    rng: np.random.Generator,
    frame: Frame,
    fractions: Tensor,
    ventricle_mm: Tensor,
    points: Tensor,
    load_ml: float,
) -> tuple[dict[str, Tensor], Tensor]:
    """Fractions by tissue, averaged through the slices, and the labels (float32, 0, 1, 2)."""
    white, cortex, deep, csf = fractions
    room = white + 0.15 * cortex + 0.5 * deep
    lesions = draw_lesions(rng, frame, room, ventricle_mm, points, load_ml)
    lining = anatomy.lining(rng, frame, ventricle_mm) * white * (1 - lesions.fraction)
    healthy = 1 - (lesions.fraction / room.clamp(min=1e-3)).clamp(max=1)
    fine = {
        "white": white * healthy - lining * healthy,
        "cortex": cortex * (1 - 0.15 * (1 - healthy)),
        "deep": deep * (1 - 0.5 * (1 - healthy)),
        "csf": csf,
        "faint": lesions.fraction * (1 - lesions.severity) + lining * healthy,
        "bright": lesions.fraction * lesions.severity,
    }
    parts = {name: frame.slices(part) for name, part in fine.items()}
    labels = (frame.slices(lesions.fraction) > 0.5).float()
    infarct = draw_infarct(rng, frame, frame.slices(fractions.sum(0)))
    if infarct is not None:
        labels = torch.where(infarct.extent > 0.5, 2.0, labels)
        parts = {name: part * (1 - infarct.extent) for name, part in parts.items()}
        parts["bright"] = parts["bright"] + infarct.extent - infarct.core
        parts["infarct"] = infarct.core
    return parts, labels


def _contrasts(
    rng: np.random.Generator,
    frame: Frame,
    scanner: Protocol,
    parts: dict[str, Tensor],
    points: Tensor,
    ventricle_mm: Tensor,
    brain_mm: Tensor,
    settings: Settings,
) -> tuple[Tensor, Tensor]:
    """FLAIR and T1 (x, y, z), as the scanner gives them after its bias correction."""
    grey, white, atrium = anatomy.regional_brightness(rng, frame, points)
    plexus = parts["csf"] * anatomy.choroid(rng, frame, ventricle_mm, atrium)
    parts = {**parts, "choroid": plexus, "csf": parts["csf"] - plexus}
    if settings.skull:
        outer = head.surroundings(rng, frame, brain_mm, points)
        parts |= dict(zip(head.TISSUES, outer, strict=True))
    texture = 1 + 0.025 * frame.field(rng, 4.0, fine=False)
    halo = signal.blurred(
        parts["faint"] + parts["bright"], (3 / frame.spacing_mm[0], 3 / frame.spacing_mm[1])
    )
    factors = {
        "white": white * texture * (1 + 0.12 * halo),
        "cortex": grey * texture,
        "deep": grey * white * texture,
        "faint": texture,
        "bright": texture,
        "csf": 1 + 1.5 * (frame.field(rng, 12.0, fine=False) - 1.2).clamp(min=0),  # flow
    }
    tissues = signal.jittered(rng)
    images = []
    for contrast in (signal.flair, signal.t1_weighted):
        image = torch.zeros(frame.shape)
        for name, part in parts.items():
            value = contrast(tissues[name], scanner)
            image += value * part * (factors.get(name, 1.0) if contrast is signal.flair else 1.0)
        gain = scanner.level / contrast(signal.TISSUES["white"], scanner)
        images.append(_acquired(rng, frame, scanner, image * gain))
    return images[0], images[1]


def _acquired(rng: np.random.Generator, frame: Frame, scanner: Protocol, image: Tensor) -> Tensor:
    """Point spread, residual bias, gain of the day, noise."""
    x, y, _ = frame.spacing_mm
    coarse = x * y > 2  # such a voxel is an average over several of the scanner's
    sigma = float(np.hypot(scanner.blur_mm, 0.5 * coarse))
    image = signal.blurred(image, (sigma / x, sigma / y))
    bias = torch.exp(scanner.bias * frame.field(rng, 80.0, fine=False))
    image = image * bias * float(np.exp(rng.normal(0, 0.1)))
    noise = scanner.noise * scanner.level * (0.7 if x * y > 2 else 1.0)
    return signal.rician(rng, image, noise, 0.4)


def write_subject(folder: Path, subject: SimulatedSubject) -> None:
    """The challenge's files of one subject, and ``simulation/ventricle_distance.nii.gz``."""
    files = {
        "pre/FLAIR": subject.flair,
        "pre/T1": subject.t1,
        "wmh": subject.labels,
        "simulation/ventricle_distance": (subject.ventricle_mm * 10).round() / 10,
    }
    for name, array in files.items():
        volume = Volume(array.numpy(), subject.affine)
        write_volume(folder / f"{name}.nii.gz", volume, dtype=np.float32)
