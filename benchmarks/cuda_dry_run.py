"""Every method on CUDA tensors that hold nothing: is each tensor on the right device?

    python -m venv /some/folder && /some/folder/bin/pip install torch -e .
    /some/folder/bin/python benchmarks/cuda_dry_run.py

It needs a build of torch for CUDA, and no GPU: torch's fake tensors know a shape, a type and a
device, and raise where an operation mixes devices. Batches, augmentation, forward passes, losses
and answers of every method are gone through, with each choice that takes another way. The backward
pass and the optimisers' kernels ask for a real device, and mixing in true labels for real labels:
they are left out.
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, get_args
from unittest import mock

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from kdlib.errors import InputError
from kdlib.methods import Method
from kdlib.networks import CLASSES, answer_all
from kdlib.recipe import Change, Recipe

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.methods.made import make, slices

UPDATES = 3
RECIPE = Recipe(
    size=(32, 48), width=4, depth=3, batch_size=8, steps=UPDATES, loss="dice+cross-entropy",
    precision="float32", augmentation=("flip", "affine", "gamma"),
)  # fmt: skip
# What takes another way through the code: of all methods, and of one.
WAYS: list[dict[str, Any]] = [
    {}, {"precision": "bfloat16"}, {"augmentation": get_args(Change)}, {"inputs": "flair+t1"},
    {"norm": "instance"}, {"stem": "half"},
]  # fmt: skip
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "adversarial": [
        {"adversarial_input": seen} for seen in ("logits", "softmax", "features", "layers")
    ],
    "distillation": [
        {}, {"softened": "both"}, {"answers": "hard"}, {"scans": "target"}, {"scans": "source"},
    ],
    "target_distillation": [{}, {"views": 2}],
}  # fmt: skip
KEPT: list[Method] = []  # torch 2.11 may crash when it frees a module of fake tensors


class Case(NamedTuple):
    """A method to go through, a recipe and settings of its own."""

    name: str
    way: dict[str, Any]
    settings: dict[str, Any]

    @property
    def recipe(self) -> Recipe:
        return Recipe(**RECIPE.model_dump() | self.way)

    def makes_sense(self) -> bool:
        """Whether the method follows the recipe: some need batch norm."""
        with suppress(InputError):
            Method.named[self.name].check(self.recipe)
            return True
        return False


def cases() -> list[Case]:
    """Every method, with all that takes another way through its code."""
    every = [
        Case(name, way, settings)
        for name in Method.named
        for way in WAYS
        for settings in SETTINGS.get(name, [{}])
    ]
    return [case for case in every if case.makes_sense()]


def go_through(case: Case) -> None:
    """Steps without their backward pass, then an answer; raises where devices are mixed."""
    by = case.recipe
    method = make(case.name, by, UPDATES, counts=(40, 40), device="cuda", **case.settings)
    KEPT.append(method)
    steps = range(UPDATES if method.trains else 0)
    losses = [loss for step in steps for loss in method.update(step).values()]
    images = slices(5, 2, by, "cuda").slices.images
    answer = answer_all(method.result, images, by.precision)
    assert {t.device.type for t in [*losses, answer]} == {"cuda"}
    assert answer.shape == (5, CLASSES, *by.size)


def moved(module: nn.Module, device: torch.device | str | None = None, **_: object) -> nn.Module:
    """``module.to(...)``, which itself cannot swap a fake tensor for one on another device."""
    for part in module.modules() if device is not None else []:
        for name, weight in part._parameters.items():
            if weight is not None:
                there = nn.Parameter(weight.detach().to(device), weight.requires_grad)
                part._parameters[name] = there
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = buffer.to(device)
    return module


def normalised(
    layer: nn.BatchNorm2d, images: Tensor, forward: Callable[..., Tensor] = nn.BatchNorm2d.forward
) -> Tensor:
    """Batch norm with a fixed momentum: a plain mean reads how many batches there were."""
    with mock.patch.object(layer, "momentum", layer.momentum or 0.1):
        return forward(layer, images)


@contextmanager
def on_paper() -> Iterator[None]:
    """Tensors are fake, modules move all the same, and nobody goes down a loss."""
    with (
        FakeTensorMode(allow_non_fake_inputs=True),
        mock.patch.object(nn.Module, "to", moved),
        mock.patch.object(nn.BatchNorm2d, "forward", normalised),
        mock.patch.object(Method, "descend", return_value=None),
    ):
        yield


def passes(case: Case) -> bool:
    """Whether the case goes through; says so, and why not."""
    name = f"{case.name} {case.way} {case.settings}"
    try:
        go_through(case)
    except Exception as error:  # whatever it is, the others are still gone through
        print(f"FAILED {name}: {type(error).__name__}: {str(error).splitlines()[0]}")
        return False
    print(f"passed {name}")
    return True


def method_passes(name: str) -> bool:
    """Whether all cases of a method go through, in a process of its own, since torch may crash."""
    child = os.fork()
    if child == 0:
        with on_paper():
            failed = sum(not passes(case) for case in cases() if case.name == name)
        sys.stdout.flush()
        os._exit(failed > 0)  # without freeing them
    return os.waitpid(child, 0)[1] == 0


def main() -> None:
    if torch.version.cuda is None:
        sys.exit("cuda_dry_run: this torch is built without CUDA; install a build for CUDA")
    warnings.filterwarnings("ignore", "Accessing the data pointer of FakeTensor")
    failed = [name for name in Method.named if not method_passes(name)]
    print(f"torch {torch.__version__}, CUDA {torch.version.cuda}: {failed or 'none'} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
