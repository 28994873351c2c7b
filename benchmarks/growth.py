"""Time and memory against the number of scans, and of runs in a study.

    python benchmarks/growth.py OUT.csv [--scans 10 100 1000 10000] [--runs 10 100 1000]
        [--slices 1000 4000 16000 64000] [--memory 2000]

- *check* and *predict* are commands of their own, on folders of tiny scans. Their time and the peak
  of their memory are taken from the system.
- *training* is that of a network on so many slices, 60 steps of 16; *within* the same in a process
  that may use ``--memory`` MB of its own. The time is that of the steps alone. The memory is the
  peak of what the process has of its own, without what it maps from files.
- *engine* is a study whose runs take no time, on two local workers: what the engine itself costs.
- *study* is the same study with runs that sleep for 0.2 s: wall time over the sum of their times
  on two workers.

Prints a row for each size as soon as it is there. At the end a figure of time and memory is drawn
beside OUT.csv.
"""

import argparse
import csv
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

import kdlib
from kdlib.data.image_file import write_volume
from kdlib.data.slices import LabelledSlices, Slices
from kdlib.data.volume import Volume
from kdlib.joined import joined
from kdlib.methods import LabelledTask
from kdlib.study.cluster import local_cluster
from kdlib.study.engine import run_on_dask
from kdlib.study.scenario import Scenario
from kdlib.study.store import Store

KDLIB = [sys.executable, "-c", "from kdlib.cli import main; main()"]
SHAPE = (32, 40, 5)
SLICE = {"size": (80, 104), "width": 16, "voxel_mm": (2, 2, 3)}
UNITS = {"seconds": "seconds", "memory_mb": "peak memory, MB"}
RECIPE = {"size": (32, 40), "width": 4, "depth": 2, "steps": 2, "batch_size": 4}


class Idle(Store):
    """A store whose runs do nothing for some seconds."""

    nap = 0.0

    def saved(self, scenario: Scenario) -> Any:
        return None

    def run(self, scenario: Scenario, **_: Any) -> Any:
        time.sleep(self.nap)
        return SimpleNamespace(directory=Path(scenario.slug))


class Napping(Idle):
    """The same, but each run takes a while."""

    nap = 0.2


def engine_seconds(count: int, kind: type[Store] = Idle, workers: int = 2) -> float:
    """The seconds from handing over ``count`` runs until all are finished, workers started."""
    scenarios = [Scenario(method="supervised", source="here", seed=seed) for seed in range(count)]
    store = kind("nowhere", {})  # type: ignore[arg-type]
    with local_cluster(workers, workers) as cluster:
        run_on_dask(scenarios[:2], store, nullcontext(cluster))  # imports, once for each worker
        began = time.monotonic()
        run_on_dask(scenarios, store, nullcontext(cluster))
        return time.monotonic() - began


def engine_cost(count: int) -> float:
    """What a run costs the engine, in ms."""
    return 1000 * engine_seconds(count) / count


def scans(folder: Path, count: int) -> Path:
    """A folder of ``count`` tiny scans: links to one file, each in a folder of its own."""
    x, y, _ = np.indices(SHAPE)
    head = ((x - 15.5) / 12) ** 2 + ((y - 19.5) / 16) ** 2 < 1
    noise = np.random.default_rng(0).normal(100, 5, SHAPE)
    one = folder / "one.nii.gz"
    write_volume(one, Volume((head * noise).astype(np.float32), np.diag([-4.0, -4.0, 6.0, 1.0])))
    places = folder / f"{count}"
    for number in range(count):
        place = places / f"patient{number:05d}"
        place.mkdir(parents=True)
        os.link(one, place / "FLAIR.nii.gz")
    return places


def command(*arguments: str | Path) -> tuple[float, float]:
    """The seconds and the peak memory in MB of a command."""
    began = time.monotonic()
    child = os.posix_spawn(
        sys.executable, [*KDLIB, *map(str, arguments)], os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )  # fmt: skip
    _, status, used = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise RuntimeError(f"{arguments} failed")
    per_mb = 1024**2 if sys.platform == "darwin" else 1024
    return time.monotonic() - began, used.ru_maxrss / per_mb


def trained(folder: Path) -> Path:
    """The directory of a run of two steps."""
    clinic = folder / "training" / "Utrecht"
    for number in (0, 2):
        source = scans(folder / f"s{number}", 1) / "patient00000" / "FLAIR.nii.gz"
        place = clinic / str(number)
        (place / "pre").mkdir(parents=True)
        os.link(source, place / "pre" / "FLAIR.nii.gz")
        labels = np.zeros(SHAPE, np.float32)
        labels[14:18, 18:22, 1:4] = 1
        affine = np.diag([-4.0, -4.0, 6.0, 1.0])
        write_volume(place / "wmh.nii.gz", Volume(labels, affine))
    scenario = Scenario(method="supervised", source="utrecht", **RECIPE)
    store = Store(folder / "runs", kdlib.open_clinics(folder).chosen(["utrecht"]), "cpu")
    return store.run(scenario).directory


def train_child(count: int, memory: int) -> None:
    """Train on ``count`` slices of noise; prints the seconds and the peak of own memory in MB."""
    torch.set_num_threads(1)
    if memory:
        resource.setrlimit(resource.RLIMIT_DATA, (memory * 1024**2,) * 2)
    scenario = Scenario(method="supervised", source="here", batch_size=16, steps=65, **SLICE)
    noise = torch.randn(250, 1, *scenario.size)
    blank = torch.zeros(250, *scenario.size, dtype=torch.uint8)
    images, labels = (joined(part.clone() for _ in range(count // 250)) for part in (noise, blank))
    task = LabelledTask(labelled=LabelledSlices(Slices(images), labels))
    method = scenario.method_type(scenario, scenario.settings, task, seed=0, updates=65)
    for step in range(5):
        method.update(step)
    began = time.perf_counter()
    for step in range(5, 65):
        method.update(step)
    seconds = time.perf_counter() - began
    status = Path("/proc/self/status").read_text().splitlines()
    own = [int(line.split()[1]) / 1024 for line in status if line.startswith("RssAnon")]
    print(seconds, *own)


def training(count: int, memory: int = 0) -> tuple[float, float]:
    """``train_child`` in a process of its own."""
    text = f"import growth; growth.train_child({count}, {memory})"
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=Path(__file__).parent, check=True, capture_output=True,
        text=True,
    )  # fmt: skip
    seconds, own = map(float, done.stdout.split())
    return seconds, own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--scans", nargs="*", type=int, default=[10, 100, 1000, 10_000])
    parser.add_argument("--runs", nargs="*", type=int, default=[10, 100, 1000])
    parser.add_argument("--slices", nargs="*", type=int, default=[1000, 4000, 16_000, 64_000])
    parser.add_argument("--memory", type=int, default=2000, help="MB that a training may use")
    options = parser.parse_args()
    rows: list[tuple[str, int, float, float]] = []

    def tell(what: str, count: int, seconds: float, memory: float) -> None:
        rows.append((what, count, seconds, memory))
        print(f"{what:8} {count:6d} {seconds:9.2f} s {1000 * seconds / count:8.1f} ms each"
              f" {memory:7.0f} MB", flush=True)  # fmt: skip

    with TemporaryDirectory() as name:
        folder = Path(name)
        run = trained(folder / "clinics")
        for count in options.scans:
            places = scans(folder / "scans", count)
            tell("check", count, *command("check", places))
            tell("predict", count, *command("predict", run, places, "--out", folder / f"o{count}"))
    for count in options.slices:
        tell("training", count, *training(count))
        tell("within", count, *training(count, options.memory))
    timed: list[tuple[str, Callable[[int], float], list[int]]] = [
        ("engine", engine_seconds, options.runs),
        ("study", lambda n: engine_seconds(n, Napping), [n for n in options.runs if n <= 1000]),
    ]
    for what, seconds, counts in timed:
        for count in counts:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            tell(what, count, seconds(count), peak)
    with options.out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["what", "count", "seconds", "memory_mb"])
        writer.writerows([w, n, round(s, 3), round(m, 1)] for w, n, s, m in rows)
    draw(options.out)


def draw(table: Path) -> None:
    """The table's seconds and memory against the size, as an SVG of the same name."""
    import pandas as pd  # here, since the memory of this module's children is measured

    from kdlib.report.figures import drawing

    rows = pd.read_csv(table)
    with drawing(3.6, 1, 2, width=9) as (figure, panels):
        for axes, (column, name) in zip(panels, UNITS.items(), strict=True):
            for what, part in rows.groupby("what", sort=False):
                axes.plot(part["count"], part[column], "o-", label=what)
            axes.set(xscale="log", yscale="log", xlabel="scans, slices or runs", ylabel=name)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center")
        figure.savefig(table.with_suffix(".svg"), metadata={"Date": None}, facecolor="white")


if __name__ == "__main__":
    main()
