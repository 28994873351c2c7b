"""What a method is handed: one kind of task for each kind of method.

A method names its kind of task, and reads nothing else: what a task does not hold, no code can
read, and mypy says so before it runs.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from operator import call
from typing import Any

import torch

from kdlib.data.slices import LabelledSlices, Slices
from kdlib.networks import UNet


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """What every kind of task has. All of a task lies on one device.

    ``start``: the network to start from; none: random weights. ``once``: calls a function with
    some arguments, and keeps the result for the next method that asks for the same.
    """

    start: UNet | None = None
    once: Callable[..., Any] = call

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where all of it lies."""


@dataclass(frozen=True, kw_only=True)
class LabelledTask(Task):
    """Learning from labels alone.

    ``labelled``: the source with its labels; for a method that ``reads_target_labels`` the
    target's too.
    """

    labelled: LabelledSlices

    @property
    def device(self) -> torch.device:
        return self.labelled.labels.device


@dataclass(frozen=True, kw_only=True)
class AdaptationTask(LabelledTask):
    """The labelled source, and ``target``: the target's scans, which have no labels to read."""

    target: Slices


@dataclass(frozen=True, kw_only=True)
class TaughtTask(AdaptationTask):
    """The same, and ``teacher``: a trained network that does not move."""

    teacher: UNet


@dataclass(frozen=True, kw_only=True)
class SourceFreeTask(Task):
    """The target's scans and a trained network. Nothing of the source is here, label or scan."""

    target: Slices
    teacher: UNet

    @property
    def device(self) -> torch.device:
        return self.target.images.device
