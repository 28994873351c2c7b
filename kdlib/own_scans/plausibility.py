"""What no scan or mask of a patient looks like: doubts that are told but stop nothing."""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from kdlib.data.box import bounding_box, robust_box
from kdlib.data.frame import frames
from kdlib.data.head import Mask, foreground
from kdlib.data.labels import Label
from kdlib.data.volume import Volume, to_lps
from kdlib.recipe import Preparation

# A brain without its skull is at least about 90 mm long, also in a newborn; a head with a long nose
# is less than 300 mm long.
LENGTHS_MM = (80.0, 300.0)
# mL. The skulls of healthy adults hold 1289 ± 111 (women) and 1469 ± 102 (men) in Matsumae et al.
# 1996, J. Neurosurg. 84:982. The bounds are four standard deviations away from this and more: scans
# that were brought to the space of MNI152, whose brain has 1887, have up to 1952. In 16 real scans
# of adults the starter found 1170 to 1649.
BRAIN_ML = (800.0, 2100.0)
AIR_SHARE = 0.2  # of a brain that was found; in the same 16 scans 0.02 to 0.09 of it are fluid
# Lesions fill at most a tenth of the brain in the worst of cases; a brain fills a third of a head.
LESION_SHARE = 0.25
FEWEST = 20  # voxels of lesion; fewer say nothing about a mask
AROUND = 4  # voxels; a lesion is compared with what lies so near to it
DARK = 0.1  # standard deviations; real lesions are brighter than this above what is around them
# Shares of a head outside the windows that are told. A network that learns misses skin alone.
UNLEARNT, UNANSWERED = 0.03, 0.01
OTHER_CONTRASTS = {"t1", "t2", "dwi", "adc", "swi", "mprage"}  # words of a file's name
AXES = ("left-right", "front-back", "up-down")


def head_of(scan: Volume) -> tuple[Volume, Mask]:
    """A scan with axes LPS, and its head."""
    turned = to_lps(scan)
    return turned, foreground(turned.array)


def doubts_of_name(path: Path) -> Iterator[str]:
    """What is implausible in a file's name, if it is to be a FLAIR, as a sentence."""
    words = re.split(r"[^A-Za-z0-9]+", path.name)
    others = [word for word in words if word.lower().removesuffix("w") in OTHER_CONTRASTS]
    if others and "flair" not in path.name.lower():
        yield f"its name has the word {others[0]}; is it a FLAIR?"


def doubts_of_scan(scan: Volume, inside: Mask) -> Iterator[str]:
    """What is implausible in a FLAIR (axes LPS) whose head is ``inside``, one sentence each."""
    if scan.array.shape[2] == 1:
        yield "it has one slice; is this a part of a scan?"
    if not inside.any():
        yield "there is no head in it; is this a scan?"
        return
    sides = robust_box(inside)[:2]
    length = max(
        (side.stop - side.start) * edge
        for side, edge in zip(sides, scan.spacing_mm[:2], strict=True)
    )
    if not LENGTHS_MM[0] <= length <= LENGTHS_MM[1]:
        yield f"the head is {length:.0f} mm long; is the size of its voxels right?"


def doubts_of_brain(brain: Volume, inside: Mask) -> Iterator[str]:
    """What is implausible in a brain (bool) that a network found in a FLAIR, one sentence each.

    ``inside`` is the head in the same FLAIR, with axes LPS.
    """
    found = to_lps(brain).array
    count = int(found.sum())
    if not count:
        yield "no brain was found in it; is this a FLAIR of a head?"
        return
    volume = count * float(np.prod(brain.spacing_mm)) / 1000
    if not BRAIN_ML[0] <= volume <= BRAIN_ML[1]:
        what = "is this a whole head, and are its voxel sizes right?"
        yield f"its brain has {volume:.0f} mL; {what}"
    air = int((found & ~inside).sum()) / count
    if air > AIR_SHARE:
        yield f"{air:.0%} of its brain is as dark as air; is this a FLAIR of a head?"


def unseen(scan: Volume, inside: Mask, preparation: Preparation, *, learnt: bool) -> Iterator[str]:
    """What share of a head a network does not see, as a sentence, if it is worth telling.

    A network learns from one window of each scan. It answers through as many as a head needs.
    """
    left = inside.copy()
    for window in frames(scan, preparation, inside)[: 1 if learnt else None]:
        left[window.covered] = False
    share = int(left.sum()) / max(1, int(inside.sum()))
    if share >= (UNLEARNT if learnt else UNANSWERED):
        what = "learns from" if learnt else "answers to"
        yield f"{share:.1%} of its head lies outside the window that the network {what}"


def too_much(share: float) -> str:
    """A sentence about lesions that fill such a share of the head."""
    return f"its lesions fill {min(share, 1):.0%} of the head, which no disease does"


def doubts_of_answer(seen: Volume, lesion: Mask, preparation: Preparation) -> Iterator[str]:
    """What to know about a network's mask (x, y, z) of lesions, one sentence each.

    ``seen`` is the FLAIR as the network saw it.
    """
    scan, inside = head_of(seen)
    yield from unseen(scan, inside, preparation, learnt=False)
    share = int(lesion.sum()) / max(1, int(inside.sum()))
    if share > LESION_SHARE:
        yield too_much(share)


def doubts_of_mask(labels: Volume, flair: Volume, inside: Mask) -> Iterator[str]:
    """What is implausible in a mask of lesions, one sentence each.

    ``flair`` has axes LPS, and ``inside`` is its head.
    """
    scan, lesion = flair.array, to_lps(labels).array == Label.LESION
    count, size = int(lesion.sum()), int(inside.sum())
    if count < FEWEST or not size:
        return
    if count > LESION_SHARE * size:
        yield f"{too_much(count / size)}; is this a mask of the brain?"
        return
    here = contrast(scan, lesion, inside)
    if (mirror := _better_mirrored(scan, lesion, inside, here)) is not None:
        yield f"it fits the FLAIR better when it is mirrored {mirror}; is it stored the right way?"
    elif here <= DARK:
        yield "FLAIR is not brighter in its lesions than around them; is it the mask of this scan?"


def contrast(scan: NDArray, lesion: Mask, inside: Mask) -> float:
    """How much brighter lesions are than the head around them, in standard deviations of the head.

    The head's voxels within ``AROUND`` voxels of a lesion are compared, so bright skin does not
    matter. It is minus infinity if there is nothing to compare.
    """
    spread = float(scan[inside].std()) or 1.0
    box = bounding_box(lesion, margin=AROUND)
    scan, lesion, inside = scan[box], lesion[box], inside[box]
    around = ndimage.binary_dilation(lesion, iterations=AROUND) & inside & ~lesion
    if not lesion.any() or not around.any():
        return -np.inf
    return float(np.mean(scan[lesion]) - np.median(scan[around])) / spread


def _better_mirrored(scan: NDArray, lesion: Mask, inside: Mask, here: float) -> str | None:
    """Along which axes the mask has to be mirrored to have more contrast, if any."""
    found = dict[tuple[int, ...], float]()
    for flips in product((False, True), repeat=3):
        axes = tuple(axis for axis, flip in enumerate(flips) if flip)
        if axes:
            found[axes] = contrast(scan, np.flip(lesion, axes), inside)
    best = max(found, key=lambda axes: found[axes])
    if found[best] <= max(here, 0) * 1.2 + 0.2:
        return None
    return " and ".join(AXES[axis] for axis in best)
