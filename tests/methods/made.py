"""Methods on small random slices, for the tests and the benchmarks."""

from dataclasses import fields
from typing import Any

import torch

from kdlib.data.slices import LabelledSlices, Slices
from kdlib.methods import Method, Task, method_named
from kdlib.networks import new_unet
from kdlib.recipe import Recipe

RECIPE = Recipe(size=(16, 16), width=4, depth=2, batch_size=4, precision="float32")
Device = torch.device | str
# ADDA's network waits for a discriminator that tells clinics apart, which noise has not.
ALWAYS_MOVES: dict[str, dict[str, Any]] = {"adda": {"least_right": 0.0}}


def recipe(**changes: Any) -> Recipe:
    return Recipe(**RECIPE.model_dump() | changes)


def slices(count: int, seed: int, by: Recipe = RECIPE, device: Device = "cpu") -> LabelledSlices:
    shape = (count, len(by.inputs.split("+")), *by.size)
    images = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(device)
    return LabelledSlices(Slices(images), (images[:, 0] > 1).to(torch.uint8))


def task(
    kind: type[Method], by: Recipe, counts: tuple[int, int] = (10, 6), device: Device = "cpu"
) -> Task:
    """Slices of a source and of a target, and a teacher: of these what the method needs."""
    seen = by.model_copy(update={"inputs": kind.teacher_inputs or by.inputs})
    teacher = new_unet(seen, seed=9).to(device).eval().requires_grad_(False)
    source, target = (slices(count, seed, by, device) for seed, count in enumerate(counts))
    parts = {"labelled": source, "target": target.slices, "teacher": teacher}
    handed = {f.name: parts[f.name] for f in fields(kind.task_type) if f.name in parts}
    start = teacher if kind.starts_at_teacher or not kind.trains else None
    return kind.task_type(**handed, start=start)  # type: ignore[arg-type]


def make(
    name: str,
    by: Recipe = RECIPE,
    updates: int = 20,
    *,
    counts: tuple[int, int] = (10, 6),
    device: Device = "cpu",
    **settings: Any,
) -> Any:
    kind = method_named(name)
    handed = task(kind, by, counts, device)
    chosen = kind.Settings(**ALWAYS_MOVES.get(name, {}) | settings)
    return kind(by, chosen, handed, seed=0, updates=updates)


def weights(module: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])
