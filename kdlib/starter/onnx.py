"""The starter's networks as ONNX files: for programs without torch, such as a browser.

Each file has one input, ``images``, and one output, ``probability``, both float32. It needs the
packages onnx and onnxscript.
"""

import logging
import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from kdlib import networks
from kdlib.cache import cached, code_of, versions_of
from kdlib.data.labels import Label
from kdlib.kept import digest_of
from kdlib.networks import UNet
from kdlib.recipe import Recipe
from kdlib.starter import brain_network
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
    images = torch.zeros(2, 1, *recipe.size)
    return _kept("lesion.onnx", answer, images, {"images": {0: slices}})


def brain_onnx(network: BrainNetwork) -> bytes:
    """A coarse head (1, 1, 64, 80, 64) in, the probability of brain in the same shape out."""
    answer = _Answer(network, torch.sigmoid)
    return _kept("brain.onnx", answer, torch.zeros(1, 1, *SHAPE), None)


def _kept(name: str, answer: _Answer, images: Tensor, free: dict | None) -> bytes:
    """The file, which takes seconds to make, from the cache if it is there."""
    weights = b"".join(part.numpy().tobytes() for part in answer.state_dict().values())
    code = code_of(__file__, networks.__file__, brain_network.__file__)
    packages = versions_of("torch", "onnx", "onnxscript")
    made_of = [code, repr(answer), str(tuple(images.shape)), digest_of(weights), *packages]

    def make() -> np.ndarray:
        return np.frombuffer(_exported(answer, images, free), np.uint8)

    return cached(name, made_of, make).tobytes()


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
