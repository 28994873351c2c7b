"""ADDA: a copy of the teacher learns features that pass for the source's (Tzeng et al. 2017)."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from kdlib.losses import domain_loss
from kdlib.methods.base import Losses, Method, TargetScans
from kdlib.methods.task import TaughtTask
from kdlib.networks import answer_of, level_size, mixed_precision, new_discriminator
from kdlib.randomness import seeded


class AddaSettings(TargetScans):
    """What only ADDA has."""

    discriminator_width: Annotated[int, Field(ge=1)] = Field(
        8, description="filters of the discriminator's first convolution"
    )


class Adda(Method[TaughtTask, AddaSettings], name="adda"):
    """Adapt the features of the target alone; the source's are the teacher's, and do not move.

    The discriminator learns to tell both apart, with the last decoder level as features. The
    network learns that its target features are called source: its labels are inverted (Tzeng et
    al. 2017, Section 4). The head stays the teacher's. No label of the source is used again.

    The authors' rate is 2e-4, for 10,000 steps of 128 images of each clinic, with a first moment of
    Adam of 0.5 (their code, scripts/svhn-mnist.sh and tools/train_adda.py). The optimiser here is
    that of all methods, whose first moment is 0.9, so that no arm has a better one. Their
    discriminator of two layers of 500 units reads vectors; here it is ADA's, which reads maps. With
    a high rate the network leaves its teacher before the discriminator knows where to.
    """

    starts_at_teacher = True

    def set_up(self) -> None:
        self.network.head.requires_grad_(False)
        seed = int(seeded(self.seed, "discriminator").integers(2**31))
        self.discriminator = new_discriminator(
            self.recipe.width, level_size(self.recipe), self.settings.discriminator_width, seed
        )
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
        with mixed_precision(self.device, self.recipe.precision):
            return answer_of(self.discriminator, features, still=still).float()
