"""What the chapter on the clinics finds: how their lesions and their intensities differ."""

from itertools import combinations

import numpy as np
import pandas as pd

from kdlib.record.arrays import Arrays, Key
from kdlib.report.words import listed
from kdlib.simulator.protocols import POPULATIONS


def main_clinics(clinics: pd.DataFrame) -> pd.DataFrame:
    """The rows of the clinics of the paper, if there are any: control clinics are left out."""
    known = clinics[clinics["clinic"].isin(list(POPULATIONS))]
    return clinics if known.empty else known


def clinic_words(clinics: pd.DataFrame) -> str:
    """How the clinics' lesions differ, and whether the loads have the published order."""
    by_clinic = clinics.groupby("clinic", sort=False)
    loads, contrast = by_clinic["lesion_ml"].median(), by_clinic["lesion_contrast"].median()
    words = [f"{load:.1f} mL at {str(name).capitalize()}" for name, load in loads.items()]
    said = f"The median lesion volume is {listed(words)}."
    if len(contrast) > 1:
        low, high = str(contrast.idxmin()).capitalize(), str(contrast.idxmax()).capitalize()
        said += (
            f" Lesions are most unlike the rest of the head at {high} (contrast"
            f" {contrast.max():.2f}) and least at {low} ({contrast.min():.2f})."
        )
    return said


def brightness_words(arrays: Arrays) -> str:
    """How much the intensities of two clinics overlap, as scanned and after normalisation.

    ``arrays`` are those that ``kdlib.record.clinic_summary`` makes.
    """
    clinics = [key.owner[0] for key in arrays if key.owner and key.part == "intensity"]
    if len(clinics) < 2:
        return "Here there is one clinic alone."
    pairs = list(combinations(clinics, 2))

    def least(kind: str) -> tuple[float, tuple[str, str]]:
        shares = {name: _shares(arrays[Key((name,), kind)]) for name in clinics}
        return min((float(np.minimum(shares[a], shares[b]).sum()), (a, b)) for a, b in pairs)

    (raw, ends), (after, _) = least("intensity"), least("normalised")
    first, second = (name.capitalize() for name in ends)
    return (
        f"As scanned, the intensities of {first} and {second} have {100 * raw:.0f} % in common, the"
        f" least of all clinics. After each scan was centred and scaled, any two clinics have at"
        f" least {100 * after:.0f} % in common."
    )


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / max(counts.sum(), 1)


def apart_words(clinics: pd.DataFrame) -> str:
    """Between which two clinics the lesions differ most, by volume and by contrast."""
    medians = clinics.groupby("clinic")[["lesion_ml", "lesion_contrast"]].median()
    if len(medians) < 2:
        return "Here there is one clinic alone."
    ends = {
        name: [str(end).capitalize() for end in (values.idxmin(), values.idxmax())]
        for name, values in medians.items()
    }
    times = medians["lesion_ml"].max() / medians["lesion_ml"].min()
    return (
        f"The median lesion volume differs most between {listed(ends['lesion_ml'])}, by a factor of"
        f" {times:.1f}, and the contrast of lesions between {listed(ends['lesion_contrast'])}."
    )


def load_order_words(clinics: pd.DataFrame) -> str:
    """The order of the clinics by median load, here and as published, in a sentence."""
    here = clinics.groupby("clinic")["lesion_ml"].median().sort_values(ascending=False)
    known = [str(name) for name in here.index if name in POPULATIONS]
    published = sorted(known, key=lambda name: -POPULATIONS[name].load_ml)
    if len(known) < 2:
        return "The simulated subjects are drawn at random from these numbers."
    order = listed([name.capitalize() for name in published])
    if known == published:
        return f"By median load, the order is the published one: {order}, the largest first."
    own = listed([name.capitalize() for name in known])
    return (
        f"By median load, the largest first, the published order is {order}. The subjects here come"
        f" out in another order: {own}. Few draws from a wide distribution can do that."
    )
