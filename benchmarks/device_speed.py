"""What a device gives: its ceilings, a step of each method, and several trainings at once.

    python benchmarks/device_speed.py OUT.csv [--device cuda] [--processes 1 4 8 14] [--seconds 4]

Rows: a measure, a number and its unit. The ceilings are a bfloat16 matrix product and a copy. The
share of the ceiling is of a step's floating-point operations, as torch counts them. A CUDA graph of
one supervised step is timed beside the step as it is. Trainings at once are processes of their own;
where an MPS daemon runs, they share the GPU at the same moment, else they take turns.
"""

import argparse
import csv
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

import kdlib
from kdlib.methods import Method
from kdlib.networks import precision_on
from kdlib.recipe import Recipe
from kdlib.training import choose_device, set_learning_rate

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.methods.made import make

STANDARD = kdlib.load_study("standard").recipe.model_dump()
RECIPES: dict[str, dict[str, Any]] = {"standard": STANDARD, "paper": {}}
SUBJECTS_A_FOLD = 10
METHODS = ("supervised", "distillation", "adversarial")


def made(name: str, recipe: dict[str, Any], device: torch.device, slices: int) -> Method:
    """A method on slices of noise, as many of the source as of the target."""
    by = Recipe(**recipe | {"steps": 10_000})
    return make(name, by, 10_000, counts=(slices, slices), device=device)


def half(scenario: kdlib.Scenario) -> bool:
    """Whether this machine's CPU computes the scenario's networks in bfloat16."""
    return precision_on(torch.device("cpu"), scenario.precision) == "bfloat16"


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def seconds(step: Callable[[], Any], device: torch.device, budget: float) -> float:
    """The median seconds of one call, over rounds of ten after a warm-up."""
    for _ in range(3):
        step()
    rounds, ends = [], time.monotonic() + budget
    while time.monotonic() < ends or len(rounds) < 3:
        wait(device)
        began = time.perf_counter()
        for _ in range(10):
            step()
        wait(device)
        rounds.append((time.perf_counter() - began) / 10)
    return statistics.median(rounds)


def ceilings(device: torch.device, size: int) -> dict[str, float]:
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    product = 2 * size**3 / seconds(lambda: a @ b, device, 1.0)
    big = torch.randn(16 * size * size // 4, device=device)
    other = torch.empty_like(big)
    copied = 2 * big.nbytes / seconds(lambda: other.copy_(big), device, 1.0)
    return {"matrix product, TFLOP/s": product / 1e12, "copy, TB/s": copied / 1e12}


def stepper(method: Method) -> Callable[[], None]:
    counter = iter(range(10_000_000))

    def step() -> None:
        number = next(counter) % method.updates
        set_learning_rate(method, number)
        method.update(number)

    return step


def operations(method: Method) -> float:
    with FlopCounterMode(display=False) as counted:
        method.update(0)
    return float(counted.get_total_flops())


def graphed(method: Method) -> Callable[[], None]:
    """One supervised step as a CUDA graph over fixed buffers: what capture would give at most."""
    labelled = method.task.labelled
    network, size = method.network, method.recipe.batch_size
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True, capturable=True)
    images, labels = labelled.slices.images[:size].clone(), labelled.labels[:size].clone()

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        method.segmentation_loss(method.answer(images), labels).backward()
        optimiser.step()

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    optimiser.zero_grad(set_to_none=True)
    with torch.cuda.graph(graph):
        step()
    counter = iter(range(10_000_000))

    def replay() -> None:
        picked = method.batch(len(labelled), size, next(counter), "labelled")
        images.copy_(labelled.slices.images[picked])
        labels.copy_(labelled.labels[picked])
        graph.replay()

    return replay


def many(name: str, recipe: dict[str, Any], budget: float, gate: Any, out: Any) -> None:
    """A process of its own: how many steps it takes while the others do the same."""
    torch.set_num_threads(1)
    device = choose_device(name)
    step = stepper(made("supervised", recipe, device, 64))
    for _ in range(5):
        step()
    wait(device)
    gate.wait()
    began, steps = time.monotonic(), 0
    while time.monotonic() - began < budget:
        for _ in range(10):
            step()
        wait(device)
        steps += 10
    out.put(steps / (time.monotonic() - began))


def at_once(count: int, name: str, recipe: dict[str, Any], budget: float) -> float:
    """Steps a second of ``count`` processes together."""
    spawn = multiprocessing.get_context("spawn")
    gate, out = spawn.Barrier(count), spawn.Queue()
    workers = [
        spawn.Process(target=many, args=(name, recipe, budget, gate, out)) for _ in range(count)
    ]
    for worker in workers:
        worker.start()
    total = sum(out.get(timeout=120) for _ in workers)
    for worker in workers:
        worker.join()
    return total


def paper_hours(device: torch.device) -> float:
    """Hours of training of the study ``paper``, from 100 steps of each of its methods."""
    study = kdlib.load_study("paper")
    places = len(study.pairs) * len(study.folds) * len(study.seeds)
    taken = {}
    for kind in METHODS:
        step = stepper(made(kind, study.recipe.model_dump(), device, 64))
        wait(device)
        began = time.perf_counter()
        for _ in range(100 if device.type == "cuda" else 2):
            step()
        wait(device)
        taken[kind] = (time.perf_counter() - began) / (100 if device.type == "cuda" else 2)
    teachers = len({source for source, _ in study.pairs}) * len(study.seeds)
    total = teachers * study.recipe.steps * taken["supervised"]
    for arm in study.arms.values():
        subjects = study.on_the_fly_subjects or SUBJECTS_A_FOLD
        steps = study.recipe.on_the_fly_steps * subjects if arm.on_the_fly else study.recipe.steps
        total += places * steps * taken.get(arm.method, 0)
    return total / 3600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--processes", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only-at-once", action="store_true")
    parser.add_argument("--paper", action="store_true", help="project the time of the study paper")
    options = parser.parse_args()
    device = choose_device(options.device)
    on_gpu = device.type == "cuda"
    rows = options.out.open("a", newline="")

    def tell(measure: str, value: float, unit: str) -> None:
        csv.writer(rows).writerow([measure, f"{value:.4g}", unit])
        rows.flush()
        print(f"{measure}: {value:.4g} {unit}", flush=True)

    print(torch.cuda.get_device_name(device) if on_gpu else "cpu", torch.__version__)
    if options.paper:
        tell("the study paper, one training after the other", paper_hours(device), "hours")
        return
    peak = 1.0
    if not options.only_at_once:
        for measure, value in ceilings(device, 8192 if on_gpu else 1024).items():
            tell(*measure.split(", ")[:1], value, measure.split(", ")[1])
            peak = value if "matrix" in measure else peak
    for name, recipe in RECIPES.items():
        if options.only_at_once or (name == "paper" and not on_gpu):
            continue
        base = 0.0
        for kind in METHODS:
            method = made(kind, recipe, device, 128)
            flops, size = operations(method), method.recipe.batch_size
            taken = seconds(stepper(method), device, options.seconds)
            base = base or taken
            tell(f"{name}: {kind}", size / taken, "slices/s")
            tell(f"{name}: {kind}", taken / base, "times a supervised step")
            tell(f"{name}: {kind}", flops / taken / 1e12 / peak, "of the ceiling")
            if kind == "supervised" and on_gpu:
                try:
                    graph = seconds(graphed(method), device, options.seconds)
                    tell(f"{name}: {kind} as a CUDA graph", size / graph, "slices/s")
                except RuntimeError as error:
                    print("no CUDA graph:", str(error).splitlines()[0])
    for count in options.processes:
        total = at_once(count, options.device, STANDARD, options.seconds)
        tell(f"{count} trainings at once", total * STANDARD["batch_size"], "slices/s")


if __name__ == "__main__":
    main()
