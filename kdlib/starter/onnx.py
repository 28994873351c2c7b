"""The starter's networks as ONNX files: for programs without torch, such as a browser.

Each file has one input, ``images``, and one output, ``probability``, both float32. It needs the
packages onnx and onnxscript.
"""

import logging
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from kdlib.data.labels import Label
from kdlib.networks import UNet
from kdlib.recipe import Recipe
from kdlib.starter.brain_network import BrainNetwork
from kdlib.starter.coarse import SHAPE


class _Answer(nn.Module):
    """A network, and what turns its logits into probabilities."""

    def __init__(self, network: nn.Module, probability: Callable[[Tensor], Tensor]):
        super().__init__()
        self.network, self.probability = network, probability

    def forward(self, images: Tensor) -> Tensor:
        return self.probability(self.network(images))


def lesion_onnx(network: UNet, recipe: Recipe) -> bytes:
    """Slices (N, 1, H, W) in, the lesion probability (N, H, W) out. N is free."""
    answer = _Answer(network, lambda logits: logits.softmax(dim=1)[:, Label.LESION])
    slices = torch.export.Dim("slices", min=1)
    return _exported(answer, torch.zeros(2, 1, *recipe.size), {"images": {0: slices}})


def brain_onnx(network: BrainNetwork) -> bytes:
    """A coarse head (1, 1, 64, 80, 64) in, the probability of brain in the same shape out."""
    return _exported(_Answer(network, torch.sigmoid), torch.zeros(1, 1, *SHAPE), None)


def _exported(answer: nn.Module, images: Tensor, free: dict | None) -> bytes:
    with torch.no_grad(), warnings.catch_warnings():
        # Of torch about itself, and about torchvision, which nobody asked for.
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
        program = torch.onnx.export(
            answer.eval(), (images,), dynamo=True, verbose=False, dynamic_shapes=free,
            input_names=["images"], output_names=["probability"],
        )  # fmt: skip
    assert program is not None  # it is with dynamo=True
    return program.model_proto.SerializeToString()
