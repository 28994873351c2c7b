"""One simulated subject, from its seed to its files."""

from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from kdlib.data.simulator import anatomy, head, signal
from kdlib.data.simulator.fields import sample
from kdlib.data.simulator.geometry import Frame, VoxelBox, draw_pose, voxel_points
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

_AROUND_MM = 6.0  # how far beyond the average brain's surface a subject's own may lie


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


@dataclass(frozen=True)
class _Place:
    """Where a subject lies in a scan: a pose, and the brain's box with samples of its own.

    ``points`` (MNI mm), ``ventricle_mm``, ``brain_mm``: of the scan's voxels; ``fine_points`` and
    ``maps`` (the template's ``CHANNELS``): of the samples in the box.
    """

    scan: Frame
    points: Tensor
    ventricle_mm: Tensor
    brain_mm: Tensor
    box: VoxelBox
    brain: Frame
    fine_points: Tensor
    maps: Tensor

    def whole(self, part: Tensor) -> Tensor:
        """``part`` (x, y, z) of the box in the whole scan, zeros around it."""
        return self.scan.whole(self.box, part)


def simulate_subject(
    settings: Settings, clinic: str, subject: int, template: Tensor
) -> SimulatedSubject:
    """The subject that (seed, clinic, id) name; ``template``: the maps of ``template_maps``."""
    rng = np.random.default_rng([settings.seed, crc32(clinic.encode()), subject])
    scanner = protocol(clinic, settings.scanner_shift)
    patients = population(clinic, settings.population_shift)
    load_ml = draw_load_ml(rng, patients)
    wear = np.log(load_ml / 10) / np.log(10)  # ventricles and sulci widen with the load
    enlargement_mm = max(0.0, 1.5 + 2.0 * wear + rng.normal(0, 1.2))
    place = _placed(
        rng, Frame(*voxel_grid(clinic, subject, settings.grid)), template, enlargement_mm
    )
    atrophy = patients.atrophy + 0.25 * wear + rng.normal(0, 0.3)
    fractions = anatomy.tissues(rng, place.brain, place.maps, atrophy)
    parts, labels = _with_lesions(rng, place, fractions, load_ml)
    flair, t1 = _contrasts(rng, place, scanner, parts, settings.skull)
    kept = _kept(rng, place, settings, defaced=site(clinic).defaced)
    return SimulatedSubject(
        flair * kept,
        t1 * kept,
        place.whole(labels),
        place.ventricle_mm.clamp(min=0),
        {name: place.whole(part) for name, part in parts.items()},
        place.scan.affine(),
    )


def _placed(
    rng: np.random.Generator, scan: Frame, template: Tensor, enlargement_mm: float
) -> _Place:
    pose = draw_pose(rng, scan, template, enlargement_mm)
    points = pose.points(scan.points_mm())
    ventricle_mm, brain_mm = sample(template[4:6], voxel_points(points))
    box = scan.box(brain_mm < _AROUND_MM)
    brain = scan.part(box, layers=2)  # for the partial volume of thick slices
    fine_points = pose.points(brain.points_mm())
    maps = sample(template, voxel_points(fine_points))
    return _Place(scan, points, ventricle_mm, brain_mm, box, brain, fine_points, maps)


def _kept(rng: np.random.Generator, place: _Place, settings: Settings, *, defaced: bool) -> Tensor:
    """Share (x, y, z) of each voxel that stripping and defacing leave; exact zeros elsewhere."""
    kept = torch.ones(place.scan.shape)
    if not settings.skull:
        kept = place.whole(_stripping(rng, place.brain, place.maps[5]))
        kept = kept.masked_fill(kept < 0.02, 0)
    if defaced and settings.scanner_shift > 0:
        face = head.face_removed(place.points, place.brain_mm, rng.normal(0.22, 0.008))
        kept = kept.masked_fill(face, 0)
    return kept


def _stripping(rng: np.random.Generator, frame: Frame, brain_mm: Tensor) -> Tensor:
    """Share (x, y, z) of each voxel inside a brain mask that errs by a millimetre or so."""
    margin = rng.normal(0.8, 0.5) + 0.9 * frame.field(rng, 15.0)
    kept = frame.slices(torch.sigmoid((margin - brain_mm) / 0.4))
    x, y, _ = frame.spacing_mm
    blur_mm = 1.0 if x * y > 2 else 0.3  # a coarse scan is stripped first, then averaged
    return signal.blurred(kept, (blur_mm / x, blur_mm / y))


def _with_lesions(
    rng: np.random.Generator,
    place: _Place,
    fractions: Tensor,
    load_ml: float,
) -> tuple[dict[str, Tensor], Tensor]:
    """Fractions by tissue, averaged through the slices, and the labels (float32, 0, 1, 2)."""
    frame, ventricle_mm = place.brain, place.maps[4]
    white, cortex, deep, csf = fractions
    room = white + 0.15 * cortex + 0.5 * deep
    lesions = draw_lesions(rng, frame, room, ventricle_mm, place.fine_points, load_ml)
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
    place: _Place,
    scanner: Protocol,
    parts: dict[str, Tensor],
    skull: bool,
) -> tuple[Tensor, Tensor]:
    """FLAIR and T1 (x, y, z), as the scanner gives them after its bias correction."""
    levels = signal.levels(rng, scanner)
    images = [place.whole(image) for image in _brain(rng, place, levels, parts)]
    if skull:
        outer = head.surroundings(rng, place.scan, place.brain_mm, place.points)
        for name, part in outer.items():
            for image, level in zip(images, levels, strict=True):
                image += level[name] * part
    flair, t1 = (_acquired(rng, place.scan, scanner, image) for image in images)
    return flair, t1


def _brain(
    rng: np.random.Generator,
    place: _Place,
    levels: tuple[signal.Levels, signal.Levels],
    parts: dict[str, Tensor],
) -> tuple[Tensor, Tensor]:
    """FLAIR and T1 of the brain's box alone, as a perfect scanner would give them."""
    frame = place.brain
    grey, white, atrium = anatomy.regional_brightness(rng, frame, place.points[place.box])
    plexus = parts["csf"] * anatomy.choroid(rng, frame, place.ventricle_mm[place.box], atrium)
    parts = {**parts, "choroid": plexus, "csf": parts["csf"] - plexus}
    texture = 1 + 0.025 * frame.field(rng, 4.0, fine=False)
    texture += 0.03 * frame.field(rng, 2.5, fine=False)
    halo = signal.blurred(
        parts["faint"] + parts["bright"], (3 / frame.spacing_mm[0], 3 / frame.spacing_mm[1])
    )
    factors = {
        "white": white * texture * (1 + 0.1 * halo),
        "cortex": grey * texture,
        "deep": grey * white * texture,
        "faint": texture,
        "bright": texture,
        "csf": 1 + 1.5 * (frame.field(rng, 12.0, fine=False) - 1.2).clamp(min=0),  # flow
    }
    flair, t1 = torch.zeros(frame.shape), torch.zeros(frame.shape)
    for name, part in parts.items():
        flair += levels[0][name] * part * factors.get(name, 1.0)
        t1 += levels[1][name] * part
    return flair, t1


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
