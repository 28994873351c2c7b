"""Every method on CUDA tensors that hold nothing: is each tensor on the right device?

    python -m venv /some/folder && /some/folder/bin/pip install torch -e .
    /some/folder/bin/python benchmarks/cuda_dry_run.py

It needs a build of torch for CUDA, and no GPU: torch's fake tensors know a shape, a type and a
device, and raise where an operation mixes devices. Batches, augmentation, forward passes, losses
and answers of every method are gone through, in both precisions. The backward pass and the
optimisers' kernels ask for a real device, and mixing in true labels for real labels: they are
left out.
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from unittest import mock

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from kdlib import Scenario
from kdlib.data.slices import LabelledSlices, Slices
from kdlib.methods import Method
from kdlib.networks import CLASSES, answer_all, new_unet

SLICES, SIZE, UPDATES = 40, (32, 48), 3
KEPT: list[Method] = []  # torch 2.11 may crash when it frees a module of fake tensors
SETTINGS = {
    "adversarial": [{"adversarial_input": seen} for seen in ("logits", "softmax", "features")],
    "distillation": [
        {}, {"softened": "both"}, {"answers": "hard"}, {"scans": "target"}, {"scans": "source"},
    ],
}  # fmt: skip


def scenarios() -> Iterator[Scenario]:
    """Every method, with the settings that take another way through its code."""
    for name, kind in Method.named.items():
        target = {"target": "there"} if kind.needs_target else {}
        for settings in SETTINGS.get(name, [{}]):
            for precision in ("float32", "bfloat16"):
                yield Scenario(
                    method=name, source="here", **target, size=SIZE, width=4, depth=3,
                    batch_size=8, steps=UPDATES, augmentation=("flip", "affine", "gamma"),
                    loss="dice+cross-entropy", precision=precision, **settings,
                )  # fmt: skip


def on_cuda(scenario: Scenario) -> Method:
    """The scenario's method, handed a task of fake slices on the GPU."""
    kind = scenario.method_type
    images = torch.zeros((SLICES, 1, *SIZE), device="cuda")
    labels = torch.zeros((SLICES, *SIZE), dtype=torch.uint8, device="cuda")
    network = new_unet(scenario, seed=0).to("cuda").eval().requires_grad_(False)
    parts = {
        "labelled": LabelledSlices(Slices(images), labels),
        "target": Slices(images),
        "teacher": network,
    }
    handed = {
        field.name: parts[field.name] for field in fields(kind.task_type) if field.name in parts
    }
    start = network if scenario.starts_from_teacher else None
    task = kind.task_type(**handed, start=start)
    return kind(scenario, scenario.settings, task, seed=0, updates=UPDATES)


def go_through(scenario: Scenario) -> None:
    """Steps without their backward pass, then an answer; raises where devices are mixed."""
    method = on_cuda(scenario)
    KEPT.append(method)
    losses = [loss for step in range(scenario.updates) for loss in method.update(step).values()]
    answer = answer_all(
        method.result, torch.zeros((5, 1, *SIZE), device="cuda"), scenario.precision
    )
    assert {t.device.type for t in [*losses, answer]} == {"cuda"}
    assert answer.shape == (5, CLASSES, *SIZE)


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


def passes(scenario: Scenario) -> bool:
    """Whether the scenario's method goes through; says so, and why not."""
    name = f"{scenario.slug} {scenario.settings} {scenario.precision}"
    try:
        go_through(scenario)
    except Exception as error:  # whatever it is, the others are still gone through
        print(f"FAILED {name}: {type(error).__name__}: {str(error).splitlines()[0]}")
        return False
    print(f"passed {name}")
    return True


def main() -> None:
    if torch.version.cuda is None:
        sys.exit("cuda_dry_run: this torch is built without CUDA; install a build for CUDA")
    warnings.filterwarnings("ignore", "Accessing the data pointer of FakeTensor")
    with on_paper():
        failed = sum(not passes(scenario) for scenario in scenarios())
    print(f"torch {torch.__version__}, CUDA {torch.version.cuda}: {failed} failed")
    sys.stdout.flush()
    os._exit(failed > 0)  # without freeing them


if __name__ == "__main__":
    main()
