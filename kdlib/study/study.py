"""A study: the settings of its TOML file, and the scenario of each of its arms."""

import tomllib
from collections.abc import Iterable, Sequence
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from kdlib.errors import InputError
from kdlib.files import read_text
from kdlib.recipe import Recipe, Strict, unknown_name
from kdlib.study.arm import Arms
from kdlib.study.scenario import Scenario

Pairs = Annotated[tuple[tuple[str, str], ...], Field(min_length=1)]
Numbers = Annotated[tuple[int, ...], Field(min_length=1)]


def sources_of(pairs: Iterable[Sequence[str]], swept: Iterable[Pairs | None]) -> list[str]:
    """The sources of a study's pairs and of those that its sweeps have of their own, each once."""
    every = chain(pairs, *(own or () for own in swept))
    return list(dict.fromkeys(source for source, _ in every))


class Sweep(Strict):
    """One arm at several values of one of its settings, with all the study's seeds."""

    arm: str
    setting: str = Field(description="the name of a setting of the method or the recipe")
    values: tuple[float, ...] = Field(description="its values; the arm's own value is added")
    pairs: Pairs | None = Field(None, description="pairs of clinics; none: the study's pairs")
    folds: Numbers | None = Field(None, description="folds; none: the study's folds")


class Study(Strict):
    """The settings of a study, as its TOML file holds them.

    A study has many scenarios with one recipe: each arm, for every pair of clinics, fold and seed.

    Raises:
        InputError: a setting is unknown or missing, or its value is wrong.
    """

    name: str
    about: str = Field(description="what the study is, in a sentence")
    supporting: bool = Field(
        False,
        description="whether it only supports another study; the book then shows it only where it "
        "is asked for by its name",
    )
    pairs: Pairs = Field(description="the source and the target of each pair")
    folds: Numbers
    seeds: Numbers
    sources: tuple[str, ...] | None = Field(
        None, description="the sources to run, in no study's file; none: those of all pairs"
    )
    on_the_fly_subjects: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="how many tested subjects of each fold have an on-the-fly adaptation of "
        "their own; none: all",
    )
    recipe: Recipe
    arms: Arms = Field(
        min_length=1, description="the arms by their names, in the order of figures and tables"
    )
    sweeps: tuple[Sweep, ...] = ()

    @property
    def all_sources(self) -> list[str]:
        """The sources of its pairs and of its sweeps' pairs, in their order."""
        return sources_of(self.pairs, [sweep.pairs for sweep in self.sweeps])

    @property
    def clinics(self) -> list[str]:
        """The names of the clinics of its pairs, sorted."""
        return sorted({name for pair in self.pairs for name in pair})

    def only_from(self, sources: Sequence[str]) -> "Study":
        """The same study with the pairs of some of its sources alone."""
        for name in sources:
            if name not in self.all_sources:
                raise InputError(unknown_name(name, self.all_sources, f"source of {self.name}"))
        chosen = tuple(name for name in self.all_sources if name in sources)
        every = len(chosen) == len(self.all_sources)
        return self.model_copy(update={"sources": None if every else chosen})

    def scenario(self, /, **settings: Any) -> Scenario:
        """Make a scenario with this study's recipe. ``settings`` add to the recipe or replace it.

        >>> study = kdlib.load_study("demo")
        >>> scenario = study.scenario(method="supervised", source="utrecht", width=8)
        >>> scenario.width, scenario.depth == study.recipe.depth
        (8, True)
        """
        return Scenario(**self.recipe.model_dump() | settings)

    def label(self, scenario: Scenario) -> str:
        """The name of ``scenario`` for a reader: the label of its arm, or else its method."""
        on_the_fly = scenario.subject is not None
        for name, arm in self.arms.items():
            if arm.awaited or arm.on_the_fly != on_the_fly:
                continue
            if _like(self, name, scenario) == scenario:
                return arm.label
        teacher = scenario.teacher.method if scenario.teacher else "supervised"
        parts = [scenario.method] + [f"from {teacher}"] * (teacher != "supervised")
        return " ".join(parts + ["on the fly"] * on_the_fly)


def arm_scenario(
    study: Study, arm: str, pair: tuple[str, str], fold: int, seed: int, **changed: float
) -> Scenario:
    """The scenario of one arm. For an on-the-fly arm no subject is chosen yet.

    ``changed`` are settings that replace the arm's own.
    """
    if arm not in study.arms:
        raise InputError(unknown_name(arm, list(study.arms), f"arm of study {study.name}"))
    refuse_undecided(study, [arm])
    settings = study.arms[arm].settings | changed
    teacher = study.arms[arm].teacher
    if teacher is not None:
        settings["teacher"] = arm_scenario(study, teacher, pair, fold, seed)
    return study.scenario(source=pair[0], target=pair[1], fold=fold, seed=seed, **settings)


def refuse_undecided(study: Study, arms: Sequence[str] | None = None) -> None:
    """Raise ``InputError`` if one of ``arms`` waits for the results of another study. None: all."""
    for name in study.arms if arms is None else arms:
        for what, other in study.arms[name].awaited.items():
            raise InputError(
                f"study {study.name}: the {what} of its arm {name!r} is chosen by the results of "
                f"the study {other}; record that one, then type 'kdlib choose FILE' with the file "
                f"{study.name}.toml"
            )


def _like(study: Study, arm: str, other: Scenario) -> Scenario | None:
    """The arm's scenario for the clinics, fold, seed and subject of ``other``."""
    if other.target is None or other.fold is None:
        return None
    pair = (other.source, other.target)
    return arm_scenario(study, arm, pair, other.fold, other.seed).changed(subject=other.subject)


def built_in_studies() -> list[str]:
    """The names of the studies that come with the package."""
    folder = files("kdlib") / "studies"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir())


def load_study(name: str) -> Study:
    """Read a study.

    Args:
        name: one of ``built_in_studies``, which come with kdlib, or the path of a ``.toml`` file of
            the same form.

    Raises:
        InputError: there is no such study, or its file has a mistake. The message says which.

    >>> kdlib.load_study("paper").recipe.steps
    24000
    """
    if name in built_in_studies():
        text = (files("kdlib") / "studies" / f"{name}.toml").read_text("utf-8")
    elif name.endswith(".toml") and Path(name).is_file():
        text = read_text(Path(name))
    else:
        raise InputError(unknown_name(name, built_in_studies(), "study") + "; or give a .toml file")
    try:
        settings = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also of numbers and lists without an end
        raise InputError(f"{name}: this is not valid TOML ({error}); correct it") from error
    if "name" in settings:
        raise InputError(f"{name}: a study is called as its file is; leave out its name")
    if "sources" in settings:
        raise InputError(f"{name}: a study has pairs; leave out its sources, or give --sources")
    return Study(name=Path(name).stem, **settings)
