"""Dials: the parts of the shift between two clinics, each of which can be turned alone.

The clinic ``utrecht~contrast2`` is Utrecht with the dial ``contrast`` at level 2, and nothing else
is changed. It has the people of ``utrecht-again``, which is level 0 of every dial: new people on
Utrecht's own scanner. The dials ``population`` and ``view`` give them other lesions; a taller field
of view has another grid, so gyri, lesions and infarcts are drawn anew, at about the same load. At
level 1 a part is as published for another clinic, and at level 2 it has moved twice as far. Where
nothing is published, the level says how far it is moved.
"""

from dataclasses import dataclass, replace

from kdlib.simulator.controls import CONTROLS, Control
from kdlib.simulator.protocols import TIMES, Population, Protocol, moved, population, protocol


@dataclass(frozen=True)
class Dial:
    """What one step of a dial changes.

    Attributes:
        towards: the clinic whose published values level 1 has.
        scanner: the fields of its ``Protocol`` that are moved there.
        patients: the fields of its ``Population`` that are moved there.
        thicker: by how many distances between slices a slice is thicker.
        slices: how many slices the field of view is taller.
        cut: the share of the scan that defacing takes.
        wider: how much less of a voxel has to be lesion before the reader marks it. It is half of
            the voxel for every other clinic.
    """

    towards: str = "utrecht"
    scanner: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()
    thicker: float = 0.0
    slices: int = 0
    cut: float = 0.0
    wider: float = 0.0

    def scanner_of(self, clinic: str, shift: float, level: int) -> Protocol:
        """The scanner of ``clinic`` with the dial at ``level``. ``shift`` is as in ``protocol``."""
        own, other = protocol(clinic, shift), protocol(self.towards, shift)
        thick = {"thickness": own.thickness + level * self.thicker}
        return replace(moved(own, other, level, self.scanner), **thick)

    def patients_of(self, clinic: str, shift: float, level: int) -> Population:
        """The patients of ``clinic`` with the dial at ``level``."""
        return moved(
            population(clinic, shift), population(self.towards, shift), level, self.patients
        )

    def border(self, level: int) -> float:
        """The share of a voxel that has to be lesion before the reader marks it."""
        return 0.5 - level * self.wider

    def taller(self, shape: tuple[int, int, int], level: int) -> tuple[int, int, int]:
        """The ``shape`` of a scan, with the slices that are added."""
        return shape[0], shape[1], shape[2] + level * self.slices


LOADS = ("load_ml", "lowest_ml", "highest_ml", "spread", "atrophy")
DIALS = {
    "contrast": Dial(towards="singapore", scanner=TIMES),
    # Slices of 3, 4.5 and 6 mm, all 3 mm apart. The three clinics do not differ in thickness.
    "sharpness": Dial(towards="amsterdam", scanner=("blur_mm",), thicker=0.5),
    "noise": Dial(towards="amsterdam", scanner=("noise", "bias")),
    # Level 1 is as tall as in Amsterdam, and as much of the scan is cut off.
    "view": Dial(slices=35, cut=0.22),
    "population": Dial(towards="amsterdam", patients=LOADS),
    # On two simulated people the masks of level 0 have a Dice of 0.83 and 0.88 with those of level
    # 1, and 0.66 and 0.75 with those of level 2. Two of the challenge's readers have 0.76 to 0.79.
    "reader": Dial(wider=0.15),
}

LEVELS = (1, 2)
DIALLED = {
    f"utrecht~{dial}{level}": Control("utrecht", "utrecht-again", dial=dial, level=level)
    for dial in DIALS
    for level in LEVELS
}
# The training subjects of Singapore and as many of its test subjects, all to be split in halves.
LARGE = {"singapore-large": Control("singapore", "singapore", many=True)}
MADE = CONTROLS | DIALLED | LARGE
