"""Laws of the networks."""

import copy

import pytest
import torch

from kdlib.networks import (
    Discriminator,
    IntensityCurve,
    UNet,
    answer_all,
    mixed_precision,
    new_unet,
    pays_on_cpu,
    precision_on,
)
from kdlib.recipe import Recipe


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
@pytest.mark.parametrize("stem", ["full", "half"])
def test_unet_answers_every_voxel(depth: int, norm: str, stem: str) -> None:
    network = UNet(inputs=2, width=4, depth=depth, norm=norm, stem=stem)
    assert network(torch.zeros(2, 2, 32, 48)).shape == (2, 2, 32, 48)


def test_each_level_doubles_the_channels() -> None:
    widths = [block[0].out_channels for block in UNet(width=8, depth=4).down]  # type: ignore[index]
    assert widths == [8, 16, 32, 64]


def test_the_same_seed_gives_the_same_network() -> None:
    recipe = Recipe(width=4, depth=2)
    first, second, other = (new_unet(recipe, seed).head.weight for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_making_a_network_leaves_the_global_random_state_alone() -> None:
    before = torch.random.get_rng_state()
    new_unet(Recipe(width=4, depth=2), seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_discriminator_has_the_papers_layers() -> None:
    layers = Discriminator(inputs=2, size=(96, 112)).layers
    filters = [m.out_channels for m in layers if isinstance(m, torch.nn.Conv2d)]
    neurons = [m.out_features for m in layers if isinstance(m, torch.nn.Linear)]
    assert (filters, neurons) == ([8, 16, 32, 64], [64, 128, 2])


@pytest.mark.parametrize("size", [(96, 112), (200, 200), (32, 40)])
def test_the_discriminator_fits_every_size(size: tuple[int, int]) -> None:
    assert Discriminator(2, size)(torch.zeros(3, 2, *size)).shape == (3, 2)


def test_an_answer_does_not_depend_on_its_batch() -> None:
    network = new_unet(Recipe(width=4, depth=2), seed=0)
    images = torch.randn(5, 1, 16, 16)
    whole, split = (answer_all(network, images, "float32", size) for size in (5, 2))
    torch.testing.assert_close(whole, split)


@pytest.mark.parametrize("stem", ["full", "half"])
def test_a_fresh_network_holds_lesions_for_rare(stem: str) -> None:
    network = new_unet(Recipe(width=8, depth=3, stem=stem), seed=0)
    answer = network(torch.randn(4, 1, 32, 32)).softmax(dim=1)[:, 1].mean()
    assert 0.005 < answer < 0.06


@pytest.mark.parametrize(
    ("cpu", "pays"),
    [
        ({"cpu_name": "Intel Xeon", "amx_tile": True, "avx512_bf16": True}, True),
        ({"cpu_name": "Intel Xeon", "amx_tile": False, "avx512_bf16": True}, False),
        ({"cpu_name": "AMD EPYC", "amx_tile": False, "avx512_bf16": True}, True),
        ({"cpu_name": "AMD EPYC", "avx2": True}, False),
        ({}, False),
    ],
)
def test_bfloat16_is_for_cpus_that_compute_in_it(cpu: dict[str, object], pays: bool) -> None:
    assert pays_on_cpu(cpu) is pays


def test_a_precision_that_is_asked_for_is_taken() -> None:
    here = torch.device("cpu")
    assert [precision_on(here, name) for name in ("bfloat16", "float32")] == ["bfloat16", "float32"]
    assert precision_on(here, "auto") in ("bfloat16", "float32")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_the_networks_arithmetic_has_that_precision(dtype: torch.dtype) -> None:
    with mixed_precision(torch.device("cpu"), str(dtype).removeprefix("torch.")):
        answer = new_unet(Recipe(width=4, depth=2), seed=0)(torch.zeros(1, 1, 16, 16))
    assert answer.dtype == dtype


def a_curve() -> IntensityCurve:
    knots = torch.tensor([[0.0, 1.0, 2.0], [0.0, 1.0, 3.0]])
    return IntensityCurve(knots, torch.tensor([[0.0, 2.0, 3.0], [1.0, 2.0, 3.0]]))


def test_a_curve_is_straight_between_its_knots_and_beyond_them() -> None:
    images = torch.tensor([-1.0, 0.5, 1.5, 4.0]).reshape(1, 1, 1, 4).expand(2, 2, 1, 4)
    first, second = a_curve()(images)[0]
    torch.testing.assert_close(first, torch.tensor([[-2.0, 1.0, 2.5, 5.0]]))
    torch.testing.assert_close(second, torch.tensor([[0.0, 1.5, 2.25, 3.5]]))


def test_a_network_has_no_curve_unless_one_is_put_there() -> None:
    network, images = UNet(2, width=4, depth=2), torch.randn(2, 2, 16, 16)
    assert not any(name.startswith("intensity") for name in network.state_dict())
    assert network.intensity(images) is images


def test_a_state_brings_its_curve_or_takes_it_away() -> None:
    images = torch.randn(2, 2, 16, 16)
    plain, curved = UNet(2, width=4, depth=2).eval(), UNet(2, width=4, depth=2).eval()
    curved.intensity = a_curve()
    other = copy.deepcopy(plain)
    other.load_state_dict(curved.state_dict())
    assert torch.equal(other(images), curved(images))
    other.load_state_dict(plain.state_dict())
    assert torch.equal(other(images), plain(images))
