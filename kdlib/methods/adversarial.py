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
from kdlib.networks import CLASSES, level_size, mixed_precision, new_discriminator
from kdlib.randomness import seeded

Share = Annotated[float, Field(ge=0, le=1)]


class AdversarialSettings(MethodSettings):
    """What only ADA has (the weight and its ramp: Kamnitsas et al. 2017, Section 3.2).

    They take a weight of 0.05. With the logits, that made the network much worse at home here, so
    the default is the largest weight that did not (``book/protocol.md``, "Settings").
    """

    adversarial_weight: Annotated[float, Field(ge=0)] = Field(
        0.003, description="weight of the reversed gradient, after the ramp"
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
        width, levels = self.recipe.width, 2**self.recipe.depth - 1
        channels = {"features": width, "layers": width * levels}
        seen = self.settings.adversarial_input
        inputs = channels.get(seen, CLASSES)
        size = level_size(self.recipe) if seen in channels else self.recipe.size
        seed = int(seeded(self.seed, "discriminator").integers(2**31))
        self.discriminator = new_discriminator(
            inputs, size, self.settings.discriminator_width, seed
        )
        self.add("discriminator", self.discriminator)

    def update(self, step: int) -> Losses:
        images, labels, domains = self.mixed_batch(step)
        seen, logits = self.seen_and_logits(images)
        segmentation = self.segmentation_loss(logits[: len(labels)], labels)
        domain = self.domain_loss(seen, domains, self.weight(step))
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

    def seen_and_logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What the discriminator is shown of ``images``, and the logits (N, 2, H, W)."""
        with mixed_precision(self.device, self.recipe.precision):
            levels = self.network.levels(images)
            logits = self.network.head(levels[-1]).float()
        match self.settings.adversarial_input:
            case "logits":
                return logits, logits
            case "softmax":
                return logits.softmax(dim=1), logits
            case "features":
                return levels[-1].float(), logits
            case "layers":
                size = levels[-1].shape[-2:]
                maps = [F.interpolate(one.float(), size) for one in levels]
                return torch.cat(maps, dim=1), logits
