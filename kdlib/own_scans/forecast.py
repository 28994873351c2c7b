"""Does adapting help here? What can be said about it without labels.

A student and its teacher answer the target's slices. Measures that need no label compare them. A
line was fitted to these measures on simulated clinics, where the true gain is known.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import torch
from scipy.stats import binomtest
from torch import Tensor

from kdlib.data.labels import Label
from kdlib.data.slices import Slices
from kdlib.kept import digest_of
from kdlib.networks import UNet, answer_all
from kdlib.study.scenario import Scenario

COEFFICIENTS = "forecast.json"
AT_ONCE = 1000  # slices; their maps are held together
LITTLE = 1e-6
BY_CHANCE = 0.05  # of all coins are right as often; a forecast has to be right oftener
LEFT_RIGHT = -2  # the axis of a slice along the patient's x
WHEN = ("before", "after")  # the adaptation: the teacher and the student
# Used only where there is no forecast; fitted to nothing.
LEAST_COMMON = 0.7  # Dice of student and teacher
MOST_CHANGE = 1.5  # of the lesions' volume, as a factor in both directions
HEAVY = 0.01  # of a brain; statistics of one scan with more lesions take them for normal

Measures = dict[str, float]


@dataclass(frozen=True)
class Forecast:
    """The gain in Dice that is expected of the student over its teacher.

    Attributes:
        gain: what is expected.
        low: the lower end of an interval that holds ``share`` of the simulated targets.
        high: the upper end.
        share: of the targets that were not used for the line.
    """

    gain: float
    low: float
    high: float
    share: float


@dataclass(frozen=True)
class Verdict:
    """Whether the student's answers are the result.

    Attributes:
        adapted: if not, the teacher's answers are the result.
        said: the verdict as a sentence.
        forecast: the gain that is expected, if it can be told.
    """

    adapted: bool
    said: str
    forecast: Forecast | None


def verdict_on(
    teacher: UNet,
    student: UNet,
    target: Slices,
    scenario: Scenario,
    *,
    scans: int = 2,
    always: bool = False,
) -> Verdict:
    """Whether to use a ``student`` on as many ``scans``, whose slices are ``target``.

    It is used if the lower end of the forecast's interval is above 0. If there is no forecast for
    its method, a rule of thumb refuses a student whose answers are far from its teacher's, and
    statistics of one scan with many lesions. If the user wants it ``always``, it is used all the
    same, and the verdict says so.
    """
    found = measures(teacher, student, target, scenario.precision)
    if (forecast := forecast_of(found, scenario, fingerprint(teacher))) is None:
        why = _by_thumb(found, statistics=scans == 1 and not scenario.method_type.trains)
        good, more = "Adapted. No forecast yet for this method: the gain is not known.", ""
    else:
        told = (
            f"forecast of the gain: {forecast.gain:+.3f} Dice, {forecast.share:.0%} interval "
            f"{forecast.low:+.3f} to {forecast.high:+.3f}"
        )
        why = "" if forecast.low > 0 else f"no clear gain is expected ({told})"
        good, more = f"Adapted ({told}).", how_often_right(scenario.method)
    if not why:
        said = good
    elif always:
        said = f"Adapted, as --always asks, although {why}."
    else:
        said = f"Not adapted: {why}. These are the starter's own masks."
    return Verdict(always or not why, f"{said} {more}".strip(), forecast)


@torch.no_grad()
def measures(teacher: UNet, student: UNet, target: Slices, precision: str = "auto") -> Measures:
    """Label-free measures of a teacher and its student on a target.

    Args:
        teacher: the network before the adaptation.
        student: the network after it.
        target: the slices that it adapted to, with 0 or the lowest value outside the brain.
        precision: of the networks' arithmetic.

    Returns:
        ``load``: the share of the brain that the teacher calls lesion, as a logarithm. ``change``:
        the logarithm of the lesions' volume after and before. ``common``: Dice of the two answers.
        ``entropy``: the mean entropy inside the brain, after minus before, divided by the load.
        ``flip``: the Dice of an answer and the answer to the slices with left and right exchanged,
        after minus before.
        ``norms``: how far the statistics of batch norm moved. ``slices``: their number, as a
        logarithm.
    """
    parts = [_sums(teacher, student, images, precision) for images in target.images.split(AT_ONCE)]
    sums = {name: sum(part[name] for part in parts) for name in parts[0]}
    size = sums["inside"] + 1
    volume = [sums[f"lesion_{when}"] + 0.0005 * size for when in WHEN]
    flips = [_dice(sums, f"flip_{when}") for when in WHEN]
    spread = [sums[f"entropy_{when}"] / v for when, v in zip(WHEN, volume, strict=True)]
    return {
        "load": float(np.log(volume[0] / size)),
        "change": float(np.log(volume[1] / volume[0])),
        "common": _dice(sums, "common"),
        "entropy": spread[1] - spread[0],
        "entropy_before": spread[0],
        "flip": flips[1] - flips[0],
        "flip_before": flips[0],
        "norms": _moved(teacher, student),
        "slices": float(np.log(len(target))),
    }


def forecast_of(found: Measures, scenario: Scenario, teacher: str) -> Forecast | None:
    """The gain that is expected by the ``measures``.

    None if no line was fitted for the method with these settings, or for this ``teacher``, which is
    named by its ``fingerprint``.
    """
    fitted = _fitted()
    for line in fitted["lines"] if fitted["teacher"] == teacher else []:
        if (line["method"], line["settings"]) == (scenario.method, how_it_adapts(scenario)):
            gain = line["intercept"] + sum(
                weight * found[name] for name, weight in line["weights"].items()
            )
            return Forecast(gain, gain + line["low"], gain + line["high"], fitted["share"])
    return None


def how_it_adapts(scenario: Scenario) -> dict[str, Any]:
    """The settings that a line holds for: the method's own, and how it trains if it does."""
    own = scenario.settings.model_dump(mode="json")
    if not scenario.method_type.trains:
        return own
    return own | {"updates": scenario.updates, "learning_rate": scenario.learning_rate}


def fingerprint(network: UNet) -> str:
    """A short text that changes if any weight or statistic of a network does."""
    state = network.state_dict()
    return digest_of(b"".join(state[name].cpu().numpy().tobytes() for name in sorted(state)))


def forecast_teacher() -> str | None:
    """The ``fingerprint`` of the network that the forecast is for; None if there is none."""
    return _fitted()["teacher"]


def forecast_tests() -> dict[str, dict[str, float]]:
    """How good the line of each method is on simulated clinics from which it was not fitted.

    The measures are those of ``benchmarks/forecast.py``; empty if there is no line.
    """
    return _fitted().get("tested_on_unseen_clinics", {})


def people_of_the_tests() -> int:
    """How many simulated people the clinics of these tests are made of; 0 if there is no line."""
    return int(_fitted().get("people_of_the_test", 0))


def how_often_right(method: str) -> str:
    """How often the forecast for a method was right in its tests, in a sentence, if there are any.

    It was right if it told a gain from a loss.
    """
    found = forecast_tests().get(method)
    if found is None:
        return ""
    return (
        f"In tests on {found['clinics']} simulated clinics this forecast told a gain from a loss "
        f"in {found['sign_right']:.0%} of them{beside_a_coin(found)}."
    )


def beside_a_coin(found: Mapping[str, float]) -> str:
    """The end of a sentence on a forecast that was right no oftener than a coin may be."""
    tests = int(found["clinics"])
    right = round(found["sign_right"] * tests)
    by_chance = binomtest(right, tests, alternative="greater").pvalue > BY_CHANCE
    return ", which a coin might do as well" if by_chance else ""


def _fitted() -> dict[str, Any]:
    """What ``benchmarks/forecast.py`` has written. Nothing, if it was not run."""
    path = files("kdlib") / "own_scans" / COEFFICIENTS
    if not path.is_file():
        return {"teacher": None, "lines": []}
    return json.loads(path.read_text("utf-8"))


def _by_thumb(found: Measures, *, statistics: bool) -> str:
    """By a careful guess, why a student should not be used; an empty text if it may be.

    ``statistics``: of batch norm, taken from one scan alone.
    """
    why = ""
    if found["common"] < LEAST_COMMON or abs(found["change"]) > np.log(MOST_CHANGE):
        why = "its answers are far from the starter's"
    if statistics and found["load"] > np.log(HEAVY):
        why = "one scan with many lesions misleads it"
    return f"there is no forecast yet for this method, and by a rule of thumb {why}" if why else ""


def _sums(teacher: UNet, student: UNet, images: Tensor, precision: str) -> dict[str, float]:
    """What ``measures`` needs, summed over some slices."""
    inside = images[:, 0] > images[:, 0].amin((-2, -1), keepdim=True)
    maps = [_lesion(network, images, precision) * inside for network in (teacher, student)]
    sums = {"inside": float(inside.sum()), **_common("common", *maps)}
    for when, network, map_ in zip(WHEN, (teacher, student), maps, strict=True):
        flipped = _lesion(network, images.flip(LEFT_RIGHT), precision).flip(LEFT_RIGHT) * inside
        sums |= _common(f"flip_{when}", map_, flipped)
        sums[f"lesion_{when}"] = float((map_ >= 0.5).sum())
        sums[f"entropy_{when}"] = float((_entropy(map_) * inside).sum())
    return sums


def _lesion(network: UNet, images: Tensor, precision: str) -> Tensor:
    """The lesion probability (N, H, W)."""
    return answer_all(network, images, precision).softmax(dim=1)[:, Label.LESION]


def _entropy(map_: Tensor) -> Tensor:
    return torch.special.entr(map_) + torch.special.entr(1 - map_)


def _common(name: str, first: Tensor, second: Tensor) -> dict[str, float]:
    """What ``_dice`` needs of two maps."""
    total = float((first**2).sum() + (second**2).sum())
    return {name: 2 * float((first * second).sum()), f"{name}_total": total}


def _dice(sums: dict[str, float], name: str) -> float:
    """The Dice of two maps as they are, without a threshold; 1 if both are empty."""
    return (sums[name] + LITTLE) / (sums[f"{name}_total"] + LITTLE)


def _moved(teacher: UNet, student: UNet) -> float:
    """The mean change of the means of batch norm, in standard deviations; 0 without batch norm."""
    olds, news = (dict(network.named_buffers()) for network in (teacher, student))
    moves = [
        (news[name] - old).abs().mean() / (olds[_spread(name)] + LITTLE).sqrt().mean()
        for name, old in olds.items()
        if name.endswith("running_mean")
    ]
    return float(torch.stack(moves).mean()) if moves else 0.0


def _spread(name: str) -> str:
    return name.replace("running_mean", "running_var")
