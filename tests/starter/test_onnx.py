"""The starter's ONNX files answer what its networks answer."""

import onnxruntime
import torch

from kdlib.starter.brain import brain_network
from kdlib.starter.coarse import SHAPE
from kdlib.starter.onnx import brain_onnx, lesion_onnx
from kdlib.starter.starter import load_starter


def answer(file: bytes, images: torch.Tensor) -> torch.Tensor:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options)
    return torch.from_numpy(session.run(["probability"], {"images": images.numpy()})[0])


def test_the_lesion_file_answers_any_number_of_slices():
    starter = load_starter()
    file = lesion_onnx(starter.network, starter.recipe)
    for count in (1, 3):
        slices = torch.randn(count, 1, *starter.recipe.size)
        with torch.no_grad():
            wanted = starter.network(slices).softmax(dim=1)[:, 1]
        torch.testing.assert_close(answer(file, slices), wanted, atol=1e-4, rtol=0)


def test_the_brain_file_answers_a_coarse_head():
    head = torch.rand(1, 1, *SHAPE)
    with torch.no_grad():
        wanted = brain_network()(head).sigmoid()
    torch.testing.assert_close(answer(brain_onnx(brain_network()), head), wanted, atol=1e-4, rtol=0)
