"""The training of the brain network: it stops, goes on and ends with the same weights."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from kdlib.errors import InputError
from kdlib.kept import read_tensors
from kdlib.simulator.template import template_maps
from kdlib.starter.brain import WEIGHTS
from kdlib.starter.brain_training import BrainSettings, brain_loss, example, train_brain
from kdlib.starter.outer import draw_anatomy

TINY = BrainSettings(cycles=(1, 1), channels=(4, 4), precision="float32")


def stop(step: int, steps: int) -> None:
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that was stopped after the first of its two cycles."""
    folder = tmp_path_factory.mktemp("brain") / "stopped"
    with pytest.raises(KeyboardInterrupt):
        train_brain(folder, TINY, checkpoint_seconds=0, on_step=stop)
    return folder


def test_a_training_that_was_stopped_ends_with_the_same_weights(
    stopped: Path, tmp_path: Path
) -> None:
    told: list[int] = []
    folder = shutil.copytree(stopped, tmp_path / "on")
    on = train_brain(folder, TINY, on_step=lambda step, _: told.append(step))
    whole = train_brain(tmp_path / "whole", TINY)
    assert told == [2]
    assert on.read_bytes() == whole.read_bytes()
    note = json.loads(on.with_suffix(".json").read_text())
    assert note["settings"]["cycles"] == [1, 1]
    # Until then it had those of its last whole cycle.
    first, last = (read_tensors(one / on.name)[0] for one in (stopped, folder))
    assert any(not torch.equal(first[name], last[name]) for name in first)


def test_the_rate_starts_anew_in_each_cycle_at_half_the_height() -> None:
    settings = BrainSettings(cycles=(10, 5), learning_rate=1.0)
    rates = np.array([settings.rate(step) for step in range(15)])
    assert (rates[0], rates[10]) == (1.0, 0.5)
    np.testing.assert_allclose(rates[10:], rates[:10:2] / 2)
    assert (np.diff(rates[:10]) < 0).all()


def test_a_training_with_other_settings_is_refused(stopped: Path) -> None:
    other = BrainSettings(cycles=(3,), channels=(4, 4), precision="float32")
    with pytest.raises(InputError, match="other settings"):
        train_brain(stopped, other)


def test_every_head_is_another_and_its_seed_decides_it() -> None:
    template = torch.from_numpy(template_maps())
    drawn = []
    for seed in (0, 0, 1):
        rng = np.random.default_rng(seed)
        drawn.append(example(rng, draw_anatomy(rng, template)))
    np.testing.assert_array_equal(drawn[0].image, drawn[1].image)
    assert np.abs(drawn[0].brain - drawn[2].brain).mean() > 0.01
    for head in drawn:
        assert (head.image.min(), head.image.max()) == (0, 1)
        assert 0.02 < head.brain.mean() < 0.35


def test_a_sure_and_right_answer_has_the_lowest_loss() -> None:
    brain = torch.zeros(1, 1, 8, 8, 8)
    brain[..., 2:6, 2:6, 2:6] = 1
    right, unsure, wrong = (brain_loss(x * (brain - 0.5), brain) for x in (40.0, 0.0, -40.0))
    assert right < 0.01 < unsure < wrong


def test_the_shipped_weights_are_small_and_say_where_they_come_from() -> None:
    assert WEIGHTS.stat().st_size < 1.2e6
    note = json.loads(WEIGHTS.with_suffix(".json").read_text())
    assert {"settings", "versions", "simulator"} <= set(note)
    assert all(torch.isfinite(one).all() for one in read_tensors(WEIGHTS)[0].values())
