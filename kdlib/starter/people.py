"""The people that the starter learns from: simulated, and drawn around the study's clinics.

A number and a seed decide a person, the scanner and the voxels. People of one seed differ in age
and disease: how many lesions there are and how they look, how wide ventricles and sulci are, how
bright the rims of the ventricles are. Scans differ in contrast, resolution, sharpness, bias, noise
and ghosts. The brain is cut out with a mask that is wrong by some millimetres.

Wider people have more than that: a choroid plexus of any size and brightness, longer lesions, and
lesions at the cortex, in the brain stem and in the cerebellum.
"""

from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from kdlib.data.subjects import lesion_ml
from kdlib.data.volume import Volume
from kdlib.simulator import anatomy
from kdlib.simulator.geometry import Grid
from kdlib.simulator.images import brain_images
from kdlib.simulator.landmarks import USUAL_PLEXUS, Plexus
from kdlib.simulator.lesions import Style
from kdlib.simulator.place import draw_place
from kdlib.simulator.subject import with_lesions
from kdlib.starter.acquisition import (
    WHITE,
    Scanner,
    acquired,
    draw_mask,
    draw_scanner,
    outer_layers,
)

# Raise it when the same seed and number give another person.
PEOPLE_VERSION = 3

FINEST_MM, COARSEST_MM = 1.0, 2.0  # voxels in the plane; the network averages finer ones anyway
SLICES_MM = (1, 2), (2, 4), (4, 8)  # thin, usual and thick ones are equally frequent
SAMPLES_MM = 1.5  # about how far samples through a slice lie apart
WIDTH_MM, DEPTH_MM = 168, 212  # the field of view, which holds a brain
TURNED_DEG = (9.0, 4.0, 5.0)  # clinical slices are tilted more than those of a study


@dataclass(frozen=True)
class Person:
    """A simulated person's scan.

    Attributes:
        flair: the FLAIR; exactly 0 outside the mask that cut out the brain.
        labels: 0 background, 1 lesion, 2 other pathology, on the same grid.
        brain: the true brain (bool), on the same grid.
    """

    flair: Volume
    labels: Volume
    brain: Volume

    @property
    def lesion_ml(self) -> float:
        """The volume of the lesions in mL."""
        return lesion_ml(self.labels)


@dataclass(frozen=True)
class _Patient:
    """What a person brings along: the load, how the lesions look, and how worn the brain is."""

    load_ml: float
    style: Style
    enlargement_mm: float
    atrophy: float


def draw_person(
    seed: int,
    number: int,
    template: Tensor,
    *,
    split: str = "training",
    wider: bool = False,
    voxel_mm: tuple[float, float] | None = None,
) -> Person:
    """Simulate the person of this ``seed``, ``split`` and ``number``.

    Args:
        seed: the seed of the population, 0 or above.
        number: which of its people, 0 or above.
        template: the maps of ``kdlib.simulator.template.template_maps``, as a tensor.
        split: "training" or "validation". The people of one are not those of the other.
        wider: whether the person has what wider people have.
        voxel_mm: the edge of a voxel in the plane and the thickness of a slice; none: drawn.
    """
    kind = f"wider {split}" if wider else split
    rng = np.random.default_rng([seed, crc32(kind.encode()), number])
    patient = _draw_patient(rng, wider)
    scan, layers = _draw_grid(rng, voxel_mm)
    place = draw_place(
        rng, scan, template, patient.enlargement_mm, layers=layers, turned_deg=TURNED_DEG
    )
    fractions = anatomy.tissues(rng, place.brain, place.maps, patient.atrophy)
    parts, labels = with_lesions(rng, place, fractions, patient.load_ml, patient.style)
    scanner, plexus = draw_scanner(rng), USUAL_PLEXUS
    if wider:
        scanner, plexus = _any_plexus(rng, scanner)
    levels = scanner.levels, scanner.levels
    perfect, _ = brain_images(rng, place, levels, parts, scanner.halo, plexus)
    inside = place.whole(sum(parts.values(), torch.zeros(())))
    around = outer_layers(rng, place, scanner.levels["csf"])
    image = acquired(rng, scan, scanner, place.whole(perfect) + around * (1 - inside))
    flair = image.round().clamp(min=1) * draw_mask(rng, place)
    volumes = (flair, place.whole(labels).to(torch.uint8), place.brain_mm < 0)
    return Person(*(Volume(array.numpy(), scan.affine()) for array in volumes))


def _draw_patient(rng: np.random.Generator, wider: bool) -> _Patient:
    """Draw a patient: of two kinds, one with the lesions of age, one with those of sclerosis."""
    load = float(np.exp(rng.normal(np.log(8), 1.2)).clip(0.2, 100)) * (rng.uniform() > 0.04)
    wear = np.log(max(load, 0.5) / 10) / np.log(10)
    rims = rng.uniform(0.2, 3.0), rng.uniform(0.8, 1.8)
    if rng.uniform() < 0.45:
        style = Style((0.05, 0.35), (0.4, 0.9), (4, 14), *rims)
    else:
        style = Style(rim=rims[0], rim_width=rims[1])
    if wider:
        outer, lower, stretch = rng.uniform((0, 0, 0.25), (0.35, 0.2, 0.6))
        style = replace(style, cortical=outer, infratentorial=lower, stretch=stretch)
    enlargement_mm = max(-2.0, 0.6 + 1.8 * wear + rng.normal(0, 1.6))
    return _Patient(load, style, enlargement_mm, 0.35 + 0.25 * wear + rng.normal(0, 0.65))


def _any_plexus(rng: np.random.Generator, scanner: Scanner) -> tuple[Scanner, Plexus]:
    """The scanner with a choroid plexus of any brightness, and one of any size and texture."""
    levels = {**scanner.levels, "choroid": WHITE * rng.uniform(0.5, 2.0)}
    own = Plexus(rng.uniform(-0.8, 1.2), rng.uniform(0.5, 1.0), rng.uniform(0.0, 0.5))
    return replace(scanner, levels=levels), own


def _draw_grid(rng: np.random.Generator, voxel_mm: tuple[float, float] | None) -> tuple[Grid, int]:
    """Draw a scan's grid, and how many samples lie through a slice. One head in five is partial."""
    edge = float(np.exp(rng.uniform(np.log(FINEST_MM), np.log(COARSEST_MM))))
    thick = float(rng.choice([rng.uniform(*ends) for ends in SLICES_MM]))
    edge, thick = voxel_mm or (edge, thick)
    tall, middle = rng.uniform(140, 168), 0.0
    if rng.uniform() < 0.2:
        tall, middle = rng.uniform(60, 130), rng.uniform(-25, 25)
    shape = round(WIDTH_MM / edge), round(DEPTH_MM / edge), max(1, round(tall / thick))
    grid = Grid(shape, (edge, edge, thick), 1, (0.0, 0.0, middle))
    return grid, max(1, round(thick / SAMPLES_MM))
