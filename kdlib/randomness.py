"""Random numbers by seed, purpose and step, so that a resumed run needs no saved state."""

from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray


def seeded(seed: int, purpose: str, index: int = 0) -> Generator:
    """A generator for one (seed, purpose, index). It gives the same numbers on every device."""
    return np.random.default_rng([seed, crc32(purpose.encode()), index])


@lru_cache(maxsize=8)
def _shuffled(seed: int, purpose: str, index: int, count: int) -> NDArray[np.int64]:
    return seeded(seed, purpose, index).permutation(count)


def batch_indices(
    count: int, batch_size: int, step: int, *, seed: int, purpose: str
) -> NDArray[np.int64]:
    """The indices (batch_size,) of batch ``step``, each in [0, ``count``).

    Batches follow each other through endless passes over all indices. Each pass is shuffled anew.
    """
    places = np.arange(step * batch_size, (step + 1) * batch_size)
    passes, offsets = np.divmod(places, count)
    return np.array(
        [_shuffled(seed, purpose, int(p), count)[o] for p, o in zip(passes, offsets, strict=True)]
    )
