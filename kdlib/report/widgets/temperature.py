"""The temperature explorer. It softens a teacher's answer to a scan by a T that the reader sets."""

from typing import Any

import numpy as np
import pandas as pd
import traitlets
from numpy.typing import NDArray
from scipy.special import expit

from kdlib.evidence.sweeps import TEMPERATURE, swept
from kdlib.methods.distillation import DistillationSettings
from kdlib.record.arrays import Key
from kdlib.record.explorers import STEPS_PER_LOGIT, STUDENT
from kdlib.record.results import Results
from kdlib.report.figures import Picture, drawing
from kdlib.report.pictures import show_slice
from kdlib.report.widgets.base import Explorer, greys_and_others, script, source
from kdlib.study.arm import Arm

LOGIT = "difference"  # the teacher's logit of lesion minus that of background
SHOWN_TEMPERATURES = (1.0, 2.0, 4.0, 10.0)  # temperatures of the still picture


class TemperatureExplorer(Explorer):
    """Sliders for T (1 to 10) and the slice. ``pair`` is the number of a pair of clinics."""

    _esm = script("temperature.js")
    _css = source("explorers.css")
    temperature = traitlets.Float(2.0).tag(sync=True)
    place = traitlets.Int(0).tag(sync=True)
    pair = traitlets.Int(0).tag(sync=True)


def temperature_explorer(results: Results) -> TemperatureExplorer:
    """Make the explorer of the soft labels that a study's teachers give.

    Raises ``InputError`` if the study's results hold none.
    """
    stored = results.explored("soft")
    pairs = [_pair(results, owner, soft) for owner, soft in stored.items()]
    first = next(iter(stored.values()))
    middle = _fullest(first)

    shown = {
        Key(k, part): soft[part]
        for k, soft in stored.items()
        for part in ("flair", LOGIT, "truth", *_students(soft))
        if part in soft
    }
    return TemperatureExplorer(
        *greys_and_others(shown),
        _still(first, middle),
        "The lesion probability that the teacher gives, over one slice of a target scan, at four "
        "temperatures. A higher temperature spreads doubt around the lesions and into the rest of "
        "the brain.",
        facts={"pairs": pairs, "steps_per_logit": STEPS_PER_LOGIT},
        kind="temperature",
        place=middle,
    )


def _pair(
    results: Results, owner: tuple[str, ...], soft: dict[str, NDArray[Any]]
) -> dict[str, Any]:
    """What the page needs to know about one pair of clinics, with the names of its arrays.

    The truth and the students are those that the study kept, which may be none.
    """
    source_clinic, target, subject = owner
    slices = [int(place) for place in soft["slices"]]
    return {
        "source": source_clinic,
        "target": target,
        "subject": subject,
        "flair": str(Key(owner, "flair")),
        "difference": str(Key(owner, LOGIT)),
        "slices": slices,
        "truth": str(Key(owner, "truth")) if "truth" in soft else "",
        "students": [
            {"temperature": _at(name), "answer": str(Key(owner, name))} for name in _students(soft)
        ],
        "dice": student_dice(results, source_clinic, target).to_dict("records"),
    }


def student_dice(results: Results, source: str, target: str) -> pd.DataFrame:
    """The Dice of students by temperature: ``mean``, ``sd`` and number of subjects.

    The students are of the arms that distil the plain teacher on the pooled scans and have no other
    setting, and of these arms' sweeps over the temperature. The seeds of a subject are averaged
    first. Only subjects with scores at all temperatures count, so that these can be compared.
    """
    arms = {name: arm for name, arm in results.arms.items() if _plain(arm)}
    own = DistillationSettings().temperature
    temperatures = {n: float(arm.settings.get(TEMPERATURE, own)) for n, arm in arms.items()}
    plain = results.scores[results.scores["arm"].isin(arms)]
    parts = [plain.assign(value=plain["arm"].map(temperatures))]
    parts += [swept(results.all_scores, arm, (TEMPERATURE,), "target") for arm in arms]
    rows = pd.concat([part for part in parts if len(part)] or parts)
    rows = rows[rows["source"].eq(source) & rows["target"].eq(target)]
    by_subject = rows.groupby(["subject", "value"])["dice"].mean().unstack("value").dropna()
    by_value = by_subject.rename_axis(columns="temperature").stack().groupby("temperature")
    table = by_value.agg(mean="mean", sd="std", subjects="count")
    return table.fillna({"sd": 0.0}).reset_index()


def _plain(arm: Arm) -> bool:
    pooled = not arm.on_the_fly and arm.teacher is None
    return arm.method == "distillation" and pooled and set(arm.settings) <= {"method", TEMPERATURE}


def _students(soft: dict[str, NDArray[Any]]) -> list[str]:
    """The names of the arrays that are answers of trained students, from low to high T."""
    return sorted((name for name in soft if name.startswith(STUDENT)), key=_at)


def _at(name: str) -> float:
    return float(name.removeprefix(STUDENT))


def _fullest(soft: dict[str, NDArray[Any]]) -> int:
    """The slice on which the teacher finds most lesion."""
    lesion = expit(soft[LOGIT] / STEPS_PER_LOGIT) * (soft["flair"] > 0)
    return int(lesion.sum(axis=(1, 2)).argmax())


def _still(soft: dict[str, NDArray[Any]], place: int) -> Picture:
    logit = soft[LOGIT][place] / STEPS_PER_LOGIT
    flair = soft["flair"][place]
    with drawing(2.0, 1, len(SHOWN_TEMPERATURES), scans=True) as (figure, grid):
        for axes, temperature in zip(np.ravel(grid), SHOWN_TEMPERATURES, strict=True):
            show_slice(axes, flair.T)
            soft_label = np.where(flair > 0, expit(logit / temperature), 0)
            axes.imshow(soft_label, cmap="plasma", alpha=soft_label, vmin=0, vmax=1)
            axes.set_title(f"T = {temperature:g}")
    return Picture(figure, "png")
