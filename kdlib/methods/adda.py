"""ADDA: a copy of the teacher learns features that pass for the source's (Tzeng et al. 2017)."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from kdlib.losses import domain_loss
from kdlib.methods.base import Losses, Method, TargetScans
from kdlib.methods.task import TaughtTask
from kdlib.networks import answer_of, mixed_precision, new_voxel_discriminator
from kdlib.randomness import seeded

MEMORY = 100  # steps over which the discriminator's share of right answers is averaged


class AddaSettings(TargetScans):
    """What only ADDA has."""

    discriminator_width: Annotated[int, Field(ge=1)] = Field(
        64, description="channels between the discriminator's layers"
    )
    discriminator_rate: Annotated[float, Field(gt=0)] = Field(
        2e-3, description="the learning rate of the discriminator; the recipe's is the network's"
    )
    least_right: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.6, description="the network moves while the discriminator is right more often than this"
    )


class Judged(nn.Module):
    """The share of the voxels that a discriminator told rightly, in the mean of the last steps."""

    right: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("right", torch.tensor(0.5))

    @torch.no_grad()
    def right_after(self, answers: Tensor, domains: Tensor) -> float:
        """This share after one more step, with answers (N, 2, H, W) about ``domains`` (N,)."""
        now = (answers.argmax(dim=1) == domains[:, None, None]).float().mean()
        return float(self.right.lerp_(now, 1 / MEMORY))


class Adda(Method[TaughtTask, AddaSettings], name="adda"):
    """Adapt the features of the target alone; the source's are the teacher's, and do not move.

    The discriminator learns to tell both apart, voxel by voxel, by the last decoder level. The
    network learns that its target features are called source: its labels are inverted (Tzeng et
    al. 2017, Section 4). The head stays the teacher's. No label of the source is used again.

    As in the authors' code for segmentation (that of CyCADA: scripts/train_fcn_adda.py), the
    network moves only while the discriminator was right for more than 60 % of the voxels in the
    last 100 steps. Against one that knows nothing, Adam would move it at random. Their rates are
    1e-5 to 2e-4. The optimiser's first moment is that of all methods here, 0.9.
    """

    starts_at_teacher = True

    def set_up(self) -> None:
        self.network.head.requires_grad_(False)
        seed = int(seeded(self.seed, "discriminator").integers(2**31))
        width, rate = self.settings.discriminator_width, self.settings.discriminator_rate
        self.discriminator = new_voxel_discriminator(self.recipe.width, width, seed)
        self.add("discriminator", self.discriminator, rate)
        self.judged = Judged()
        self.keep("judged", self.judged)

    def update(self, step: int) -> Losses:
        images, labels, domains = self.mixed_batch(step)
        here, there = images.split(len(labels))
        with torch.no_grad(), mixed_precision(self.device, self.recipe.precision):
            source = self.task.teacher.features(here).float()
        target, _ = self.features_and_logits(there)
        answers = self.told(torch.cat([source, target.detach()]))
        domain = domain_loss(answers, domains)
        fooled = domain_loss(self.told(target, still=True), domains[: len(labels)])
        knows = self.judged.right_after(answers, domains) > self.settings.least_right
        self.descend(domain + fooled, still=() if knows else ("network",))
        return {"domain": domain.detach(), "fooled": fooled.detach()}

    def told(self, features: Tensor, still: bool = False) -> Tensor:
        """The discriminator's answer (N, 2, H, W); ``still``: its own weights learn nothing."""
        with mixed_precision(self.device, self.recipe.precision):
            return answer_of(self.discriminator, features, still=still).float()
