"""One table of speeds: ratios of rounds that alternate in one process. `make bench` runs it.

    python benchmarks/bench.py [--rounds 7] [--only prediction ...]

A ratio is printed as its median over the rounds, with the least and the most. Peers come with
``pip install -e ".[peers]"``; a row whose peer is missing is left out and named.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from timeit import timeit
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

import kdlib
from kdlib.data.labels import Label
from kdlib.data.slices import prepare
from kdlib.data.volume import Volume
from kdlib.machine import processor
from kdlib.networks import new_unet
from kdlib.prediction import predict
from kdlib.training import choose_device

sys.path.insert(0, str(Path(__file__).parent))
import device_speed
import growth
import metrics_speed

MEASURED = Path(__file__).parent / "plateau.csv"
Way = Callable[[], object]


class Row(NamedTuple):
    """A comparison: how many times the second way takes of the first one's time, by round."""

    what: str
    target: str
    ratios: list[float]

    def __str__(self) -> str:
        spread = f"{min(self.ratios):.2f} to {max(self.ratios):.2f}"
        return f"| {self.what} | {median(self.ratios):.2f} | {spread} | {self.target} |"


def alternate(first: Way, second: Way, rounds: int) -> list[float]:
    """The second way's time over the first way's, round by round, after one to warm up."""
    first(), second()
    return [timeit(second, number=1) / timeit(first, number=1) for _ in range(rounds)]


def training(rounds: int) -> Iterator[Row]:
    """MONAI's loop over kdlib's, of ten steps each, and from it the time to the plateau."""
    from training_speed import loops_of

    with TemporaryDirectory() as folder:
        loops = loops_of(Path(folder), "auto", width=16, batch_size=16, steps=10)
        for ours, theirs in (
            ("bfloat16", "bfloat16"), ("float32", "float32"), ("bfloat16", "float32"),
        ):  # fmt: skip
            ways = [partial(next, loops[f"kdlib {ours}"]), partial(next, loops[f"MONAI {theirs}"])]
            what = f"training: MONAI's loop ({theirs}) over kdlib's ({ours})"
            ratios = alternate(*ways, rounds)
            yield Row(what, "", ratios)
            if ours == theirs == "bfloat16":
                yield time_to_plateau(ratios)


def time_to_plateau(ratios: list[float]) -> Row:
    """MONAI's loop with the paper's recipe over kdlib's, until the Dice at home is kdlib's plateau.

    ``ratios`` are those of the two loops for equally many slices. How many slices each needs is
    what ``plateau.py`` has measured.
    """
    ours, theirs, reached = slices_to_plateau(pd.read_csv(MEASURED))
    lacking = "" if reached else f"; it is not there after {theirs:,} slices, so this is the least"
    what = "time to the plateau at home: MONAI's loop with the paper's recipe over kdlib's"
    return Row(what + lacking, "3", [ratio * theirs / ours for ratio in ratios])


def slices_to_plateau(measured: pd.DataFrame) -> tuple[int, int, bool]:
    """The slices to the plateau by the recipe of *standard* and by the paper's.

    The plateau is reached where each clinic is within 0.01 of what most slices bring. The last
    value says whether the paper's recipe reaches it; if not, its slices are the most it was given.
    """
    means = measured.groupby(["variant", "slices", "clinic"])["dice"].mean().unstack("clinic")
    goal = means.loc["standard"].iloc[-1] - 0.01
    there = means.ge(goal).all(axis="columns")
    ours = min(there["standard"].index[there["standard"]])
    theirs = there["paper"].index[there["paper"]]
    return ours, min(theirs, default=max(there["paper"].index)), bool(len(theirs))


def steps(rounds: int) -> Iterator[Row]:
    """A step of each adapting method over a supervised one, of ten steps each."""
    device = choose_device("auto")
    made = {
        name: device_speed.stepper(device_speed.made(name, device_speed.STANDARD, device, 64))
        for name in device_speed.METHODS
    }

    def ten(name: str) -> None:
        for _ in range(10):
            made[name]()

    for name, target in (("distillation", "1.05"), ("adversarial", "1.3")):
        ways = partial(ten, "supervised"), partial(ten, name)
        yield Row(f"a step of {name} over a supervised one", target, alternate(*ways, rounds))


def prediction(rounds: int) -> Iterator[Row]:
    """A scan of the challenge's size, from its array to probabilities on its grid."""
    from monai.inferers import SliceInferer

    scenario = kdlib.Scenario(method="supervised", source="here", size=(240, 240), width=16)
    network = new_unet(scenario, seed=0).eval()
    scan = [Volume(_head((240, 240, 48)), np.diag([-0.96, -0.96, 3, 1.0]))]
    inferer = SliceInferer(roi_size=(240, 240), spatial_dim=2, sw_batch_size=16)

    @torch.no_grad()
    def theirs() -> torch.Tensor:
        images = prepare(scan, scenario.preparation).images.permute(1, 2, 3, 0)[None]
        with torch.autocast("cpu", torch.bfloat16, enabled=kdlib_halves):
            answers = inferer(images.contiguous(), network)
        return answers.float().softmax(dim=1)[:, Label.LESION]

    kdlib_halves = device_speed.half(scenario)
    ratios = alternate(partial(predict, network, scan, scenario), theirs, rounds)
    yield Row("prediction: MONAI's slice inferer over kdlib", "2", ratios)


def _head(shape: tuple[int, int, int]) -> np.ndarray:
    """A bright ball of noise in dark air."""
    axes = np.meshgrid(*(np.linspace(-1, 1, edge) for edge in shape), indexing="ij")
    inside = sum(axis**2 for axis in axes) < 0.8
    noise = np.random.default_rng(0).normal(100, 10, shape)
    return np.where(inside, noise, 0).astype(np.float32)


def metrics(rounds: int) -> Iterator[Row]:
    """The five scores of one subject."""
    for name, (shape, spacing) in metrics_speed.GRIDS.items():
        truth, result = metrics_speed.lesions(shape, seed=0)
        ways = [
            partial(way, truth, result, spacing)
            for way in (metrics_speed.evaluate, metrics_speed.with_simpleitk)
        ]
        what = f"five scores: SimpleITK over kdlib, {name}"
        yield Row(what, "", alternate(*ways, rounds))


def engine(rounds: int) -> Iterator[Row]:
    """What the engine itself costs: a study of runs that take no time."""
    milliseconds = [growth.engine_cost(100) for _ in range(min(rounds, 3))]
    yield Row("engine: ms a run, of 100 runs on 2 workers", "50", milliseconds)


PARTS = (training, steps, prediction, metrics, engine)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="*", default=[part.__name__ for part in PARTS])
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{processor()}, {datetime.now(UTC):%Y-%m-%d}")
    print(", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "monai", "SimpleITK")))
    print("| what | median ratio | rounds | to reach |", "| --- | --- | --- | --- |", sep="\n")
    for part in PARTS:
        if part.__name__ in options.only:
            for row in part(options.rounds):
                print(row, flush=True)


if __name__ == "__main__":
    main()
