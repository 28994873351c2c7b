"""The study that makes the starter from one seed.

Train the brain network. Then simulate people, train some teachers, and train a student on the mean
of their answers. Refine the student with wider people on a finer grid. Then score all of them on
other simulated people, whose scanners they have not seen. A study that was stopped goes on where it
was.
"""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import Annotated, cast

import pandas as pd
from pydantic import Field

from kdlib.data.slices import SLICES_VERSION, LabelledSlices
from kdlib.errors import InputError
from kdlib.networks import UNet
from kdlib.recipe import Count, Recipe, Strict
from kdlib.simulator.simulation import VERSION
from kdlib.starter.brain_training import BrainSettings, train_brain
from kdlib.starter.centring import centred
from kdlib.starter.ensemble import Ensemble
from kdlib.starter.lesion_training import recipe, student, teacher
from kdlib.starter.people import PEOPLE_VERSION, draw_person
from kdlib.starter.population import Population, template
from kdlib.starter.refining import finer_recipe, refined
from kdlib.starter.shipping import Made, ship

STUDENT = "student"
FINER = "refined student"

Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]


class StarterStudy(Strict):
    """The settings of the study. With the version of kdlib they decide all its numbers."""

    seed: int = Field(0, ge=0, description="it decides people, weights and batches")
    brain_steps: Annotated[tuple[Count, ...], Field(min_length=1)] = Field(
        (3000, 1800), description="the optimiser steps of the brain network's cycles"
    )
    people: Count = Field(2400, description="the people to learn from")
    validation: Count = Field(24, description="the people that all networks are scored on")
    steps: Annotated[tuple[Count, ...], Field(min_length=1)] = Field(
        (18000, 18000, 18000), description="the optimiser steps of each teacher"
    )
    student_steps: Count = Field(24000, description="optimiser steps of the student")
    true_labels: Annotated[float, Field(ge=0, le=1)] = Field(
        0.5, description="the share of the true labels in what the student learns"
    )
    centring: Count = Field(
        24, description="other people, by whom 0.5 becomes a good threshold of each network"
    )
    wider_people: Count = Field(800, description="wider people, by whom the student is refined")
    finer_steps: Count = Field(6000, description="optimiser steps of the refined student")
    finer_true_labels: Annotated[float, Field(ge=0, le=1)] = Field(
        0.75, description="the share of the true labels in what it learns"
    )
    finer_centring: Count = Field(
        60, description="more wider people, by whom 0.5 becomes its best threshold"
    )


def make_starter(
    study: StarterStudy, folder: Path, out: Path, bar: Bar, *, workers: int = 1
) -> pd.DataFrame:
    """Make what is missing of the study, and write the two networks of the starter to ``out``.

    Args:
        study: its settings.
        folder: keeps the people's slices and the networks.
        out: gets the weights, their notes and the scores of all lesion networks.
        bar: makes a bar of progress with a name; see ``kdlib.study.progress.count_bar``.
        workers: how many processes simulate people.

    Returns:
        The scores: one row for each network and each person of the validation.
    """
    if workers < 1:
        raise InputError(f"workers={workers}: give 1 or more")
    with bar("brain network") as on_step:
        _brain_network(study, folder, out, on_step)
    own = recipe(study.student_steps)
    finer = finer_recipe(own, study.finer_steps)
    usual = Population(folder / "people", study.seed, study.people, own.preparation)
    wider = Population(usual.folder, study.seed, study.wider_people, finer.preparation, wider=True)
    for name, population in (("people", usual), ("wider people", wider)):
        with bar(name) as on_person:
            population.make(workers, on_person)
    made = _coarse_networks(study, folder, usual.labelled_slices(), bar)
    coarse = made[STUDENT].network
    made[FINER] = _refined(study, folder, finer, wider.labelled_slices(), coarse, bar)
    with bar("validation") as on_person:
        return ship(made, study, (study.seed, study.validation), out, on_person)


def _coarse_networks(
    study: StarterStudy, folder: Path, labelled: LabelledSlices, bar: Bar
) -> dict[str, Made]:
    """The teachers, their ensemble, and then the student."""
    last = recipe(study.student_steps)
    numbers = range(study.people, study.people + study.centring)
    others = [draw_person(study.seed, number, template()) for number in numbers]

    def finished(name: str, network: UNet) -> Made:
        with bar(f"threshold of {name}") as on_person:
            moved, threshold = centred(network, last, others, on_person)
        return Made(moved, last, threshold)

    made: dict[str, Made] = {}
    for number, steps in enumerate(study.steps):
        name = f"teacher-{number + 1}"
        place = folder / f"{name}-{study.seed}-{study.people}-{steps}-{_made_by(recipe(steps))}"
        with bar(name) as on_step:
            one = teacher(place, recipe(steps), labelled, study.seed + number, on_step)
        made[name] = finished(name, one)
    place = folder / "-".join([STUDENT, *_decided(study), _made_by(last)])
    teachers = [each.network for each in made.values()]
    with bar(STUDENT) as on_step:
        one = student(place, last, labelled, teachers, study.seed, study.true_labels, on_step)
    ensemble = cast(UNet, Ensemble(teachers))  # it answers as a UNet does
    return made | {"ensemble": Made(ensemble, last), STUDENT: finished(STUDENT, one)}


def _refined(
    study: StarterStudy,
    folder: Path,
    own: Recipe,
    labelled: LabelledSlices,
    coarse: UNet,
    bar: Bar,
) -> Made:
    """The refined student of the recipe ``own``."""
    more = study.wider_people, study.finer_steps, study.finer_true_labels
    place = folder / "-".join(["refined", *_decided(study), *map(str, more), _made_by(own)])
    first = [refined(coarse, own)]
    with bar(FINER) as on_step:
        one = student(place, own, labelled, first, study.seed, study.finer_true_labels, on_step)
    numbers = range(study.wider_people, study.wider_people + study.finer_centring)
    others = [draw_person(study.seed, number, template(), wider=True) for number in numbers]
    with bar(f"threshold of {FINER}") as on_person:
        moved, threshold = centred(one, own, others, on_person, nearly=0)
    return Made(moved, own, threshold)


def _decided(study: StarterStudy) -> list[str]:
    """The settings that decide the student."""
    own = [study.student_steps, study.true_labels, study.centring]
    return [str(part) for part in (study.seed, study.people, *study.steps, *own)]


def _made_by(own: Recipe) -> str:
    """A digest of what decides a lesion network beside the settings of the study."""
    text = f"{PEOPLE_VERSION} {SLICES_VERSION} {own.model_dump_json()}"
    return sha256(text.encode()).hexdigest()[:10]


def _brain_network(
    study: StarterStudy, folder: Path, out: Path, on_step: Callable[[int, int], None]
) -> None:
    """Train the brain network if it is missing, and copy it to ``out``."""
    settings = BrainSettings(cycles=study.brain_steps, seed=study.seed)
    parts = map(str, (study.seed, *study.brain_steps))
    place = folder / "-".join(["brain", *parts, f"simulator{VERSION}"])
    made = train_brain(place, settings, on_step=on_step)
    out.mkdir(parents=True, exist_ok=True)
    for path in (made, made.with_suffix(".json")):
        shutil.copy(path, out / path.name)
