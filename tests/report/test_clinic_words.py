"""The sentences on the clinics follow from their numbers."""

import numpy as np

from kdlib.record.arrays import Arrays, Key
from kdlib.report.clinic_words import brightness_words


def test_what_intensities_of_clinics_have_in_common_is_the_least_of_all_pairs() -> None:
    raw = {"a": [2, 2, 0, 0], "b": [0, 1, 1, 0], "c": [0, 0, 0, 7]}
    arrays: Arrays = {Key((name,), "intensity"): np.array(bins) for name, bins in raw.items()}
    arrays |= {Key((name,), "normalised"): np.array([5, 5]) for name in raw}
    said = brightness_words(arrays)
    assert "A and C have 0 % in common" in said
    assert "at least 100 % in common" in said
    assert "one clinic alone" in brightness_words({k: arrays[k] for k in arrays if "a" in k.owner})
