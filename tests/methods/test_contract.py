"""What holds for every method there is."""

from typing import Any

import pytest
import torch

from kdlib.cli.options import method_names
from kdlib.methods import Method
from kdlib.networks import UNet, new_unet
from tests.methods.every import NAMES, every, trained
from tests.methods.made import RECIPE, make, recipe, weights


@trained
def test_an_update_moves_the_network_and_says_its_losses(name: str) -> None:
    method = make(name)
    before = weights(method.network)
    losses = method.update(0)
    assert not torch.equal(weights(method.network), before)
    assert all(loss.isfinite() and not loss.requires_grad for loss in losses.values())


@pytest.mark.parametrize("name", [n for n in NAMES if Method.named[n].needs_teacher])
def test_the_teacher_does_not_move(name: str) -> None:
    method = make(name)
    before = new_unet(RECIPE, seed=9).state_dict()
    for step in range(3 if method.trains else 0):
        method.update(step)
    after = method.task.teacher.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


@every
def test_the_same_seed_gives_the_same_weights(name: str) -> None:
    first, second = make(name), make(name)
    for step in range(2 if first.trains else 0):
        first.update(step), second.update(step)
    assert torch.equal(weights(first.result), weights(second.result))


@every
def test_the_result_is_a_segmenter_that_checkpoints_hold(name: str) -> None:
    method = make(name)
    assert isinstance(method.result, UNet)
    assert any(method.result is module for module in method.modules.values())


@trained
@pytest.mark.parametrize(
    "choice",
    [
        {"loss": "dice+cross-entropy", "other_pathology": "background"},
        {"augmentation": ("flip", "affine", "gamma", "sharpness", "brightness", "noise")},
        {"norm": "instance", "precision": "bfloat16"},
    ],
)
def test_every_choice_of_the_recipe_trains(name: str, choice: dict[str, Any]) -> None:
    method = make(name, recipe(**choice))
    assert all(loss.isfinite() for loss in method.update(0).values())


@every
def test_no_label_is_handed_that_the_method_may_not_see(name: str) -> None:
    task = make(name).task
    assert not hasattr(getattr(task, "target", None), "labels")
    assert hasattr(task, "labelled") == Method.named[name].needs_source


def test_every_file_of_the_folder_is_the_method_of_its_name() -> None:
    homes = {kind.__module__: name for name, kind in Method.named.items()}
    packaged = {module: name for module, name in homes.items() if module.startswith("kdlib.")}
    assert packaged == {f"kdlib.methods.{name}": name for name in method_names()}
