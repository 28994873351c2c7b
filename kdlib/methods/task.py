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

    Attributes:
        start: the network to start from, or None for random weights.
        once: calls a function with some arguments, and keeps the result for the next method that
            asks for the same.
        on_the_fly: whether the target is one scan alone.
    """

    start: UNet | None = None
    on_the_fly: bool = False
    once: Callable[..., Any] = call

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """The device on which all of it lies."""


@dataclass(frozen=True, kw_only=True)
class LabelledTask(Task):
    """For a method that learns from labels alone.

    Attributes:
        labelled: the slices of the source with their labels. A method that ``reads_target_labels``
            gets those of the target too.
    """

    labelled: LabelledSlices

    @property
    def device(self) -> torch.device:
        return self.labelled.labels.device


@dataclass(frozen=True, kw_only=True)
class AdaptationTask(LabelledTask):
    """For a method that adapts to a target: a ``LabelledTask`` with a target.

    Attributes:
        target: the slices of the target's scans, which have no labels to read.
    """

    target: Slices


@dataclass(frozen=True, kw_only=True)
class TaughtTask(AdaptationTask):
    """For a method that adapts with a teacher: an ``AdaptationTask`` with a teacher.

    Attributes:
        teacher: a trained network, which does not change.
    """

    teacher: UNet


@dataclass(frozen=True, kw_only=True)
class SourceFreeTask(Task):
    """For a method that adapts without the source: it has no scan and no label of it.

    Attributes:
        target: the slices of the target's scans, which have no labels to read.
        teacher: a network that was trained on the source. It does not change.
    """

    target: Slices
    teacher: UNet

    @property
    def device(self) -> torch.device:
        return self.target.images.device
