"""Simulate one subject from its seed, and write its files."""

from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from kdlib.data.image_file import write_volume
from kdlib.data.labels import Label
from kdlib.data.volume import Volume
from kdlib.simulator import anatomy, head
from kdlib.simulator.controls import Control, bent
from kdlib.simulator.dials import DIALS, MADE, Dial
from kdlib.simulator.geometry import Grid
from kdlib.simulator.images import flair_and_t1
from kdlib.simulator.lesions import USUAL, Style, draw_lesions, infratentorial
from kdlib.simulator.loads import load_ml
from kdlib.simulator.other_pathology import draw_infarct
from kdlib.simulator.place import Place, draw_place
from kdlib.simulator.protocols import site, voxel_grid
from kdlib.simulator.template import Channel

DEFACED = 0.22  # share of a scan that is cut off in Amsterdam


@dataclass(frozen=True)
class SimulatorSettings:
    """The settings of a simulation. With the clinic and the id they decide every voxel."""

    grid: str
    seed: int
    scanner_shift: float
    population_shift: float
    skull: bool


@dataclass(frozen=True)
class SimulatedSubject:
    """The images (x, y, z) of a simulated subject, and the truth about them.

    Attributes:
        flair: the intensities of the FLAIR.
        t1: the intensities of the T1.
        labels: 0 background, 1 lesion, 2 other pathology.
        ventricle_mm: the distance to the ventricles in mm, 0 or above.
        tissues: the fraction of each tissue inside the brain. Lesions are as in the labels, without
            the halo around them. Those that are brighter than ``bright`` have more than 1 of it and
            less than 0 of ``faint``.
        affine: the matrix (4, 4) from voxel indices to RAS+ mm.
    """

    flair: Tensor
    t1: Tensor
    labels: Tensor
    ventricle_mm: Tensor
    tissues: dict[str, Tensor]
    affine: np.ndarray


def simulate_subject(
    settings: SimulatorSettings, clinic: str, subject: int, template: Tensor
) -> SimulatedSubject:
    """Simulate the subject of this seed, clinic and id. ``template`` is from ``template_maps``."""
    made = MADE.get(clinic) or Control(like=clinic, people=clinic)
    clinic, dial = made.like, DIALS.get(made.dial, Dial())
    rng = np.random.default_rng([settings.seed, crc32(made.people.encode()), subject])
    scanner = dial.scanner_of(clinic, settings.scanner_shift, made.level)
    patients = dial.patients_of(clinic, settings.population_shift, made.level)
    load = load_ml(settings.seed, clinic, subject, patients)
    wear = np.log(load / 10) / np.log(10)  # ventricles and sulci widen with the load
    enlargement_mm = max(-1.5, 1.0 + 2.0 * wear + rng.normal(0, 1.2))
    shape, spacing_mm = voxel_grid(clinic, subject, settings.grid)
    scan = Grid(dial.taller(shape, made.level), spacing_mm)
    place = draw_place(rng, scan, template, enlargement_mm)
    atrophy = patients.atrophy + 0.25 * wear + rng.normal(0, 0.5)
    fractions = anatomy.tissues(rng, place.brain, place.maps, atrophy)
    parts, labels = with_lesions(rng, place, fractions, load, border=dial.border(made.level))
    flair, t1 = flair_and_t1(rng, place, scanner, parts, settings.skull)
    defaced = site(clinic).defaced and settings.scanner_shift > 0
    cut = DEFACED if defaced else dial.cut * made.level
    kept = _share_kept(rng, place, settings, cut)
    return SimulatedSubject(
        bent(flair, made.bend) * kept,
        t1 * kept,
        place.whole(labels),
        place.ventricle_mm.clamp(min=0),
        {name: place.whole(part) for name, part in parts.items()},
        place.scan.affine(),
    )


def _share_kept(
    rng: np.random.Generator, place: Place, settings: SimulatorSettings, cut: float
) -> Tensor:
    """Share (x, y, z) of each voxel that is left after stripping and defacing; else exactly 0.

    ``cut`` is the share of the scan that defacing takes.
    """
    kept = torch.ones(place.scan.shape)
    if not settings.skull:
        kept = place.whole(_stripping(rng, place.brain, place.maps[Channel.BRAIN_MM]))
        kept = kept.masked_fill(kept < 0.02, 0)
    if cut > 0:
        face = head.face_removed(place.points, place.brain_mm, rng.normal(cut, 0.008))
        kept = kept.masked_fill(face, 0)
    return kept


def _stripping(rng: np.random.Generator, grid: Grid, brain_mm: Tensor) -> Tensor:
    """Share (x, y, z) of each voxel in a brain mask that is wrong by about a millimetre."""
    margin = rng.normal(0.8, 0.5) + 0.9 * grid.field(rng, 15.0)
    kept = grid.slices(torch.sigmoid((margin - brain_mm) / 0.4))
    blur_mm = 1.0 if grid.coarse else 0.3  # a coarse scan is first stripped and then averaged
    return grid.blurred(kept, blur_mm)


def with_lesions(
    rng: np.random.Generator,
    place: Place,
    fractions: Tensor,
    load_ml: float,
    style: Style = USUAL,
    border: float = 0.5,
) -> tuple[dict[str, Tensor], Tensor]:
    """The fraction of each tissue, averaged over each slice, and the labels (float32: 0, 1, 2)."""
    grid, ventricle_mm = place.brain, place.maps[Channel.VENTRICLE_MM]
    white, cortex, deep, csf = fractions
    yields: float | Tensor = 0.1  # the share of deep grey matter that a lesion may fill
    if style.infratentorial:  # there white and grey matter are one mixture
        yields = 0.1 + 0.9 * infratentorial(place.fine_points)
    room = white + 0.15 * cortex + yields * deep
    lesions = draw_lesions(rng, grid, room, ventricle_mm, place.fine_points, load_ml, style)
    rims = anatomy.lining(rng, grid, ventricle_mm, style.rim_width)
    lining = (style.rim * rims).clamp(max=1.1) * (1 - lesions.fraction)
    healthy = 1 - (lesions.fraction / room.clamp(min=1e-3)).clamp(max=1)
    inner = white * healthy, deep * (1 - yields * (1 - healthy))
    fine = {
        "white": inner[0] * (1 - lining),
        "cortex": cortex * (1 - 0.15 * (1 - healthy)),
        "deep": inner[1] * (1 - lining),
        "csf": csf,
        "faint": lesions.fraction * (1 - lesions.severity) + sum(inner) * lining,
        "bright": lesions.fraction * lesions.severity,
    }
    parts = {name: grid.slices(part) for name, part in fine.items()}
    labels = (grid.slices(lesions.fraction) > border).float() * Label.LESION
    infarct = draw_infarct(rng, grid, grid.slices(fractions.sum(0)))
    if infarct is not None:
        labels = torch.where(infarct.extent > 0.5, float(Label.OTHER_PATHOLOGY), labels)
        parts = {name: part * (1 - infarct.extent) for name, part in parts.items()}
        parts["bright"] = parts["bright"] + infarct.extent - infarct.core
        parts["infarct"] = infarct.core
    return parts, labels


def write_subject(folder: Path, subject: SimulatedSubject) -> None:
    """Write one subject's files as the challenge has them.

    There is one file more, ``simulation/ventricle_distance.nii.gz``, in mm.
    """
    files = {
        "pre/FLAIR": subject.flair,
        "pre/T1": subject.t1,
        "wmh": subject.labels,
        "simulation/ventricle_distance": (subject.ventricle_mm * 10).round() / 10,
    }
    for name, array in files.items():
        volume = Volume(array.numpy(), subject.affine)
        write_volume(folder / f"{name}.nii.gz", volume, dtype=np.float32)
