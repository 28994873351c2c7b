"""Home Dice of teachers by recipe and length: how many slices bring a training to its plateau?

    python benchmarks/plateau.py OUT.csv --data data/plateau --workers 2 [--device cuda]
        [--only base] [--seeds 0 1] [--lengths 6 12 24 48 96] [--seconds 500] [--small]

Nothing but the sources' own labels is read: a teacher of each clinic is trained on its 20 training
subjects and scored on 20 other subjects of the same clinic, on the network's own voxels. The data
are simulated with seed 100 where ``--data`` does not hold them, so the people of the studies are
not looked at. Each row of OUT.csv is one training. It is written as soon as it is finished, and a
second call makes what is missing. ``--seconds`` ends the search after that time.
"""

import argparse
import csv
import multiprocessing
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from queue import Empty
from typing import Any

import numpy as np
import torch

import kdlib
from kdlib.data.prepared import PreparedSlices
from kdlib.methods import LabelledTask
from kdlib.networks import UNet, answer_all
from kdlib.simulator import simulate
from kdlib.training import choose_device, train

CLINICS = ("utrecht", "singapore", "amsterdam")
BASE: dict[str, Any] = {
    "voxel_mm": (2, 2, 3), "size": (80, 104), "width": 16, "batch_size": 8, "learning_rate": 2e-3,
    "schedule": "cosine", "loss": "dice+cross-entropy", "augmentation": ("flip",),
}  # fmt: skip
HALF = {"stem": "half", "depth": 3}
CE = {"loss": "cross-entropy"}
VARIANTS: dict[str, dict[str, Any]] = {
    "base": {},
    "ce": CE,
    "batch 16": {"batch_size": 16},
    "batch 16, rate 4e-3": {"batch_size": 16, "learning_rate": 4e-3},
    "batch 4, rate 1e-3": {"batch_size": 4, "learning_rate": 1e-3},
    "rate 5e-3": {"learning_rate": 5e-3},
    "rate 1e-3": {"learning_rate": 1e-3},
    "linear": {"schedule": "linear"},
    "no augmentation": {"augmentation": ()},
    "flip, affine": {"augmentation": ("flip", "affine")},
    "flip, affine, gamma": {"augmentation": ("flip", "affine", "gamma")},
    "width 32": {"width": 32},
    "width 8": {"width": 8},
    "depth 3": {"depth": 3},
    "depth 5": {"depth": 5, "size": (80, 112)},
    "half, width 16": HALF | {"width": 16},
    "half, width 24": HALF | {"width": 24},
    "half, width 32": HALF | {"width": 32},
    "instance norm": {"norm": "instance"},
    "ce, rate 5e-3": CE | {"learning_rate": 5e-3},
    "ce, rate 1e-3": CE | {"learning_rate": 1e-3},
    "ce, batch 16, linear, 1e-3": CE
    | {"batch_size": 16, "schedule": "linear", "learning_rate": 1e-3},
    "ce, flip, affine": CE | {"augmentation": ("flip", "affine")},
    # The recipe of the study standard, and the paper's own on the same network and voxels.
    "standard": CE | {"batch_size": 16},
    "paper": CE
    | {"batch_size": 16, "learning_rate": 1e-4, "schedule": "linear", "augmentation": ()},
}
LONG = ("base", "ce", "flip, affine", "ce, flip, affine", "batch 16")  # at all lengths
COLUMNS = ["variant", "slices", "clinic", "seed", "dice", "seconds", "device"]
Job = tuple[str, int, str, int]


def jobs(lengths: list[int], seeds: list[int], only: list[str]) -> Iterator[Job]:
    """All variants at the middle length first, then some of them at all lengths, short ones first.

    The length is in thousands of slices.
    """
    middle = lengths[len(lengths) // 2]
    names = only or list(VARIANTS)
    for seed in seeds:
        yield from ((name, middle, clinic, seed) for name in names for clinic in CLINICS)
        long = only or LONG
        yield from (
            (name, length, clinic, seed)
            for length in lengths
            for name in long
            for clinic in CLINICS
            if length != middle
        )


@cache
def clinic(data: str, name: str, size: tuple[int, int], device: torch.device) -> tuple[Any, list]:
    """Labelled slices of all training subjects, and of each test subject."""
    people = kdlib.open_clinics(data)[name]
    scenario = kdlib.Scenario(method="supervised", source=name, **BASE | {"size": size, "depth": 2})
    prepared = PreparedSlices(Path(data) / "prepared", scenario.preparation, device)
    training = prepared.labelled_slices([subject.labelled for subject in people.training])
    return training, [prepared.labelled_slices([subject.labelled]) for subject in people.test]


@torch.no_grad()
def home_dice(network: UNet, tested: list, precision: str) -> float:
    """The mean Dice over subjects, on the network's voxels, without those of other pathology."""
    values = []
    for subject in tested:
        lesion = answer_all(network, subject.slices.images, precision).argmax(dim=1) == 1
        truth, counted = subject.labels == 1, subject.labels != 2
        lesion = lesion & counted
        values.append((2 * (lesion & truth).sum() / (lesion.sum() + truth.sum())).item())
    return float(np.nanmean(values))


def run(job: Job, data: str, name: str, divide: int) -> list[Any]:
    """One training; returns its row."""
    variant, thousands, source, seed = job
    device, settings = choose_device(name), BASE | VARIANTS[variant]
    steps = max(2, thousands * 1000 // settings["batch_size"] // divide)
    scenario = kdlib.Scenario(
        method="supervised", source=source, seed=seed, steps=steps, **settings
    )
    training, tested = clinic(data, source, scenario.size, device)
    began = time.monotonic()
    task = LabelledTask(labelled=training)
    method = scenario.method_type(scenario, scenario.settings, task, seed=seed, updates=steps)
    train(method)
    dice = home_dice(method.result, tested, scenario.precision)
    seconds = round(time.monotonic() - began, 1)
    return [variant, thousands * 1000, source, seed, round(dice, 4), seconds, device.type]


def work(queue: Any, results: Any, *rest: Any) -> None:
    torch.set_num_threads(1)
    while (job := queue.get()) is not None:
        results.put(run(job, *rest))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, default=Path("data/plateau"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--lengths", nargs="*", type=int, default=[6, 12, 24, 48, 96])
    parser.add_argument("--seconds", type=float, default=1e6)
    parser.add_argument("--small", type=int, default=1, help="divide all steps, to try it")
    options = parser.parse_args()
    ends = time.monotonic() + options.seconds
    people = 20 if options.small == 1 else 2
    simulate(options.data, grid="2mm", training=people, test=people, seed=100)
    done = set()
    if options.out.exists():
        rows = csv.reader(options.out.open())
        done = {(row[0], int(row[1]) // 1000, row[2], int(row[3])) for row in list(rows)[1:]}
    else:
        options.out.write_text(",".join(COLUMNS) + "\n")
    wanted = [j for j in jobs(options.lengths, options.seeds, options.only) if j not in done]
    spawn = multiprocessing.get_context("spawn")
    queue, results = spawn.Queue(), spawn.Queue()
    for job in wanted + [None] * options.workers:
        queue.put(job)
    rest = (queue, results, str(options.data), options.device, options.small)
    workers = [spawn.Process(target=work, args=rest, daemon=True) for _ in range(options.workers)]
    for worker in workers:
        worker.start()
    for number in range(len(wanted)):
        try:
            row = results.get(timeout=max(0.1, ends - time.monotonic()))
        except Empty:
            sys.exit(f"the time is up after {number} of {len(wanted)} trainings")
        with options.out.open("a", newline="") as file:
            csv.writer(file).writerow(row)
        print(f"{number + 1} of {len(wanted)}:", *row, flush=True)


if __name__ == "__main__":
    main()
