"""Laws of the loop."""

from pathlib import Path

import pytest
import torch

from kdlib.data.labels import Label
from kdlib.data.slices import LabelledSlices
from kdlib.errors import InputError
from kdlib.learning_curve import LearningCurve
from kdlib.recipe import learning_rate_factor
from kdlib.training import choose_device, seconds_before, train
from tests.methods.every import trained
from tests.methods.made import make, recipe, slices


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [("constant", [1, 1, 1, 1]), ("linear", [1, 1, 0.8, 0]), ("cosine", [1, 0.691, 0.5, 0])],
)
def test_the_learning_rate_follows_its_schedule(schedule: str, factors: list[float]) -> None:
    rates = [learning_rate_factor(progress, schedule) for progress in (0, 0.375, 0.5, 1)]
    assert [round(rate, 3) for rate in rates] == factors


def watched(*held_out: LabelledSlices) -> LearningCurve:
    return LearningCurve(held_out, "float32")


@trained
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_curve_changes_no_bit_of_a_training(name: str, precision: str) -> None:
    plain, seen = (make(name, recipe(precision=precision), updates=3) for _ in range(2))
    curve = LearningCurve([slices(6, 2)], precision)
    assert train(plain) == train(seen, curve=curve)
    assert curve.rows
    for module in plain.modules:
        first, second = (method.modules[module].state_dict() for method in (plain, seen))
        assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_curve_has_twenty_points_and_ends_with_the_training() -> None:
    for steps, count in ((1, 1), (7, 7), (20, 20), (450, 20), (1507, 20)):
        curve, network = watched(slices(2, 2)), make("supervised").network
        for step in range(1, steps + 1):
            curve.look(network, step, steps)
        assert len(curve.rows) == count
        assert curve.rows[-1]["step"] == steps


def test_a_point_of_a_curve_is_the_dice_of_the_network_on_each_subject() -> None:
    network, subjects = make("supervised").network, [slices(3, 2), slices(4, 3)]
    subjects[0].labels[:, :4] = Label.OTHER_PATHOLOGY
    curve = watched(*subjects)
    curve.look(network, 20, 20)
    assert network.training
    network.eval()
    expected = []
    for subject in subjects:
        images, labels = subject.slices.images[::2], subject.labels[::2]
        counts = labels != Label.OTHER_PATHOLOGY
        answer = network(images).argmax(dim=1)[counts]
        truth = labels[counts] == 1
        expected.append(2 * (answer * truth).sum().item() / (answer.sum() + truth.sum()).item())
    assert [curve.rows[0]["dice_1"], curve.rows[0]["dice_2"]] == pytest.approx(expected)
    assert curve.rows[0]["dice"] == pytest.approx(sum(expected) / 2)


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
    name: str, precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdlib.training.HISTORY_ROWS", 2)  # a row of two steps
    whole, broken, resumed = (make(name, recipe(precision=precision), updates=5) for _ in range(3))
    whole_curve = watched(slices(6, 2))
    expected = train(whole, curve=whole_curve)
    checkpoint = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Stop):
        train(
            broken,
            curve=watched(slices(6, 2)),
            checkpoint=checkpoint,
            checkpoint_seconds=0,
            on_step=interrupt_at(3),
        )
    assert seconds_before(checkpoint) > 0
    curve = watched(slices(6, 2))
    history = train(resumed, curve=curve, checkpoint=checkpoint)
    assert history == expected
    assert curve.rows == whole_curve.rows
    assert len(curve.rows) == 5
    for module in whole.modules:
        one, other = (method.modules[module].state_dict() for method in (whole, resumed))
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_training_says_every_step(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    train(make("supervised"), on_step=lambda *step: seen.append(step))
    assert seen == [(step, 20) for step in range(1, 21)]


def test_supervised_training_lowers_its_loss() -> None:
    history = train(make("supervised", recipe(learning_rate=0.01)))
    assert history[-1]["segmentation"] < history[0]["segmentation"]


@pytest.mark.parametrize("name", ["tpu", "cpu:x", "cpu:1", "cpu:-1", "CPU", "meta", "", ":", "mps"])
def test_an_absent_device_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.mps, "device_count", lambda: 0)
    said = f"'{name}' is not available on this machine; choose: auto, cpu"
    with pytest.raises(InputError, match=said):
        choose_device(name)


def test_only_the_gpus_there_are_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    chosen = [str(choose_device(name)) for name in ("auto", "cuda", "cuda:1", "cpu")]
    assert chosen == ["cuda", "cuda", "cuda:1", "cpu"]
    with pytest.raises(InputError, match=r"'cuda:2' is not .* choose: auto, cpu, cuda"):
        choose_device("cuda:2")
