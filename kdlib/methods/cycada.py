"""CyCADA: learn from source slices that are translated to look like the target's (reference 8).

Hoffman et al. 2018; the networks that translate are small (``kdlib.translation``).
"""

from typing import Annotated

from pydantic import Field
from torch.nn import functional as F

from kdlib.methods.base import Losses, Method, TargetScans
from kdlib.methods.task import AdaptationTask
from kdlib.networks import mixed_precision
from kdlib.randomness import seeded
from kdlib.translation import game, new_pair


class CycadaSettings(TargetScans):
    """What only CyCADA has."""

    cycle_weight: Annotated[float, Field(ge=0)] = Field(
        1.0, description="weight of the cycle loss: a slice that is translated there and back"
    )
    identity_weight: Annotated[float, Field(ge=0)] = Field(
        1.0,
        description="weight of the identity loss, as a share of that of the cycle loss: a "
        "slice of the clinic that a translator leads to",
    )
    translator_rate: Annotated[float, Field(gt=0)] = Field(
        2e-4, description="the learning rate of the translators and of those that judge them"
    )
    translator_width: Annotated[int, Field(ge=1)] = Field(
        16, description="channels of the networks that translate, and of those that judge them"
    )


class Cycada(Method[AdaptationTask, CycadaSettings], name="cycada"):
    """Segment source slices that pass for slices of the target.

    One translator leads from the source to the target, another one back. A slice that goes there
    and back has to come out as it was (Section 3). So has a slice of the clinic that a translator
    leads to. As in the authors' study of street scenes this identity loss guards the meaning, and
    no fixed network does (their code, cyclegan/train_gta2cityscapes.sh). The rate is that of
    CycleGAN, on which that code builds, but its weight of 10 for a cycle is not: in our toy test
    translators then change nothing. The weight is that of their digits (train_cycada.sh).
    The segmentation loss reaches the translator, as in their whole objective. There is no adversary
    on features, for ADDA is an arm of its own. All networks learn together, from the first step,
    which takes about as long as one of ADA (0.21 against 0.24 s, one core, the recipe of standard).
    """

    def set_up(self) -> None:
        for clinic in ("target", "source"):
            seed = int(seeded(self.seed, f"translator to the {clinic}").integers(2**31))
            images, width = self.task.target.images.shape[1], self.settings.translator_width
            translator, judge = new_pair(images, width, seed)
            self.add(f"to {clinic}", translator, self.settings.translator_rate)
            self.add(f"judge of {clinic}", judge, self.settings.translator_rate)

    def update(self, step: int) -> Losses:
        images, labels, _ = self.mixed_batch(step)
        here, there = images.split(len(labels))
        to_target, to_source = self.modules["to target"], self.modules["to source"]
        with mixed_precision(self.device, self.recipe.precision):
            as_target, as_source = to_target(here), to_source(there)
            cycle = F.l1_loss(to_source(as_target), here) + F.l1_loss(to_target(as_source), there)
            same = F.l1_loss(to_target(there), there) + F.l1_loss(to_source(here), here)
            judged = game(self.modules["judge of target"], there, as_target)
            judged = judged + game(self.modules["judge of source"], here, as_source)
        segmentation = self.segmentation_loss(self.answer(as_target), labels)
        guarded = self.settings.cycle_weight * (cycle + self.settings.identity_weight * same)
        self.descend(segmentation + judged + guarded)
        losses = {"segmentation": segmentation, "cycle": cycle, "identity": same, "judged": judged}
        return {name: loss.detach() for name, loss in losses.items()}
