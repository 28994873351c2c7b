"""Methods on small random slices, for the tests."""

from dataclasses import fields
from typing import Any

import pytest
import torch

from kdlib.data.slices import LabelledSlices, Slices
from kdlib.methods import Method, Task, method_named
from kdlib.networks import new_unet
from kdlib.recipe import Recipe
from tests.methods.pseudo_labels import PseudoLabels

RECIPE = Recipe(size=(16, 16), width=4, depth=2, batch_size=4, precision="float32")
# Every method of the package, and one of a user.
NAMES = sorted({*Method.named, PseudoLabels.name})

every = pytest.mark.parametrize("name", NAMES)
trained = pytest.mark.parametrize("name", [name for name in NAMES if Method.named[name].trains])


def recipe(**changes: Any) -> Recipe:
    return Recipe(**RECIPE.model_dump() | changes)


def slices(count: int, seed: int) -> LabelledSlices:
    images = torch.randn(count, 1, 16, 16, generator=torch.Generator().manual_seed(seed))
    return LabelledSlices(Slices(images), (images[:, 0] > 1).to(torch.uint8))


def task(kind: type[Method], by: Recipe) -> Task:
    """Ten slices of a source, six of a target and a teacher, of these what the method needs."""
    teacher = new_unet(by, seed=9).eval()
    parts = {"labelled": slices(10, 0), "target": slices(6, 1).slices, "teacher": teacher}
    handed = {f.name: parts[f.name] for f in fields(kind.task_type) if f.name in parts}
    start = teacher if kind.starts_at_teacher or not kind.trains else None
    return kind.task_type(**handed, start=start)  # type: ignore[arg-type]


def make(name: str, by: Recipe = RECIPE, updates: int = 20, **settings: Any) -> Any:
    kind = method_named(name)
    return kind(by, kind.Settings(**settings), task(kind, by), seed=0, updates=updates)


def weights(module: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])
