"""The recipe that all arms of a study share: preparation, network and training."""

import math
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kdlib.errors import InputError

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
CONSTANT_SHARE = 150 / 400  # the paper's rate falls after epoch 150 of 400
Change = Literal["flip", "affine", "gamma", "sharpness", "brightness", "noise"]


class Strict(BaseModel):
    """Settings that cannot be changed. An unknown name or a wrong value raises ``InputError``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            known = [field.alias or name for name, field in type(self).model_fields.items()]
            raise InputError(_first_line(error, known)) from None


def unknown_name(name: str, known: list[str], what: str = "setting") -> str:
    """One line about an unknown name. It suggests the most similar known name."""
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return f"unknown {what} {name!r}; {hint}"


def _first_line(error: ValidationError, known: list[str]) -> str:
    errors = error.errors()
    # A misspelt name is the cause of a missing one.
    unknown = (one for one in errors if one["type"] == "extra_forbidden")
    first = next(unknown, errors[0])
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return unknown_name(name, known)
    if first["type"] == "missing":
        return f"{name} is missing"
    if first["type"] == "value_error":
        return first["msg"].removeprefix("Value error, ")
    return f"{name}={first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}"


class Preparation(Strict):
    """How a scan becomes the slices that a network sees."""

    inputs: Literal["flair", "flair+t1"] = Field("flair", description="images that a network sees")
    voxel_mm: tuple[Positive, Positive, Positive] | None = Field(
        None, description="the edges in mm of the voxels that the network sees (left-right, "
        "front-back, up-down); none: the voxels of the scan"
    )  # fmt: skip
    size: tuple[Count, Count] = Field(
        (200, 200),
        description="the voxels of a slice (left-right, front-back); the scan is cropped or padded",
    )
    normalisation: Literal["z-score", "robust", "white-peak", "none"] = Field(
        "z-score",
        description="how intensities inside the head are brought to one scale; white-peak: by the "
        "peak of the white matter (Shinohara et al. 2014)",
    )


class Recipe(Preparation):
    """The settings that all networks of a study share. By default the paper's (Section 4.2)."""

    width: Count = Field(32, description="the channels of the UNet's first level")
    depth: Annotated[int, Field(ge=2, le=6)] = Field(4, description="how many levels the UNet has")
    norm: Literal["batch", "instance", "none"] = Field(
        "batch", description="the normalisation after each convolution"
    )
    stem: Literal["full", "half"] = Field(
        "full",
        description="where the UNet's first level works; half: at half the resolution, which is "
        "faster",
    )
    steps: Count = Field(24_000, description="optimiser steps of a training, the same in every arm")
    batch_size: Annotated[int, Field(ge=2)] = Field(16, description="how many slices one step sees")
    learning_rate: Positive = Field(1e-4, description="the rate of Adam at the beginning")
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear",
        description="how the learning rate falls; linear: it is constant for 150/400 of the steps "
        "and then falls linearly to 0",
    )
    loss: Literal["cross-entropy", "dice+cross-entropy"] = Field(
        "cross-entropy", description="the loss by which a network learns from labels"
    )
    other_pathology: Literal["ignore", "background"] = Field(
        "ignore", description="how the loss treats voxels of label 2 (other pathology)"
    )
    augmentation: tuple[Change, ...] = Field(
        (), description="random changes of the training slices: none, some or all of them"
    )
    start: Literal["scratch", "teacher"] = Field(
        "scratch", description="the weights that an adapting network starts from"
    )
    on_the_fly_steps: Count = Field(
        2_400, description="optimiser steps of an adaptation to one scan"
    )
    on_the_fly_start: Literal["scratch", "teacher"] = Field(
        "teacher", description="the weights that an adaptation to one scan starts from"
    )
    precision: Literal["auto", "bfloat16", "float32"] = Field(
        "auto",
        description="the precision of the network's arithmetic; auto: bfloat16 if the device is "
        "faster with it. Weights and losses are always float32. On a GPU cuDNN may compute "
        "convolutions of float32 in TF32, which has fewer digits",
    )

    @model_validator(mode="after")
    def _fits_the_network(self) -> Self:
        multiple = 2 ** (self.depth - (self.stem == "full"))
        if any(edge % multiple for edge in self.size):
            raise ValueError(
                f"size={self.size}: a UNet of depth {self.depth} needs multiples of {multiple}"
            )
        return self

    @property
    def preparation(self) -> Preparation:
        """The part of the recipe that decides how slices look."""
        return Preparation(**{name: getattr(self, name) for name in Preparation.model_fields})


def learning_rate_factor(progress: float, schedule: str) -> float:
    """The factor in [0, 1] of the learning rate at ``progress`` in [0, 1] of a training.

    ``"linear"`` is first constant and then falls linearly to 0 (paper, Section 4.2). ``"cosine"``
    falls along half a cosine. ``"constant"`` is always 1.
    """
    if schedule == "cosine":
        return (1 + math.cos(math.pi * progress)) / 2
    if schedule == "linear":
        return min(1.0, (1 - progress) / (1 - CONSTANT_SHARE))
    return 1.0
