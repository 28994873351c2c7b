"""Score lesion networks on simulated people, and write the last one with its note."""

from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from kdlib.files import write_text
from kdlib.networks import UNet
from kdlib.recipe import Recipe, Strict
from kdlib.starter.population import OnPerson
from kdlib.starter.starter import write_lesion_network
from kdlib.starter.validation import validation_scores

SCORES = "validation.csv"


class Made(NamedTuple):
    """A lesion network, its recipe, and the threshold that became 0.5. An ensemble has none."""

    network: UNet
    recipe: Recipe
    threshold: float | None = None


def ship(
    made: dict[str, Made],
    study: Strict,
    people: tuple[int, int],
    out: Path,
    on_person: OnPerson,
) -> pd.DataFrame:
    """Score networks by name, and write the last one, its note and all scores to ``out``.

    Args:
        made: the networks.
        study: the settings by which they were made, for the note.
        people: the seed of the people of the validation, and how many there are.
        out: the folder.
        on_person: is called with how many people are done, and all.
    """
    networks = {name: (one.network, one.recipe) for name, one in made.items()}
    scores = validation_scores(networks, *people, on_person)
    means = scores.groupby("network").dice.mean().round(3)
    last, moved = list(made)[-1], {n: one.threshold for n, one in made.items() if one.threshold}
    note = {
        "network": last,
        **study.model_dump(),
        "thresholds_before_centring": moved,
        "kdlib": version("kdlib"),
        "torch": version("torch"),
        "validation_dice": {str(name): float(value) for name, value in means.items()},
    }
    write_lesion_network(out, made[last].network, made[last].recipe, note)
    write_text(out / SCORES, scores.to_csv(index=False))
    return scores
