"""A scenario: everything that decides a run's numbers, except for the data."""

import hashlib
from collections import Counter
from importlib import import_module
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializeAsAny, model_validator

from kdlib.methods import method_named
from kdlib.methods.base import Method, MethodSettings
from kdlib.recipe import Preparation, Recipe, unknown_name

# Raise it when a change to kdlib changes the numbers that a scenario gives.
NUMBERS_VERSION = 4
DEFAULT_TEACHER = "supervised"  # the method of the teacher if nobody names one


class Scenario(Recipe):
    """One method on one pair of clinics by one recipe. It decides all numbers of a run.

    A scenario cannot be changed, but ``changed`` makes a new one. The method's own settings are
    given together with the others. If a method needs a teacher and none is given, it gets
    ``default_teacher``. If a ``subject`` is given, the network adapts on the fly: to this one scan
    of the target, and it is tested on the same scan.

    Raises:
        InputError: a name is unknown or a value is wrong. The message names the most similar name.

    >>> scenario = kdlib.Scenario(
    ...     method="distillation", source="utrecht", target="singapore", temperature=2.0
    ... )
    >>> scenario.steps
    24000
    >>> scenario.settings.temperature
    2.0
    >>> scenario.teacher.method
    'supervised'
    """

    method: str = Field(description="the name of the method that adapts")
    source: str = Field(description="the clinic with labels; several joined by + are pooled")
    target: str | None = Field(None, description="the clinic to adapt to")
    fold: Literal[0, 1] | None = Field(
        0, description="the half of the target's training subjects to adapt to; the other half is "
        "tested; none: adapt to all of them and test on all of them"
    )  # fmt: skip
    subject: str | None = Field(None, description="the one scan of on-the-fly adaptation")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="it decides weights and batches")
    settings: SerializeAsAny[MethodSettings] = Field(description="the method's own settings")
    teacher: "Scenario | None" = Field(
        None, description="the scenario of the network to learn from; none: the method's default"
    )

    @model_validator(mode="before")
    @classmethod
    def _sort_settings(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Move names that are not fields of a scenario to the method's own settings."""
        method = method_named(str(values.get("method")))
        own = {name: value for name, value in values.items() if name in cls.model_fields}
        rest = {name: value for name, value in values.items() if name not in own}
        known = [*cls.model_fields, *method.Settings.model_fields]
        for name in rest:
            if name not in known:
                raise ValueError(unknown_name(name, known, f"setting of {method.name}"))
        given = own.get("settings") or {}
        if isinstance(given, MethodSettings):
            given = given.model_dump()
        if not isinstance(given, dict):
            raise ValueError(f"settings={given!r}: give each setting by its name")
        return own | {"settings": method.Settings(**given | rest)}

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        kind = self.method_type
        few = self.settings.target_labels is not None
        if self.target is None and (kind.needs_target or few):
            raise ValueError(f"method={self.method!r} needs a target; name a clinic")
        named = [name for text in (self.source, self.target) if text for name in text.split("+")]
        if twice := [name for name, count in Counter(named).items() if count > 1]:
            raise ValueError(f"source and target name {twice[0]!r} twice; name each clinic once")
        if self.subject is not None and (kind.reads_target_labels or not kind.needs_target):
            raise ValueError(f"method={self.method!r} does not adapt; give it no subject")
        kind.check(self)
        if self.teacher is None and (kind.needs_teacher or self.starts_from_teacher):
            object.__setattr__(self, "teacher", self.default_teacher())
        if self.teacher is not None:
            self._check(self.teacher)
        return self

    def _check(self, teacher: "Scenario") -> None:
        """Check that a teacher's answers and weights fit its student's slices and network."""
        if teacher.source != self.source:
            raise ValueError(
                f"its teacher has source={teacher.source!r}, not {self.source!r}; name one source"
            )
        self._check_nothing_leaks(teacher)
        for name in (*Preparation.model_fields, "width", "depth", "norm", "stem"):
            own, other = getattr(self, name), getattr(teacher, name)
            if name == "inputs" and self.method_type.teacher_inputs is not None:
                own = self.method_type.teacher_inputs
            if own != other:
                raise ValueError(f"its teacher has {name}={other!r}, not {own!r}; make them equal")

    def _check_nothing_leaks(self, teacher: "Scenario") -> None:
        """Check that a teacher that met a target met the scans that its student adapts to."""
        if teacher.target is None:
            return
        if teacher.method_type.reads_target_labels:
            raise ValueError(
                f"its teacher has method={teacher.method!r}, which reads labels of the target; "
                "name another method"
            )
        for name in ("target", "fold", *(["subject"] if teacher.subject is not None else [])):
            own, other = getattr(self, name), getattr(teacher, name)
            if own != other:
                raise ValueError(f"its teacher has {name}={other!r}, not {own!r}; make them equal")

    def __reduce__(self) -> tuple[Any, ...]:
        """Let another process import the modules of the methods, so that it knows their names."""
        modules = [scenario.method_type.__module__ for scenario in self.lineage]
        return _read_elsewhere, (modules, self.model_dump_json())

    def changed(self, **values: Any) -> "Scenario":
        """The same scenario with other ``values``. It is checked like a new one."""
        return Scenario(**self.model_dump() | values)

    @property
    def method_type(self) -> type[Method]:
        """The class of the method."""
        return method_named(self.method)

    @property
    def lineage(self) -> "list[Scenario]":
        """The scenario itself, its teacher, the teacher of its teacher, and so on."""
        return [self, *(self.teacher.lineage if self.teacher is not None else [])]

    @property
    def updates(self) -> int:
        """How many optimiser steps its training takes. It is 0 for a method that does not train."""
        if not self.method_type.trains:
            return 0
        return self.steps if self.subject is None else self.on_the_fly_steps

    @property
    def starts_from_teacher(self) -> bool:
        """Whether training starts from the teacher's weights."""
        kind = self.method_type
        if not kind.trains or kind.starts_at_teacher:
            return True
        if kind.reads_target_labels or kind.teacher_inputs is not None:
            return False
        return (self.start if self.subject is None else self.on_the_fly_start) == "teacher"

    def recipe(self) -> dict[str, Any]:
        """The settings that all arms of a study share, by name."""
        return {name: getattr(self, name) for name in Recipe.model_fields}

    def default_teacher(self) -> "Scenario":
        """The scenario of a supervised network of the source, by the same recipe, from scratch."""
        adapting = {"start", "on_the_fly_steps", "on_the_fly_start"}
        shared = {name: value for name, value in self.recipe().items() if name not in adapting}
        if self.method_type.teacher_inputs is not None:
            shared["inputs"] = self.method_type.teacher_inputs
        return Scenario(method=DEFAULT_TEACHER, source=self.source, seed=self.seed, **shared)

    def digest(self, data: str) -> str:
        """A short name for the numbers that this scenario gives on certain data.

        Args:
            data: the fingerprint of the clinics.

        Returns:
            Ten hexadecimal digits. They change if a setting or the data changes, or with a version
            of kdlib that gives other numbers.
        """
        text = f"{NUMBERS_VERSION} {self.model_dump_json()} {data}"
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    @property
    def slug(self) -> str:
        """A readable name. It is not unique, unlike the digest."""
        parts = [self.source, self.target, self.method]
        if self.teacher is not None and self.teacher.method != "supervised":
            parts.append(f"from-{self.teacher.method}")
        if "temperature" in type(self.settings).model_fields:
            parts.append(f"T{self.settings.temperature:g}")  # type: ignore[attr-defined]
        if self.subject is not None:
            parts.append(f"subject{self.subject}")
        elif self.target is not None:
            parts.append("all" if self.fold is None else f"fold{self.fold}")
        return "-".join([*(part for part in parts if part), f"seed{self.seed}"])


def _read_elsewhere(modules: list[str], text: str) -> Scenario:
    for module in modules:
        import_module(module)
    return Scenario.model_validate_json(text)
