"""The shapes of the answers of a network's layers, read while a slice passes through them."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from kdlib.networks import UNet
from kdlib.recipe import Recipe


def layer_shapes(network: nn.Module, shape: tuple[int, ...]) -> pd.DataFrame:
    """Each row is one layer with weights: what it is, the shape of its answer, its weights.

    ``shape`` is the shape of one input, without the batch.
    """
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    rows = [
        {
            "Layer": str(layer).split("(")[0],
            "Output": _size_text(answer),
            "Weights": _weights(layer),
        }
        for layer, answer in _passed(network, layers, shape)
    ]
    return pd.DataFrame(rows)


def passed_shapes(network: UNet, recipe: Recipe) -> pd.DataFrame:
    """Each row is one stage of the UNet: its weights, and the channels and size after it."""
    stages = [*network.down, *network.merge, network.head]
    names = {block: f"down, level {level}" for level, block in enumerate(network.down)}
    names |= {block: f"up, level {level}" for level, block in enumerate(network.merge)}
    names[network.head] = "answer"
    inputs = (len(recipe.inputs.split("+")), *recipe.size)
    rows: list[dict[str, Any]] = [
        {"Stage": "slice", "Channels": inputs[0], "Size": _size_text(inputs[1:]), "Weights": 0}
    ]
    for stage, (channels, *size) in _passed(network, stages, inputs):
        own = [stage]
        if stage in list(network.merge):
            own.append(network.up[list(network.merge).index(stage)])
        row = {"Stage": names[stage], "Channels": channels, "Size": _size_text(tuple(size))}
        rows.append(row | {"Weights": sum(_weights(part) for part in own)})
    return pd.DataFrame(rows)


@torch.no_grad()
def _passed(
    network: nn.Module, parts: Sequence[nn.Module], shape: tuple[int, ...]
) -> list[tuple[nn.Module, tuple[int, ...]]]:
    """The parts in the order in which an input of zeros passes them, and their answers' shapes."""
    seen: list[tuple[nn.Module, tuple[int, ...]]] = []

    def note(part: nn.Module, _: Any, answer: Tensor) -> None:
        seen.append((part, tuple(answer.shape[1:])))

    hooks = [part.register_forward_hook(note) for part in parts]
    network.eval()(torch.zeros(1, *shape))
    for hook in hooks:
        hook.remove()
    return seen


def _weights(part: nn.Module) -> int:
    return sum(weights.numel() for weights in part.parameters())


def _size_text(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
