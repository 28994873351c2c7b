"""Slices trained a second: kdlib's loop beside the field's usual one, MONAI's.

    pip install "monai>=1.4"
    python benchmarks/training_speed.py [--width 16] [--steps 10] [--rounds 5] [--device cpu]

Both train kdlib's UNet with Dice + cross-entropy and Adam on the same slices of simulated subjects.
MONAI's loop is its tutorials': CacheDataset, DataLoader, DiceCELoss. Rounds of some steps alternate
in one process, after one to warm up: in float32, where MONAI's has its default memory layout, and
in bfloat16, where both have channels last. Prints the medians, and of three pairs the median of the
rounds' ratios.
"""

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from itertools import chain, islice, repeat
from pathlib import Path
from timeit import timeit

import pandas as pd
import torch

import kdlib
from kdlib.data.prepared import PreparedSlices
from kdlib.data.slices import LabelledSlices
from kdlib.methods import LabelledTask
from kdlib.networks import mixed_precision, new_unet
from kdlib.simulator import simulate
from kdlib.training import choose_device, train

try:
    from monai.data import CacheDataset, DataLoader
    from monai.losses import DiceCELoss
    from monai.transforms import EnsureTyped
except ImportError:
    sys.exit('training_speed: MONAI is not installed; pip install "monai>=1.4"')


def kdlib_rounds(scenario: kdlib.Scenario, slices: LabelledSlices) -> Iterator[None]:
    while True:
        task, steps = LabelledTask(labelled=slices), scenario.steps
        train(scenario.method_type(scenario, scenario.settings, task, seed=0, updates=steps))
        yield


def monai_rounds(scenario: kdlib.Scenario, slices: LabelledSlices) -> Iterator[None]:
    device, half = slices.labels.device, scenario.precision == "bfloat16"
    layout = torch.channels_last if half else torch.contiguous_format
    pairs = zip(slices.slices.images.cpu(), (slices.labels == 1)[:, None].cpu(), strict=True)
    items = [{"image": image, "label": label} for image, label in pairs]
    data = CacheDataset(items, EnsureTyped(keys=["image", "label"]), progress=False)
    loader = DataLoader(data, batch_size=scenario.batch_size, shuffle=True, drop_last=True)
    batches = chain.from_iterable(repeat(loader))
    network = new_unet(scenario, seed=0).to(device, memory_format=layout).train()
    optimiser = torch.optim.Adam(network.parameters(), scenario.learning_rate)
    loss_function = DiceCELoss(to_onehot_y=True, softmax=True)
    while True:
        for batch in islice(batches, scenario.steps):
            images = batch["image"].to(device, memory_format=layout)
            optimiser.zero_grad()
            with mixed_precision(device, scenario.precision):
                logits = network(images)
            loss = loss_function(logits.float(), batch["label"].to(device))
            loss.backward()
            optimiser.step()
        yield


def loops_of(folder: Path, device: str, **recipe: int) -> dict[str, Iterator[None]]:
    """Both loops in both precisions, on the slices of two simulated subjects."""
    simulate(folder, grid="2mm", training=2, test=0)
    people = kdlib.open_clinics(folder)["utrecht"].training
    loops = {}
    for precision in ("float32", "bfloat16"):
        scenario = kdlib.Scenario(
            method="supervised", source="utrecht", voxel_mm=(2, 2, 3), size=(96, 112),
            loss="dice+cross-entropy", precision=precision, **recipe,
        )  # fmt: skip
        where = folder / "prepared", scenario.preparation, choose_device(device)
        slices = PreparedSlices(*where).labelled_slices([subject.labelled for subject in people])
        loops[f"kdlib {precision}"] = kdlib_rounds(scenario, slices)
        loops[f"MONAI {precision}"] = monai_rounds(scenario, slices)
    return loops


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data/speed"))
    parser.add_argument("--device", default="auto")
    for name, default in {"width": 16, "batch-size": 16, "steps": 10, "rounds": 5}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    loops = loops_of(
        options.data, options.device, width=options.width, batch_size=options.batch_size,
        steps=options.steps,
    )  # fmt: skip
    rounds = [
        {name: timeit(partial(next, loop), number=1) for name, loop in loops.items()}
        for _ in range(options.rounds + 1)
    ]
    speeds = options.steps * options.batch_size / pd.DataFrame(rounds[1:])
    print("slices trained a second", speeds.median().round(1).to_string(), sep="\n")
    for pair in (("float32", "float32"), ("bfloat16", "bfloat16"), ("bfloat16", "float32")):
        one, other = f"kdlib {pair[0]}", f"MONAI {pair[1]}"
        print(f"{one} / {other}: {(speeds[one] / speeds[other]).median():.2f}")


if __name__ == "__main__":
    main()
