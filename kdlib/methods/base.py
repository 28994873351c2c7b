"""What a method is: networks, their optimisers and one update."""

import copy
from collections.abc import Collection
from dataclasses import fields
from typing import ClassVar, Generic, TypeVar, get_args, get_origin

import torch
from pydantic import Field
from torch import Tensor, nn

from kdlib.augmentation import Augmentation, draw, sent
from kdlib.data.labels import Label
from kdlib.errors import InputError
from kdlib.losses import IGNORED, cross_entropy, soft_dice_loss
from kdlib.methods.task import AdaptationTask, Task
from kdlib.networks import UNet, mixed_precision, new_unet
from kdlib.randomness import batch_indices, seeded
from kdlib.recipe import Count, Recipe, Strict, learning_rate_factor

Losses = dict[str, Tensor]


class MethodSettings(Strict):
    """The settings of one method, beside the recipe that all share."""

    @property
    def softening(self) -> float:
        """How much less sure the method's network is by construction.

        Its logits are those of an unsoftened network divided by this number, which is above 0. It
        is 1 unless the method's loss softens answers.
        """
        return 1.0

    @property
    def target_labels(self) -> int | None:
        """How many labelled subjects of the target it learns from, without the source's.

        None: it learns from those that its kind of task says.
        """
        return None

    @property
    def scans_of_target(self) -> int | None:
        """How many scans of the target it adapts to; the seed draws them. None: all."""
        return None


class NoSettings(MethodSettings):
    """Of a method that has none of its own."""


class TargetScans(MethodSettings):
    """Of a method that can be given a few of the target's scans, to see how many it needs."""

    target_scans: Count | None = Field(
        None,
        description="how many scans of the target it adapts to; the seed draws them; none: all",
    )

    @property
    def scans_of_target(self) -> int | None:
        return self.target_scans


TaskT = TypeVar("TaskT", bound=Task, covariant=True)
SettingsT = TypeVar("SettingsT", bound=MethodSettings, covariant=True)


class Method(Generic[TaskT, SettingsT]):
    """One way to a segmenter: owns its networks and optimisers; ``update`` takes one step.

    ``class Mine(Method[AdaptationTask, NoSettings], name="mine")`` in a file of this folder, or
    anywhere, is all a new method needs. The kind of task says what it is handed; the second type
    has its settings.

    Attributes:
        recipe: what all methods of a study share.
        settings: the method's own settings.
        task: what it is handed.
        updates: how many steps the whole training takes.
        network: the segmenter, which starts as ``task.start`` or from random weights.
    """

    named: ClassVar[dict[str, type["Method"]]] = {}
    name: ClassVar[str]
    task_type: ClassVar[type[Task]]
    Settings: ClassVar[type[MethodSettings]]
    needs_source: ClassVar[bool]  # these three follow from the kind of task
    needs_target: ClassVar[bool]
    needs_teacher: ClassVar[bool]
    reads_target_labels: ClassVar[bool] = False
    trains: ClassVar[bool] = True  # False: it takes no step; what it does, it does in set_up
    starts_at_teacher: ClassVar[bool] = False  # True: at its weights, whatever the recipe says
    changes_network: ClassVar[bool] = True  # False: its network is its teacher, as it was
    teacher_inputs: ClassVar[str | None] = None  # the images its teacher sees; None: the same

    def __init_subclass__(cls, *, name: str) -> None:
        for base in cls.__dict__.get("__orig_bases__", ()):
            if get_origin(base) is Method:
                cls.task_type, cls.Settings = get_args(base)
        if not hasattr(cls, "task_type"):
            raise TypeError(f"{cls.__name__}: write Method[its kind of task, its settings]")
        if cls.trains and cls.update is Method.update:
            raise TypeError(f"{cls.__name__} has no update: write one, or set trains = False")
        handed = {field.name for field in fields(cls.task_type)}
        cls.needs_source = "labelled" in handed
        cls.needs_target = "target" in handed
        cls.needs_teacher = "teacher" in handed
        cls.name = name
        _register(cls)

    def __init__(
        self, recipe: Recipe, settings: SettingsT, task: TaskT, *, seed: int, updates: int
    ) -> None:
        self.check(recipe)
        self.recipe = recipe
        self.settings = settings
        self.task = task
        self.seed = seed
        self.updates = updates
        self.device = task.device
        self.modules: dict[str, nn.Module] = {}
        self.optimisers: dict[str, torch.optim.Optimizer] = {}
        self.network = self._first_network()
        self.add("network", self.network)
        self.set_up()
        if all(self.result is not module for module in self.modules.values()):
            raise TypeError(f"{self.name}: its result would not be resumed; add or keep it")

    @classmethod
    def check(cls, recipe: Recipe) -> None:
        """Raise ``InputError`` for a recipe that the method cannot follow."""

    def set_up(self) -> None:
        """Make what the method has beyond its network."""

    def update(self, step: int) -> Losses:
        """Take optimiser step ``step`` (from 0) and return the losses it saw."""
        raise NotImplementedError(f"{self.name} takes no step")

    def rate(self, step: int) -> float:
        """The learning rate of optimiser step ``step``, as the recipe says."""
        factor = learning_rate_factor(step / self.updates, self.recipe.schedule)
        return self.recipe.learning_rate * factor

    def findings(self) -> dict[str, float]:
        """Numbers about the trained network that the run keeps, by name. Called after the end."""
        return {}

    @property
    def result(self) -> UNet:
        """The network that is saved and scored; one of ``modules``."""
        return self.network

    def add(self, name: str, module: nn.Module, rate: float | None = None) -> None:
        """Train ``module``, with an optimiser of its own.

        ``rate`` is its learning rate before the schedule lowers it; none: that of the recipe.
        """
        self.modules[name] = module.to(self.device).train()
        share = 1.0 if rate is None else rate / self.recipe.learning_rate
        group = {"params": list(module.parameters()), "share": share}
        self.optimisers[name] = torch.optim.Adam([group], lr=self.recipe.learning_rate, fused=True)

    def keep(self, name: str, module: nn.Module) -> None:
        """Have ``module`` saved and resumed without training it: a running mean, for example."""
        self.modules[name] = module.to(self.device).requires_grad_(False)

    def batch(self, count: int, size: int, step: int, purpose: str) -> Tensor:
        """The indices (size,) of this step's slices out of ``count``."""
        indices = batch_indices(count, size, step, seed=self.seed, purpose=purpose)
        return sent(torch.from_numpy(indices), self.device)

    def mixed_batch(
        self: "Method[AdaptationTask, MethodSettings]", step: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """A batch that is half source, half target, augmented.

        Returns images (N, C, H, W), the labels (N/2, H, W) of the source half, and domains (N,):
        0 for source, 1 for target. The source half comes first.
        """
        labelled, target, half = self.task.labelled, self.task.target, self.recipe.batch_size // 2
        here = self.batch(len(labelled), half, step, "source")
        there = self.batch(len(target), half, step, "target")
        images = torch.cat([labelled.slices.images[here], target.images[there]])
        change = self.augmentation(2 * half, step)
        labels = change.first(half).labels(labelled.labels[here])
        domains = torch.arange(2, device=self.device).repeat_interleave(half)
        return change.images(images), labels, domains

    def augmentation(self, count: int, step: int) -> Augmentation:
        """This step's random changes of ``count`` slices."""
        return self._drawn("augmentation", count, step)

    def two_views(self, count: int, step: int) -> tuple[Augmentation, Augmentation]:
        """Two independent random changes of the same ``count`` slices.

        ``first.maps(second.back(answers))`` brings answers to the second view onto the first.
        """
        return self.augmentation(count, step), self._drawn("second view", count, step)

    def _drawn(self, purpose: str, count: int, step: int) -> Augmentation:
        rng = seeded(self.seed, purpose, step)
        return draw(self.recipe.augmentation, count, self.recipe.size, rng)

    def answer(self, images: Tensor, network: UNet | None = None) -> Tensor:
        """The logits (N, 2, H, W), float32, of ``network``; none: of the method's own."""
        with mixed_precision(self.device, self.recipe.precision):
            return (self.network if network is None else network)(images).float()

    def features_and_logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The last decoder level (N, width, H, W) and the logits (N, 2, H, W), float32."""
        with mixed_precision(self.device, self.recipe.precision):
            features = self.network.features(images)
            return features.float(), self.network.head(features).float()

    def segmentation_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The recipe's loss of logits (N, 2, H, W) against labels (N, H, W)."""
        if self.recipe.other_pathology == "background":
            labels = labels.masked_fill(labels == IGNORED, Label.BACKGROUND)
        loss = cross_entropy(logits, labels)
        if self.recipe.loss == "dice+cross-entropy":
            loss = loss + soft_dice_loss(logits, labels)
        return loss

    def descend(self, loss: Tensor, still: Collection[str] = ()) -> None:
        """One step down the gradient of ``loss`` by all optimisers but those named ``still``."""
        for optimiser in self.optimisers.values():
            optimiser.zero_grad()
        loss.backward()
        for name, optimiser in self.optimisers.items():
            if name not in still:
                optimiser.step()

    def _first_network(self) -> UNet:
        if self.task.start is not None:
            return copy.deepcopy(self.task.start).requires_grad_(True)
        return new_unet(self.recipe, int(seeded(self.seed, self.name).integers(2**31)))


def _register(method: type[Method]) -> None:
    """Make a method known by its name; a notebook may define the same class again."""
    known = Method.named.get(method.name, method)
    first, second = (f"{kind.__module__}.{kind.__qualname__}" for kind in (known, method))
    if first != second:
        raise InputError(
            f"two methods have the name {method.name!r}: {first}, {second}; rename one"
        )
    Method.named[method.name] = method
