"""Control clinics: targets for which it is known beforehand whether a method can gain there.

They test the bench and not the methods. All have the scanner, the population and the lesion loads
of Utrecht, and people who are not in Utrecht.

- ``utrecht-again`` is the negative control. Only the people differ, so no method may gain.
- ``utrecht-bent-mildly`` and ``utrecht-bent`` are the positive controls. They have the people of
  ``utrecht-again``, so that nothing but a curve differs from it: the scanner saturates, more or
  less strongly. Z-scores do not undo this, but histogram matching does.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_BRIGHT = 90  # percentile of the head: above white matter, and below lesions even of large loads


@dataclass(frozen=True)
class Control:
    """How a clinic is made from another one.

    Attributes:
        like: the clinic whose scanner, population and lesion loads it has.
        people: the name that decides its people. Clinics of one name have the same people.
        bend: how strongly the FLAIR saturates, 0 or above; see ``bent``.
        dial: the dial of ``kdlib.simulator.dials`` that is turned; empty: none.
        level: how far it is turned.
        many: whether it also has as many people whom the other clinic has for the test.
    """

    like: str
    people: str
    bend: float = 0.0
    dial: str = ""
    level: int = 0
    many: bool = False


# The strengths were chosen on other people (simulation seed 100) with three teachers of Utrecht and
# the recipe of the studies. There histogram matching gains 0.14 Dice in the mild one, and 0.38 in
# the other one. ``book/protocol.md`` tells why the mild one is not milder.
CONTROLS = {
    "utrecht-again": Control("utrecht", "utrecht-again"),
    "utrecht-bent-mildly": Control("utrecht", "utrecht-again", bend=0.6),
    "utrecht-bent": Control("utrecht", "utrecht-again", bend=0.8),
}


def bent(flair: Tensor, strength: float) -> Tensor:
    """A FLAIR of a scanner that saturates: ``b tanh(s x / b) / tanh(s)``, with strength s.

    b is a bright intensity of this scan's head, its 90th percentile, which keeps its place. The
    curve rises everywhere and is steeper for dark tissues than for bright ones. It keeps 0. With
    strength 0 it changes nothing.
    """
    if strength == 0:
        return flair
    bright = float(np.percentile(_head(flair.numpy()), _BRIGHT))
    return bright * torch.tanh(strength * flair / bright) / np.tanh(strength)


def _head(array: NDArray) -> NDArray:
    """The intensities of a simulated head, by the rule of BET (Smith 2002, Section 2.1).

    The readers of scans have a better rule, which may change. The simulator's voxels must not.
    """
    given = array[array != 0]
    low, high = np.percentile(given, [2, 98])
    return given[given > low + 0.1 * (high - low)]
