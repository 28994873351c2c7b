"""Toy clinics in which every voxel's label is known, and which differ by a known shift."""

from functools import cache
from typing import Any

import torch

from kdlib.data.slices import LabelledSlices, Slices
from kdlib.methods import LabelledTask, Method, NoSettings, method_named
from kdlib.networks import UNet
from kdlib.recipe import Recipe
from kdlib.training import train
from tests.methods.made import recipe

TOY = recipe(inputs="flair+t1", batch_size=8, learning_rate=0.01)


def clinic(
    seed: int, lesions: float = 0.5, gain: float = 1.0, offset: float = 0.0
) -> LabelledSlices:
    """Slices of two images: the first one tells the label, the second one is noise.

    ``lesions`` is the share of lesion voxels, ``gain`` and ``offset`` are those of the scanner.
    """
    rng = torch.Generator().manual_seed(seed)
    labels = torch.rand(32, 16, 16, generator=rng) < lesions
    first, second = torch.randn(2, 32, 16, 16, generator=rng)
    images = torch.stack([torch.where(labels, 1.0, -1.0) + 0.35 * first, second], dim=1)
    return LabelledSlices(Slices(gain * images + offset), labels.to(torch.uint8))


SOURCE = clinic(0)


@cache
def teacher(by: Recipe = TOY, updates: int = 150, on: LabelledSlices = SOURCE) -> UNet:
    """A network that has learnt the source, or other labelled slices."""
    method = method_named("supervised")(
        by, NoSettings(), LabelledTask(labelled=on), seed=0, updates=updates
    )
    train(method)
    return method.result.requires_grad_(False)


def trained(name: str, task: Any, updates: int, by: Recipe = TOY, **settings: Any) -> Method:
    """A method after its training on ``task``."""
    kind = method_named(name)
    method = kind(by, kind.Settings(**settings), task, seed=0, updates=updates)
    train(method)
    return method


@torch.no_grad()
def mistakes(network: UNet, on: LabelledSlices) -> float:
    """The share of voxels on which ``network`` decides wrongly."""
    wrong = network.eval()(on.slices.images).argmax(dim=1) != on.labels
    return wrong.float().mean().item()
