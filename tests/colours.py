"""What eyes make of a colour, which is red, green and blue from 0 to 1."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def linear(colour: ArrayLike) -> NDArray[Any]:
    """The light of a colour of sRGB."""
    share = np.asarray(colour, dtype=np.float64)
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def contrast(*colours: ArrayLike) -> float:
    """The contrast of two colours as WCAG 2.2 defines it."""
    dark, light = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in colours)
    return (light + 0.05) / (dark + 0.05)
