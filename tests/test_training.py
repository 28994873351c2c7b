"""Laws of the loop."""

from pathlib import Path

import pytest
import torch

from kdlib.errors import InputError
from kdlib.training import choose_device, learning_rate_factor, train
from tests.methods.made import make, recipe, trained, weights


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [("constant", [1, 1, 1, 1]), ("linear", [1, 1, 0.8, 0]), ("cosine", [1, 0.691, 0.5, 0])],
)
def test_the_learning_rate_follows_its_schedule(schedule: str, factors: list[float]) -> None:
    rates = [learning_rate_factor(progress, schedule) for progress in (0, 0.375, 0.5, 1)]
    assert [round(rate, 3) for rate in rates] == factors


class Stop(Exception):
    """An interruption."""


def interrupt_at(step: int):  # type: ignore[no-untyped-def]
    def on_step(done: int, _: int) -> None:
        if done == step:
            raise Stop

    return on_step


@trained
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_resumed_training_equals_an_uninterrupted_one(
    name: str, precision: str, tmp_path: Path
) -> None:
    whole, broken, resumed = (make(name, recipe(precision=precision)) for _ in range(3))
    expected = train(whole)
    checkpoint = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Stop):
        train(broken, checkpoint=checkpoint, checkpoint_seconds=0, on_step=interrupt_at(7))
    history = train(resumed, checkpoint=checkpoint)
    assert history == expected
    for module in whole.modules:
        assert torch.equal(weights(whole.modules[module]), weights(resumed.modules[module]))
    buffers = zip(whole.network.buffers(), resumed.network.buffers(), strict=True)
    assert all(torch.equal(a, b) for a, b in buffers)


def test_a_training_says_every_step(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    train(make("supervised"), on_step=lambda *step: seen.append(step))
    assert seen == [(step, 20) for step in range(1, 21)]


def test_supervised_training_lowers_its_loss() -> None:
    history = train(make("supervised", recipe(learning_rate=0.01)))
    assert history[-1]["segmentation"] < history[0]["segmentation"]


def test_an_absent_device_is_named() -> None:
    with pytest.raises(
        InputError, match="'tpu' is not available on this machine; choose: auto, cpu"
    ):
        choose_device("tpu")
