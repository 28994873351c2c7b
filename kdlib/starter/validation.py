"""Score lesion networks on simulated people whom they have not seen."""

from typing import Any

import pandas as pd

from kdlib.networks import UNet
from kdlib.prediction import predict
from kdlib.recipe import Recipe
from kdlib.scores.in_space import evaluate_volumes
from kdlib.starter.people import draw_person
from kdlib.starter.population import OnPerson, template


def validation_scores(
    networks: dict[str, tuple[UNet, Recipe]],
    seed: int,
    people: int,
    on_person: OnPerson = lambda done, total: None,
    *,
    first: int = 0,
    wider: bool = False,
) -> pd.DataFrame:
    """Score networks, each with its recipe, on scans of the validation's people, on their own grid.

    ``first`` is the number of the first of ``people`` people. They may be ``wider`` ones.
    """
    rows: list[dict[str, Any]] = []
    for done, number in enumerate(range(first, first + people), start=1):
        person = draw_person(seed, number, template(), split="validation", wider=wider)
        edge, _, thick = person.flair.spacing_mm
        about = {"person": number, "edge_mm": round(edge, 2), "slice_mm": round(thick, 2)}
        for name, (network, own) in networks.items():
            found = evaluate_volumes(person.labels, predict(network, [person.flair], own))
            what = {"dice": found.dice, "recall": found.lesion_recall}
            rows.append({"network": name, **about, "lesion_ml": person.lesion_ml} | what)
        on_person(done, people)
    return pd.DataFrame(rows)
