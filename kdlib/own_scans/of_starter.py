"""The starter as a segmenter, as it is shipped or after it was adapted to a clinic's scans."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from kdlib.data.volume import Volume
from kdlib.own_scans.segmenter import Answers
from kdlib.recipe import Recipe
from kdlib.starter.brain import BRAIN, find_brain, stripped
from kdlib.starter.starter import Starter, lesions_in
from kdlib.training import choose_device

NAME = "starter"
TOLD = ("finished", "seconds", "device", "versions")  # what a report's table of networks shows


class StarterSegmenter:
    """The starter: it finds the brain, and then the lesions inside it."""

    finds_brain = True

    def __init__(self, starter: Starter, device: str = "auto") -> None:
        self.starter = starter
        self.network = deepcopy(starter.network).to(choose_device(device)).eval()

    @property
    def name(self) -> str:
        return self._made_as

    @property
    def role(self) -> str:
        return "starter" if self.name == NAME else "student"

    @property
    def recipe(self) -> Recipe:
        return self.starter.recipe

    @property
    def settings(self) -> dict[str, Any]:
        own = self.recipe.model_dump(mode="json") | {"settings": {}, "teacher": None}
        return dict(self.starter.provenance.get("settings", own))

    @property
    def provenance(self) -> dict[str, dict[str, Any]]:
        told: dict[str, Any] = {"finished": "–", "seconds": None, "device": "–", "versions": {}}
        made = self.starter.provenance
        return {self._made_as: told | {name: made[name] for name in TOLD if name in made}}

    @property
    def _made_as(self) -> str:
        """The starter's own name, or that of a student of it that was kept."""
        return str(self.starter.provenance.get("name", NAME))

    @property
    def missing(self) -> list[str]:
        return []

    def answers(self, scan: Sequence[Volume]) -> Answers:
        brain, cut = brain_and_inside(scan[0])
        return Answers({"result": lesions_in(cut, self.network, self.recipe)}, cut, brain)


def brain_and_inside(flair: Volume) -> tuple[Volume, Volume]:
    """The brain as a mask (bool), and the FLAIR that is 0 outside it. Both on the FLAIR's grid."""
    probability = find_brain(flair)
    mask = replace(flair, array=probability.array >= BRAIN)
    return mask, stripped(flair, probability)
