"""The training loop of all networks, with its schedule, history and checkpoints."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from kdlib.errors import DamagedError, InputError
from kdlib.kept import read_tensors, write_tensors
from kdlib.learning_curve import LearningCurve
from kdlib.methods.base import Losses
from kdlib.processes import keep_freed_memory

OnStep = Callable[[int, int], None]
History = list[dict[str, float]]
Restored = tuple[int, History, list[Losses], float]

HISTORY_ROWS = 200  # about the number of rows of mean losses that a training leaves


class Trainable(Protocol):
    """What the loop trains. Every ``Method`` is such a thing.

    Attributes:
        updates: how many steps it takes.
        device: where its networks are.
        modules: all that a checkpoint keeps, by name.
        optimisers: those whose learning rate the loop sets. They have the names of their modules.
        result: the network that a learning curve measures.
    """

    @property
    def updates(self) -> int: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def modules(self) -> Mapping[str, nn.Module]: ...
    @property
    def optimisers(self) -> Mapping[str, torch.optim.Optimizer]: ...
    @property
    def result(self) -> Any: ...

    def rate(self, step: int) -> float:
        """The learning rate of a step, from 0."""

    def update(self, step: int) -> Losses:
        """Take a step, from 0, and return the losses it saw."""


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name. ``"auto"`` takes CUDA if it is there, else MPS, else the CPU.

    Raises:
        InputError: the device is not available on this machine.
    """
    counts = {"cuda": torch.cuda.device_count(), "mps": torch.mps.device_count(), "cpu": 1}
    there = [kind for kind, count in counts.items() if count]
    with suppress(RuntimeError):  # no name of a device
        device = torch.device(there[0] if name == "auto" else name)
        if (device.index or 0) < counts.get(device.type, 0):
            return device
    known = ", ".join(["cpu", *there[:-1]])
    raise InputError(f"device {name!r} is not available on this machine; choose: auto, {known}")


@contextmanager
def of_threads(count: int) -> Iterator[None]:
    """Give torch ``count`` threads in this block. A training's sums depend on their number."""
    if count < 1:
        raise InputError(f"threads={count}: give 1 or more")
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def train(
    method: Trainable,
    *,
    curve: LearningCurve | None = None,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 30.0,
    on_step: OnStep | None = None,
) -> History:
    """Train ``method`` to its last update. Its networks are then in evaluation mode.

    A training that was interrupted and goes on ends with the same numbers on a CPU, and on a GPU up
    to rounding.

    Args:
        method: what to train.
        curve: gets its rows. A training that goes on has those of its first part too.
        checkpoint: a file. If it exists, the training goes on from it.
        checkpoint_seconds: how often the checkpoint is written.
        on_step: called with the steps taken and their number after each step.

    Returns:
        Rows of mean losses: ``step``, ``learning_rate`` and each loss. There are no rows if the
        method takes no steps.
    """
    keep_freed_memory()
    curve = curve or LearningCurve()
    saved = time.monotonic()
    none: Restored = (0, [], [], 0.0)
    first, history, seen, spent = restore(method, checkpoint, curve) if checkpoint else none
    began = saved - spent
    every = max(1, method.updates // HISTORY_ROWS)
    for step in range(first, method.updates):
        rate = set_learning_rate(method, step)
        seen.append(method.update(step))
        curve.look(method.result, step + 1, method.updates)
        if (step + 1) % every == 0 or step + 1 == method.updates:
            history.append({"step": step + 1, "learning_rate": rate, **_means(seen)})
            seen = []
        now = time.monotonic()
        if checkpoint and now - saved >= checkpoint_seconds:
            losses = [{name: one.item() for name, one in each.items()} for each in seen]
            progress = {"step": step + 1, "history": history, "curve": curve.rows}
            save(method, progress | {"losses": losses, "seconds": now - began}, checkpoint)
            saved = now
        if on_step:
            on_step(step + 1, method.updates)
    for module in method.modules.values():
        module.eval()
    return history


def set_learning_rate(method: Trainable, step: int) -> float:
    """Give all optimisers their share of the learning rate of ``step``, and return this rate."""
    rate = method.rate(step)
    for optimiser in method.optimisers.values():
        for group in optimiser.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
    return rate


def _means(seen: list[Losses]) -> dict[str, float]:
    return {name: torch.stack([losses[name] for losses in seen]).mean().item() for name in seen[0]}


def save(method: Trainable, progress: Mapping[str, Any], path: Path) -> None:
    """Write a checkpoint of networks, optimisers and the ``progress`` so far, without pickle."""
    write_tensors(path, _state(method), {"progress": json.dumps(progress)})


def restore(method: Trainable, path: Path, curve: LearningCurve) -> Restored:
    """Load a checkpoint into ``method`` and ``curve``.

    Returns the number of its updates, its history, the losses since the last row of it, and the
    seconds that it took. If there is no checkpoint, the numbers are 0. Raises ``DamagedError`` if
    the file was damaged; nothing was loaded then.
    """
    if not path.exists():
        return 0, [], [], 0.0
    state, note = read_tensors(path)
    progress = json.loads(note["progress"])
    _load(method, {name: tensor.to(method.device) for name, tensor in state.items()})
    curve.rows = progress["curve"]
    seen = [
        {name: torch.tensor(loss, device=method.device) for name, loss in losses.items()}
        for losses in progress.get("losses", [])
    ]
    return progress["step"], progress["history"], seen, progress.get("seconds", 0.0)


def seconds_before(checkpoint: Path) -> float:
    """How long the training of a checkpoint took so far; 0 if there is none, or a damaged one."""
    if not checkpoint.exists():
        return 0.0
    with suppress(DamagedError):
        return float(json.loads(read_tensors(checkpoint)[1]["progress"]).get("seconds", 0))
    return 0.0


def _state(method: Trainable) -> dict[str, Tensor]:
    state = {
        f"module/{name}/{key}": value
        for name, module in method.modules.items()
        for key, value in module.state_dict().items()
    }
    for name, optimiser in method.optimisers.items():
        for index, values in optimiser.state_dict()["state"].items():
            state |= {f"optimiser/{name}/{index}/{key}": value for key, value in values.items()}
    return state


def _load(method: Trainable, state: dict[str, Tensor]) -> None:
    for name, module in method.modules.items():
        prefix = f"module/{name}/"
        module.load_state_dict(
            {key.removeprefix(prefix): v for key, v in state.items() if key.startswith(prefix)}
        )
    for name, optimiser in method.optimisers.items():
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        values: dict[int, dict[str, Tensor]] = {}
        prefix = f"optimiser/{name}/"
        for key, value in state.items():
            if key.startswith(prefix):
                index, kind = key.removeprefix(prefix).split("/")
                values.setdefault(int(index), {})[kind] = _laid_out(value, parameters[int(index)])
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": values, "param_groups": groups})


def _laid_out(value: Tensor, parameter: Tensor) -> Tensor:
    """``value`` in the memory layout of its parameter, which fused Adam needs."""
    if value.shape != parameter.shape:
        return value
    return torch.empty_like(parameter, requires_grad=False).copy_(value)
