"""The people that the starter learns from are reproducible, and no two are alike."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kdlib.recipe import Preparation
from kdlib.simulator.images import brain_images
from kdlib.starter import people
from kdlib.starter.people import Person, draw_person
from kdlib.starter.population import Population, template

COARSE = (2.0, 6.0)  # mm, for speed
PREPARATION = Preparation(voxel_mm=(4, 4, 6), size=(40, 56))


@pytest.fixture(scope="module")
def person() -> Person:
    return draw_person(0, 1, template(), voxel_mm=COARSE)


def test_a_seed_and_a_number_decide_every_voxel(person: Person) -> None:
    again = draw_person(0, 1, template(), voxel_mm=COARSE)
    assert np.array_equal(again.flair.array, person.flair.array)
    assert np.array_equal(again.labels.array, person.labels.array)


def test_another_number_seed_or_split_is_another_person(person: Person) -> None:
    others = [
        draw_person(0, 2, template(), voxel_mm=COARSE),
        draw_person(1, 1, template(), voxel_mm=COARSE),
        draw_person(0, 1, template(), voxel_mm=COARSE, split="validation"),
        draw_person(0, 1, template(), voxel_mm=COARSE, wider=True),
        draw_person(0, 1, template(), voxel_mm=COARSE, split="validation", wider=True),
    ]
    assert len({round(one.lesion_ml, 3) for one in [person, *others]}) == 6


def test_a_mask_cuts_out_the_brain_but_is_not_exact(person: Person) -> None:
    kept, brain = person.flair.array > 0, person.brain.array
    assert 0.8 < (kept & brain).sum() / (kept | brain).sum() < 1
    assert (person.flair.array[~kept] == 0).all()


def test_lesions_are_brighter_than_the_brain(person: Person) -> None:
    lesion = person.labels.array == 1
    assert np.median(person.flair.array[lesion]) > 1.1 * np.median(
        person.flair.array[person.brain.array & ~lesion]
    )


def test_the_plexus_of_wider_people_differs_and_can_be_brighter_than_lesions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[tuple[float, float, float]] = []

    def kept(*values: Any) -> Any:
        levels, plexus = values[2][0], values[5]
        drawn.append(
            (levels["choroid"] / levels["white"], levels["bright"] / levels["white"], plexus.size)
        )
        return brain_images(*values)

    monkeypatch.setattr(people, "brain_images", kept)
    for number in range(12):
        draw_person(0, number, template(), voxel_mm=(4.0, 8.0), wider=True)
    choroid, lesion, size = np.array(drawn).T
    assert (choroid > lesion).any()
    assert (choroid < 1).any()
    assert size.min() < 0 < size.max()


def test_a_stopped_simulation_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "FINEST_MM", people.COARSEST_MM)  # for speed
    monkeypatch.setattr(people, "SLICES_MM", [(7, 8)] * 3)
    whole = Population(tmp_path / "whole", 0, 2, PREPARATION)
    whole.make()
    parts = Population(tmp_path / "parts", 0, 2, PREPARATION)
    parts.make_one(1)
    seen: list[tuple[int, int]] = []
    parts.make(on_person=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]
    one, other = whole.labelled_slices(), parts.labelled_slices()
    assert torch.equal(one.slices.images, other.slices.images)
    assert torch.equal(one.labels, other.labels)
