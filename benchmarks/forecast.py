"""Fit and test the forecast of what adapting the starter gains, on simulated clinics.

The people are simulated ones from which the starter has not learnt. Each clinic has one to eight of
them, and a scanner that is as far as none, half or twice as far from what the starter knows:
another contrast, sharpness, noise and bias. There the true gain is known. The people fall into four
groups, and all people of a clinic are of one group. A line is fitted on the clinics of three groups
and tested on those of the fourth. The width of its interval comes from lines that were fitted
without a group and foretell this group's gains, since people differ more than clinics.

    python benchmarks/forecast.py FOLDER

It keeps people and clinics in the folder, so it can be stopped and started again. It prints how
good the forecast is. With --write it also writes kdlib/own_scans/forecast.json, which the command
reads. It then holds the methods of --methods alone. A forecast holds for one lesion network only,
so make it again after a new one.
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from kdlib.data.slices import LabelledSlices, Slices, normalise
from kdlib.files import write_text
from kdlib.kept import read_tensors
from kdlib.networks import UNet, answer_all
from kdlib.own_scans import forecast as told
from kdlib.own_scans.source_free import (
    adapted_network,
    source_free_methods,
    source_free_scenario,
)
from kdlib.starter.population import Population
from kdlib.starter.starter import load_starter
from kdlib.study.scenario import Scenario

SEED = 100  # of the people; those from which the starter has learnt are of seed 0
GROUPS = 4  # of people; the last one is for the test alone
SIZES = (1, 1, 1, 2, 4, 8)  # scans of a clinic
TRAINED = 0.4  # of the clinics: methods that train see no more, since they take long
SHARE = 0.8  # of the clinics that the interval holds
HARM = 0.02  # Dice
# Of the measures, those that the line is fitted to. All would be too many for so few clinics.
USED = ("load", "change", "common", "entropy", "flip", "norms", "slices")
OUT = Path(__file__).parents[1] / "kdlib" / "own_scans" / told.COEFFICIENTS


def changed(images: Tensor, rng: np.random.Generator, far: float) -> Tensor:
    """Slices (N, 1, H, W) as another scanner would show them."""
    outside = images <= images.amin()
    values = images - images.amin() + 0.5
    values = values / values[~outside].median()
    values = values ** float(np.exp(far * rng.normal(0, 0.35)))
    grid = torch.from_numpy(rng.normal(0, 0.12 * far, (1, 1, 3, 3))).float()
    values = values * torch.exp(F.interpolate(grid, values.shape[-2:], mode="bicubic"))
    weight = float(min(0.9, far * abs(rng.normal(0, 0.5))))
    values = values.lerp(F.avg_pool2d(values, 3, 1, 1, count_include_pad=False), weight)
    noise = rng.normal(0, 0.05 * far * rng.uniform(), tuple(values.shape))
    values = (values + torch.from_numpy(noise).float()).masked_fill(outside, 0).clamp(min=0)
    return torch.from_numpy(normalise(values.numpy(), (~outside).numpy(), "z-score"))


def clinic(people: list[LabelledSlices], number: int) -> tuple[list[Tensor], list[Tensor]]:
    """The images and the labels of the people of one clinic; the number decides all."""
    rng = np.random.default_rng([17, number])
    mine = people[number % GROUPS :: GROUPS]
    size = min(len(mine), SIZES[number // GROUPS % len(SIZES)])
    chosen = rng.choice(len(mine), size, replace=False)
    far, seed = number // GROUPS % 5 / 2, int(rng.integers(2**31))
    images = [
        changed(mine[place].slices.images, np.random.default_rng(seed), far) for place in chosen
    ]
    return images, [mine[place].labels for place in chosen]


@torch.no_grad()
def dice(network: UNet, images: list[Tensor], labels: list[Tensor]) -> float:
    """The mean Dice over people, on the network's own voxels without other pathology."""
    found = []
    for image, label in zip(images, labels, strict=True):
        lesion = (answer_all(network, image, "auto").argmax(1) == 1) & (label != 2)
        total = float(lesion.sum() + (label == 1).sum())
        found.append(2 * float((lesion & (label == 1)).sum()) / total if total else np.nan)
    return float(np.nanmean(found)) if not np.isnan(found).all() else 0.0


def rows(people: list[LabelledSlices], method: str, clinics: int, folder: Path) -> pd.DataFrame:
    """The measures and the true gain of a method in each clinic. They are kept in the folder."""
    starter = load_starter()
    scenario = source_free_scenario(starter, method)
    home = folder / told.fingerprint(starter.network)[:12] / method
    home.mkdir(parents=True, exist_ok=True)
    seen = round(TRAINED * clinics) if scenario.method_type.trains else clinics
    for number in range(seen):
        if not (home / f"{number}.json").exists():
            row = {"clinic": number} | one(starter.network, scenario, *clinic(people, number))
            write_text(home / f"{number}.json", json.dumps(row))
    return pd.DataFrame(json.loads((home / f"{n}.json").read_text()) for n in range(seen))


def one(
    teacher: UNet, scenario: Scenario, images: list[Tensor], labels: list[Tensor]
) -> dict[str, float]:
    """The measures and the true gain in one clinic."""
    target = Slices(torch.cat(images))
    student = adapted_network(teacher, target, scenario)
    gain = dice(student, images, labels) - dice(teacher, images, labels)
    return {"scans": len(images), "gain": gain, **told.measures(teacher, student, target)}


def fitted(table: pd.DataFrame) -> tuple[np.ndarray, float]:
    """Weights and intercept of a ridge regression of the gain on the used measures."""
    x, y = table[list(USED)].to_numpy(), table["gain"].to_numpy()
    mean, spread = x.mean(0), x.std(0) + 1e-9
    z = (x - mean) / spread
    weights = np.linalg.solve(z.T @ z + 0.05 * len(z) * np.eye(len(USED)), z.T @ (y - y.mean()))
    weights = weights / spread
    return weights, float(y.mean() - mean @ weights)


def line_of(table: pd.DataFrame) -> dict[str, object]:
    """The line for one method. Its interval comes from people that were left out of the fit."""
    errors = []
    for group in range(GROUPS - 1):
        out = table["clinic"] % GROUPS == group
        weights, intercept = fitted(table[~out])
        rest = table[out]
        errors += list(rest["gain"] - rest[list(USED)].to_numpy() @ weights - intercept)
    weights, intercept = fitted(table)
    low, high = np.quantile(errors, [(1 - SHARE) / 2, (1 + SHARE) / 2])
    named = {name: float(weight) for name, weight in zip(USED, weights, strict=True)}
    return {"weights": named, "intercept": intercept, "low": float(low), "high": float(high)}


def tested(line: dict, table: pd.DataFrame) -> dict[str, float]:
    """How good the line is on clinics that it has not seen."""
    weights = np.array([line["weights"][name] for name in USED])
    gain = table[list(USED)].to_numpy() @ weights + line["intercept"]
    used = gain + line["low"] > 0
    true = table["gain"].to_numpy()
    result = np.where(used, true, 0)
    inside = (true >= gain + line["low"]) & (true <= gain + line["high"])
    return {
        "clinics": len(table),
        "of_one_scan": int((table["scans"] == 1).sum()),
        "correlation": float(np.corrcoef(gain, true)[0, 1]),
        "sign_right": float(np.mean(np.sign(gain) == np.sign(true))),
        "inside_interval": float(np.mean(inside)),
        "adapted": float(np.mean(used)),
        "harmed": float(np.mean(result < -HARM)),
        "harmed_if_always_adapted": float(np.mean(true < -HARM)),
        "mean_gain": float(np.mean(result)),
        "mean_gain_if_always_adapted": float(np.mean(true)),
        "worst_if_always_adapted": float(np.min(true)),
    }


def people_in(folder: Path, count: int) -> list[LabelledSlices]:
    """The slices of each person; who is missing is simulated."""
    preparation = load_starter().recipe.preparation
    population = Population(folder / "people", SEED, count, preparation)
    people = []
    for number in range(count):
        if not population.file(number).exists():
            population.make_one(number)
        kept = read_tensors(population.file(number))[0]
        people.append(LabelledSlices(Slices(kept["images"]), kept["labels"]))
    return people


def line_and_test(method: str, table: pd.DataFrame) -> tuple[dict, dict[str, float]]:
    """The line of a method, and how good it is on the people that it has not seen."""
    unseen = table["clinic"] % GROUPS == GROUPS - 1
    line = line_of(table[~unseen])
    how = told.how_it_adapts(source_free_scenario(load_starter(), method))
    fitted_to = {"clinics_fitted": int((~unseen).sum())}
    return {"method": method, "settings": how, **fitted_to, **line}, tested(line, table[unseen])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=64)
    parser.add_argument("--clinics", type=int, default=300)
    parser.add_argument("--methods", nargs="*", default=source_free_methods())
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    people = people_in(given.folder, given.people)
    made = {
        m: line_and_test(m, rows(people, m, given.clinics, given.folder)) for m in given.methods
    }
    scores = {method: score for method, (_, score) in made.items()}
    print(pd.DataFrame(scores).round(3).to_string())
    if given.write:
        written = {
            "made_by": "benchmarks/forecast.py",
            "made": datetime.now(UTC).date().isoformat(),
            "teacher": told.fingerprint(load_starter().network),
            "people": given.people,
            "people_of_the_test": len(range(GROUPS - 1, given.people, GROUPS)),
            "seed_of_people": SEED,
            "share": SHARE,
            "tested_on_unseen_clinics": scores,
            "lines": [line for line, _ in made.values()],
        }
        write_text(OUT, json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
