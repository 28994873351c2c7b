"""What a method is: networks, their optimisers and one update."""

import copy
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from kdlib.augmentation import Augmentation, draw
from kdlib.data.slices import LabelledSlices, Slices
from kdlib.losses import IGNORED, cross_entropy, soft_dice_loss
from kdlib.networks import UNet, mixed_precision, new_unet
from kdlib.randomness import batch_indices, seeded
from kdlib.recipe import Recipe, Strict

Losses = dict[str, Tensor]


class NoSettings(Strict):
    """Of a method that has none of its own."""


@dataclass(frozen=True)
class Task:
    """What a method is handed, all on one device.

    ``labelled``: the source with its labels; for a method that ``reads_target_labels`` the
    target's too. ``target``: the target's scans, which have no labels to read. ``teacher``: a
    trained network. ``start``: the network to start from; none: from scratch.
    """

    labelled: LabelledSlices
    target: Slices | None = None
    teacher: UNet | None = None
    start: UNet | None = None


class Method(ABC):
    """One way to a segmenter: owns its networks and optimisers; ``update`` takes one step.

    ``class Mine(Method, name="mine")`` in a file of this folder is all a new method needs.
    """

    named: ClassVar[dict[str, type["Method"]]] = {}
    name: ClassVar[str]
    Settings: ClassVar[type[Strict]] = NoSettings
    reads_target_labels: ClassVar[bool] = False
    needs_target: ClassVar[bool] = True
    needs_teacher: ClassVar[bool] = False
    trains: ClassVar[bool] = True

    def __init_subclass__(cls, *, name: str) -> None:
        cls.name = name
        Method.named[name] = cls

    def __init__(
        self, recipe: Recipe, settings: Strict, task: Task, *, seed: int, updates: int
    ) -> None:
        self.recipe = recipe
        self.settings: Any = settings
        self.task = task
        self.seed = seed
        self.updates = updates
        self.device = task.labelled.labels.device
        self.modules: dict[str, nn.Module] = {}
        self.optimisers: dict[str, torch.optim.Optimizer] = {}
        self.network = self._first_network()
        self.add("network", self.network)
        self.set_up()

    def set_up(self) -> None:  # noqa: B027 - most methods have nothing more
        """Make what the method has beyond its network."""

    @abstractmethod
    def update(self, step: int) -> Losses:
        """Take optimiser step ``step`` (from 0) and return the losses it saw."""

    def add(self, name: str, module: nn.Module) -> None:
        """Train ``module``, with an optimiser of its own."""
        self.modules[name] = module.to(self.device).train()
        self.optimisers[name] = torch.optim.Adam(
            module.parameters(), lr=self.recipe.learning_rate, fused=True
        )

    def batch(self, count: int, size: int, step: int, purpose: str) -> Tensor:
        """The indices (size,) of this step's slices out of ``count``."""
        indices = batch_indices(count, size, step, seed=self.seed, purpose=purpose)
        return torch.from_numpy(indices).to(self.device)

    def augmentation(self, count: int, step: int) -> Augmentation:
        """This step's random changes of ``count`` slices."""
        rng = seeded(self.seed, "augmentation", step)
        return draw(self.recipe.augmentation, count, self.recipe.size, rng)

    def answer(self, images: Tensor) -> Tensor:
        """The network's logits (N, 2, H, W), float32."""
        with mixed_precision(self.device, self.recipe.precision):
            return self.network(images).float()

    def segmentation_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The recipe's loss of logits (N, 2, H, W) against labels (N, H, W)."""
        if self.recipe.other_pathology == "background":
            labels = labels.masked_fill(labels == IGNORED, 0)
        loss = cross_entropy(logits, labels)
        if self.recipe.loss == "dice+cross-entropy":
            loss = loss + soft_dice_loss(logits, labels)
        return loss

    def descend(self, loss: Tensor) -> None:
        """One step of every optimiser down the gradient of ``loss``."""
        for optimiser in self.optimisers.values():
            optimiser.zero_grad()
        loss.backward()
        for optimiser in self.optimisers.values():
            optimiser.step()

    def _first_network(self) -> UNet:
        if self.task.start is not None:
            return copy.deepcopy(self.task.start).requires_grad_(True)
        return new_unet(self.recipe, int(seeded(self.seed, self.name).integers(2**31)))
