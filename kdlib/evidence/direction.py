"""Which way a comparison points: the words that a reader is told."""

from typing import Literal

from kdlib.evidence.contrast import Contrast

Direction = Literal["better", "worse", "the same", "open"]


def direction(plain: Contrast, strict: Contrast) -> Direction:
    """What a comparison says: better and worse after Holm's correction, the same without it."""
    if strict.better:
        return "better"
    if strict.worse:
        return "worse"
    return "the same" if plain.same else "open"
