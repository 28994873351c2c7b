"""ADA: a segmenter whose answers do not tell the clinic (paper, Section 3 and 4.2).

After Kamnitsas et al. 2017, with the discriminator on the final layer as the paper has it.
"""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from kdlib.losses import domain_loss, reverse_gradient
from kdlib.methods.base import Losses, Method, MethodSettings
from kdlib.methods.task import AdaptationTask
from kdlib.networks import CLASSES, FOLDS, Discriminator, mixed_precision
from kdlib.randomness import seeded

Share = Annotated[float, Field(ge=0, le=1)]


class AdversarialSettings(MethodSettings):
    """What only ADA has (the weight and its ramp: Kamnitsas et al. 2017, Section 3.2)."""

    adversarial_weight: Annotated[float, Field(ge=0)] = Field(
        0.05, description="weight of the reversed gradient, after the ramp"
    )
    ramp: tuple[Share, Share] = Field(
        (0.025, 0.0875),
        description="shares of the training at which the weight starts to grow and is full",
    )
    adversarial_input: Literal["logits", "softmax", "features", "layers"] = Field(
        "logits",
        description="what the discriminator sees; features: the last decoder level; layers: all "
        "decoder levels (Kamnitsas et al. 2017)",
    )
    discriminator_width: Annotated[int, Field(ge=1)] = Field(
        8, description="filters of the discriminator's first convolution"
    )


class Adversarial(Method[AdaptationTask, AdversarialSettings], name="adversarial"):
    """Segment the source while confusing a discriminator of source and target.

    A batch is half source, half target. One backward pass trains both networks: the discriminator
    goes down its loss, and the UNet goes up the same loss, through the reversed gradient.
    """

    def set_up(self) -> None:
        seed = int(seeded(self.seed, "discriminator").integers(2**31))
        inputs, size = CLASSES, self.recipe.size
        if self.settings.adversarial_input in ("features", "layers"):
            fold, layers = FOLDS[self.recipe.stem], self.settings.adversarial_input == "layers"
            inputs = self.recipe.width * (2**self.recipe.depth - 1 if layers else 1)
            size = (size[0] // fold, size[1] // fold)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.discriminator = Discriminator(inputs, size, self.settings.discriminator_width)
        self.add("discriminator", self.discriminator)

    def update(self, step: int) -> Losses:
        images, labels, domains = self.mixed_batch(step)
        features, logits = self.features_and_logits(images)
        segmentation = self.segmentation_loss(logits[: len(labels)], labels)
        domain = self.domain_loss(self.seen(features, logits), domains, self.weight(step))
        self.descend(segmentation + domain)
        return {"segmentation": segmentation.detach(), "domain": domain.detach()}

    def weight(self, step: int) -> float:
        """The weight of the reversed gradient: 0, then a linear ramp, then whole."""
        first, last = self.settings.ramp
        progress = (step / self.updates - first) / max(last - first, 1e-9)
        return self.settings.adversarial_weight * min(max(progress, 0.0), 1.0)

    def domain_loss(self, seen: Tensor, domains: Tensor, weight: float) -> Tensor:
        """The discriminator's loss; its gradient reaches ``seen`` reversed, times ``weight``."""
        with mixed_precision(self.device, self.recipe.precision):
            answers = self.discriminator(reverse_gradient(seen, weight))
        return domain_loss(answers.float(), domains)

    def features_and_logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """As of every method; with ``"layers"`` the features are those of all decoder levels."""
        if self.settings.adversarial_input != "layers":
            return super().features_and_logits(images)
        with mixed_precision(self.device, self.recipe.precision):
            levels = self.network.levels(images)
            logits = self.network.head(levels[-1]).float()
        size = levels[-1].shape[-2:]
        return torch.cat([F.interpolate(one.float(), size) for one in levels], dim=1), logits

    def seen(self, features: Tensor, logits: Tensor) -> Tensor:
        """What the discriminator is shown."""
        if self.settings.adversarial_input in ("features", "layers"):
            return features
        return logits.softmax(dim=1) if self.settings.adversarial_input == "softmax" else logits
