"""Laws of the shipped starter's answer."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from kdlib.data.volume import Volume, to_lps
from kdlib.errors import InputError
from kdlib.networks import new_unet
from kdlib.scores.metrics import dice
from kdlib.starter.ensemble import Ensemble
from kdlib.starter.people import Person, draw_person
from kdlib.starter.population import template
from kdlib.starter.starter import WEIGHTS, Starter, load_starter


@pytest.fixture(scope="module")
def person() -> Person:
    """Somebody on whom no network has been trained, with a scanner that none has seen."""
    return draw_person(7, 7, template(), split="validation", voxel_mm=(1.8, 5.0))


@pytest.fixture(scope="module")
def starter() -> Starter:
    return load_starter()


@pytest.fixture(scope="module")
def answer(starter: Starter, person: Person) -> Volume:
    return starter.answer(person.flair)[0]


def test_it_finds_lesions_in_an_unseen_scan(answer: Volume, person: Person) -> None:
    lesions, others = person.labels.array == 1, person.labels.array == 2
    assert dice(lesions, (answer.array >= 0.5) & ~others) > 0.6


def test_it_answers_nothing_outside_the_brain(
    starter: Starter, answer: Volume, person: Person
) -> None:
    brain = starter.answer(person.flair)[1]
    assert brain.array.shape == answer.array.shape
    assert answer.array[brain.array < 0.5].max() == 0
    assert answer.array.max() > 0.5


def test_orientation_and_scale_do_not_matter(
    starter: Starter, answer: Volume, person: Person
) -> None:
    turned = np.ascontiguousarray(person.flair.array.transpose(1, 0, 2)[:, ::-1])
    affine = person.flair.affine @ np.array(
        [[0, -1, 0, turned.shape[1] - 1], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    )
    other = starter.answer(Volume(0.37 * turned, affine))[0]
    here, there = to_lps(answer).array >= 0.5, to_lps(other).array >= 0.5
    assert dice(here, there) > 0.99


def test_the_weights_are_small_and_say_how_they_were_made(starter: Starter) -> None:
    weights = sum(p.numel() for p in starter.network.parameters())
    assert weights * 2 < 2.5e6
    assert {"seed", "people", "kdlib", "thresholds_before_centring"} <= set(starter.provenance)


def test_damaged_weights_of_the_package_are_no_matter_of_a_kept_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(WEIGHTS, tmp_path / "weights")
    (tmp_path / "weights/lesion.safetensors").write_bytes(b"")
    monkeypatch.setattr("kdlib.starter.starter.WEIGHTS", tmp_path / "weights")
    with pytest.raises(InputError, match="install kdlib again"):
        load_starter.__wrapped__()


def test_an_ensemble_answers_the_mean_of_its_members(starter: Starter) -> None:
    members = [starter.network, new_unet(starter.recipe, seed=1).eval()]
    images = torch.randn(1, 1, *starter.recipe.size)
    with torch.no_grad():
        mean = Ensemble(members)(images).softmax(dim=1)
        one, other = (member(images).softmax(dim=1) for member in members)
    assert torch.allclose(mean, (one + other) / 2, atol=1e-5)
