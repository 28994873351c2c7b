"""How many mL of lesions each subject has. The subjects of a clinic share out its distribution.

If each subject drew a load alone, the medians of twenty subjects would often come out in another
order than the published ones, because loads are spread so widely.
"""

from zlib import crc32

import numpy as np
from scipy.special import ndtri

from kdlib.simulator.protocols import Population, site


def load_ml(seed: int, clinic: str, subject: int, patients: Population) -> float:
    """The lesion volume in mL of the subject of this seed, clinic and id.

    Loads are log-normal around the clinic's median. A load beyond the published range becomes the
    end of that range.
    """
    load = patients.load_ml * np.exp(patients.spread * ndtri(_quantile(seed, clinic, subject)))
    return float(np.clip(load, patients.lowest_ml, patients.highest_ml))


def _quantile(seed: int, clinic: str, subject: int) -> float:
    """Where the subject stands among the people of its clinic and split: above 0, below 1.

    Each of the n people has one of n equal parts of the range from 0 to 1. Chance decides who has
    which part, and the place within the part. How many of them are simulated changes nothing.
    """
    here = site(clinic)
    split = "training" if subject in here.training else "test"
    people = getattr(here, split)
    rng = np.random.default_rng([seed, crc32(clinic.encode()), crc32(split.encode())])
    parts, within = rng.permutation(len(people)), rng.uniform(size=len(people))
    place = people.index(subject)
    return float((parts[place] + within[place]) / len(people))
