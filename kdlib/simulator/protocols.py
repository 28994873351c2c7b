"""What is published about the three clinics: their scanners, their voxel grids, their patients.

Protocols, grids, ids and lesion loads are from the data description of the WMH Segmentation
Challenge (doi 10.34894/AECRSD) and from Kuijf et al., IEEE Transactions on Medical Imaging 38
(2019). The intensity levels, the noise and the sharpness are calibrated to real scans.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import exp, log
from statistics import fmean
from typing import TypeVar

from kdlib.errors import InputError


@dataclass(frozen=True)
class Protocol:
    """A scanner: times in ms, a flip angle in degrees, and values that fit real scans."""

    repetition_ms: float
    echo_ms: float
    inversion_ms: float
    t1_repetition_ms: float
    t1_flip_degrees: float
    level: float  # intensity of normal white matter
    noise: float  # standard deviation divided by ``level``, on the native voxel
    blur_mm: float  # standard deviation of the point spread in the plane
    bias: float  # standard deviation of the log of the residual bias field
    thickness: float = 1.0  # of a slice, in distances between slices


@dataclass(frozen=True)
class Population:
    """The patients of a clinic.

    Attributes:
        load_ml: the median lesion volume in mL.
        lowest_ml: the lowest lesion volume.
        highest_ml: the highest lesion volume.
        spread: the standard deviation of the logarithm of the lesion volume.
        atrophy: how wide the sulci are on average; 0 is the average brain.
    """

    load_ml: float
    lowest_ml: float
    highest_ml: float
    spread: float
    atrophy: float


@dataclass(frozen=True)
class Site:
    """The folder, ids and voxel grid of a clinic's subjects in the challenge's data."""

    folder: str
    training: tuple[int, ...]
    test: tuple[int, ...]
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    defaced: bool


PROTOCOLS = {
    "utrecht": Protocol(11000, 125, 2800, 7.9, 16, 300.0, 0.055, 0.45, 0.04),
    "singapore": Protocol(9000, 82, 2500, 8.0, 16, 171.0, 0.060, 0.50, 0.05),
    "amsterdam": Protocol(8000, 126, 2340, 7.8, 15, 435.0, 0.070, 0.60, 0.05),
}
POPULATIONS = {
    "utrecht": Population(13.9, 0.8, 195.0, 1.10, 0.55),
    "singapore": Population(15.9, 0.8, 80.5, 1.00, 0.60),
    "amsterdam": Population(6.3, 0.8, 54.0, 1.00, 0.40),
}

_UTRECHT = (0, 2, 4, 6, 8, 11, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 49)
_AMSTERDAM = (*range(100, 111), *range(112, 117), 126, 132, 137, 144)


def _all_but(numbers: range, training: Sequence[int]) -> tuple[int, ...]:
    return tuple(number for number in numbers if number not in training)


SITES = {
    "utrecht": Site(
        "Utrecht", _UTRECHT, _all_but(range(50), _UTRECHT), (240, 240, 48), (0.96, 0.96, 3.0), False
    ),
    "singapore": Site(
        "Singapore", tuple(range(50, 70)), tuple(range(70, 100)), (232, 256, 48), (1, 1, 3), False
    ),
    "amsterdam": Site(
        "Amsterdam/GE3T",
        _AMSTERDAM,
        _all_but(range(100, 150), _AMSTERDAM),
        (132, 256, 83),
        (1.20, 0.98, 3.0),
        True,
    ),
}
# These subjects of the challenge have another shape than the other subjects of their clinic.
ODD_SHAPES = {
    50: (256, 232, 48),
    51: (256, 232, 48),
    147: (140, 256, 83),
    148: (124, 256, 83),
    149: (136, 256, 83),
}
COARSE_SHAPE = (96, 112, 48)
COARSE_SPACING_MM = (2.0, 2.0, 3.0)


def site(clinic: str) -> Site:
    """The clinic's folder, ids and grid. Raises ``InputError`` if there is no such clinic."""
    if clinic not in SITES:
        raise InputError(f"clinic {clinic!r} is not simulated; choose from {', '.join(SITES)}")
    return SITES[clinic]


def voxel_grid(
    clinic: str, subject: int, grid: str
) -> tuple[tuple[int, int, int], tuple[float, float, float]]:
    """Shape and spacing in mm of a subject's scan. ``grid`` is "native" or "2mm"."""
    if grid == "2mm":
        return COARSE_SHAPE, COARSE_SPACING_MM
    here = site(clinic)
    return ODD_SHAPES.get(subject, here.shape), here.spacing_mm


TIMES = ("repetition_ms", "echo_ms", "inversion_ms", "t1_repetition_ms", "t1_flip_degrees")
STRAIGHT = (*TIMES, "spread", "atrophy")  # these move linearly, others by their logarithms


def protocol(clinic: str, shift: float) -> Protocol:
    """The clinic's scanner, moved towards the mean of the three.

    A ``shift`` of 0 gives the mean, and 1 gives the published protocol. Times and angles move
    linearly. Level, noise, blur and bias move by their logarithms.
    """
    return _between(list(PROTOCOLS.values()), PROTOCOLS[clinic], shift)


def population(clinic: str, shift: float) -> Population:
    """The clinic's patients, moved towards the mean of the three.

    A ``shift`` of 0 gives the mean, and 1 gives the published patients. Spread and atrophy move
    linearly. Loads move by their logarithms.
    """
    return _between(list(POPULATIONS.values()), POPULATIONS[clinic], shift)


_Kind = TypeVar("_Kind", Protocol, Population)


def moved(own: _Kind, other: _Kind, steps: float, names: tuple[str, ...]) -> _Kind:
    """``own`` with the fields ``names`` moved towards ``other``: at 1 they are there.

    At 2 they have moved twice as far. Times, angles, spread and atrophy move linearly, the other
    fields by their logarithms.
    """
    changes = {}
    for name in names:
        start, end = getattr(own, name), getattr(other, name)
        if name in STRAIGHT:
            changes[name] = start + steps * (end - start)
        else:
            changes[name] = start * (end / start) ** steps
    return replace(own, **changes)


def _between(every: list[_Kind], own: _Kind, shift: float) -> _Kind:
    changes = {}
    for field in fields(own):
        values = [getattr(one, field.name) for one in every]
        value = getattr(own, field.name)
        if field.name in STRAIGHT:
            mean = fmean(values)
            changes[field.name] = mean + shift * (value - mean)
        else:
            mean = fmean(map(log, values))
            changes[field.name] = exp(mean + shift * (log(value) - mean))
    return replace(own, **changes)
