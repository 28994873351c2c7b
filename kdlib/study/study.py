"""What a study is: the settings of its TOML file, and the scenario of each of its arms."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from kdlib.errors import InputError
from kdlib.recipe import Recipe, Strict, unknown_name
from kdlib.study.scenario import Scenario

Pairs = tuple[tuple[str, str], ...]


class Sweep(Strict):
    """One arm at several values of one of its settings, with all the study's seeds."""

    arm: str
    setting: str = Field(description="of the arm's method, or of the recipe")
    values: tuple[float, ...] = Field(description="beside the arm's own, which is always there")
    pairs: Pairs | None = Field(None, description="none: the study's")
    folds: tuple[int, ...] | None = Field(None, description="none: the study's")


class Study(Strict):
    """The settings of a study, as its TOML file holds them.

    A study is many scenarios with one recipe: its arms, for every pair of clinics, fold and seed.

    Raises:
        InputError: a setting is unknown, missing or has no meaning.
    """

    name: str
    about: str = Field(description="what the study is, in a sentence")
    pairs: Pairs = Field(description="source and target of each pair")
    folds: tuple[int, ...]
    seeds: tuple[int, ...]
    on_the_fly_subjects: Annotated[int, Field(ge=0)] | None = Field(
        None, description="tested subjects of each fold adapted to one by one; none: all"
    )
    recipe: Recipe
    arms: dict[str, dict[str, Any]] = Field(
        description="settings of each arm; on_the_fly: one scan at a time; teacher: another arm"
    )
    sweeps: tuple[Sweep, ...] = ()

    def scenario(self, **settings: Any) -> Scenario:
        """A scenario by this study's recipe, with ``settings`` beside it or instead of it.

        >>> study = kdlib.load_study("demo")
        >>> scenario = study.scenario(method="supervised", source="utrecht", width=8)
        >>> scenario.width, scenario.depth == study.recipe.depth
        (8, True)
        """
        return Scenario(**self.recipe.model_dump() | settings)


def arm_scenario(
    study: Study, arm: str, pair: tuple[str, str], fold: int, seed: int, **changed: float
) -> Scenario:
    """The scenario of one arm (of an on-the-fly arm: before a subject is chosen).

    ``changed`` are settings that it has instead of its own.
    """
    if arm not in study.arms:
        raise InputError(unknown_name(arm, list(study.arms), f"arm of study {study.name}"))
    settings = {k: v for k, v in study.arms[arm].items() if k != "on_the_fly"} | changed
    teacher = settings.pop("teacher", None)
    if teacher is not None:
        settings["teacher"] = arm_scenario(study, teacher, pair, fold, seed)
    return study.scenario(source=pair[0], target=pair[1], fold=fold, seed=seed, **settings)


def built_in_studies() -> list[str]:
    """The names of the studies that come with the package."""
    folder = files("kdlib") / "studies"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir())


def load_study(name: str) -> Study:
    """Read a study.

    Args:
        name: ``"demo"``, ``"standard"`` or ``"paper"``, which come with kdlib; or the path of a
            ``.toml`` file like theirs.

    Raises:
        InputError: there is no such study, or its file has a mistake. The message says which.

    >>> kdlib.load_study("paper").recipe.steps
    24000
    """
    if name in built_in_studies():
        text = (files("kdlib") / "studies" / f"{name}.toml").read_text()
    elif name.endswith(".toml") and Path(name).is_file():
        text = Path(name).read_text()
    else:
        raise InputError(unknown_name(name, built_in_studies(), "study") + "; or give a .toml file")
    try:
        return Study(name=Path(name).stem, **tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name}: not readable as TOML ({error})") from error
