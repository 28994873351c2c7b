"""ADDA: a copy of the teacher learns features that pass for the source's (Tzeng et al. 2017)."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.func import functional_call

from kdlib.losses import domain_loss
from kdlib.methods.base import Losses, Method, MethodSettings
from kdlib.methods.task import TaughtTask
from kdlib.networks import FOLDS, Discriminator, mixed_precision
from kdlib.randomness import seeded


class AddaSettings(MethodSettings):
    """What only ADDA has."""

    discriminator_width: Annotated[int, Field(ge=1)] = Field(
        8, description="filters of the discriminator's first convolution"
    )


class Adda(Method[TaughtTask, AddaSettings], name="adda"):
    """Adapt the features of the target alone; the source's are the teacher's, and do not move.

    The discriminator learns to tell both apart, with the last decoder level as features. The
    network learns that its target features are called source: its labels are inverted (paper,
    Section 4). The head stays the teacher's. No label of the source is used again. With a
    high learning rate the network leaves its teacher before the discriminator knows where to.
    """

    starts_at_teacher = True

    def set_up(self) -> None:
        self.network.head.requires_grad_(False)
        fold, (height, width) = FOLDS[self.recipe.stem], self.recipe.size
        seen = (self.recipe.width, (height // fold, width // fold))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(seeded(self.seed, "discriminator").integers(2**31)))
            self.discriminator = Discriminator(*seen, self.settings.discriminator_width)
        self.add("discriminator", self.discriminator)

    def update(self, step: int) -> Losses:
        images, labels, domains = self.mixed_batch(step)
        here, there = images.split(len(labels))
        with torch.no_grad(), mixed_precision(self.device, self.recipe.precision):
            source = self.task.teacher.features(here).float()
        target, _ = self.features_and_logits(there)
        domain = domain_loss(self.told(torch.cat([source, target.detach()])), domains)
        fooled = domain_loss(self.told(target, still=True), domains[: len(labels)])
        self.descend(domain + fooled)
        return {"domain": domain.detach(), "fooled": fooled.detach()}

    def told(self, features: Tensor, still: bool = False) -> Tensor:
        """The discriminator's answer (N, 2); ``still``: its own weights learn nothing from it."""
        weights: dict[str, Tensor] = dict(self.discriminator.named_parameters())
        if still:
            weights = {name: weight.detach() for name, weight in weights.items()}
        with mixed_precision(self.device, self.recipe.precision):
            answer: Tensor = functional_call(self.discriminator, weights, (features,))
        return answer.float()
