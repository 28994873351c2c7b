"""The slice that shows a subject: its FLAIR, its labels, and an answer to it."""

import numpy as np
from numpy.typing import NDArray

from kdlib.data.box import grey
from kdlib.data.labels import Label
from kdlib.data.volume import Volume, to_lps


def example_slice(truth: Volume) -> int:
    """The axial slice (axes LPS) that shows a subject best: the one with most lesion."""
    return int((to_lps(truth).array == Label.LESION).sum(axis=(0, 1)).argmax())


def example_scan(flair: Volume, truth: Volume) -> dict[str, NDArray[np.uint8]]:
    """The example slice (x, y) of the FLAIR in 256 greys, and of the labels.

    Their names are ``flair`` and ``truth``.
    """
    place, scan = example_slice(truth), to_lps(flair).array
    labels = to_lps(truth).array[:, :, place]
    return {"flair": grey(scan, scan > 0)[:, :, place], "truth": labels.astype(np.uint8)}


def example_answer(probability: Volume, truth: Volume) -> NDArray[np.uint8]:
    """The example slice (x, y) of an answer, with probabilities from 0 to 255."""
    shown = to_lps(probability).array[:, :, example_slice(truth)]
    return (shown * 255).round().astype(np.uint8)
