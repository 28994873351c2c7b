"""AdaBN with a prior: statistics between those of the source and those of the target.

Schneider et al. 2020, Section 3; with the target's alone it is AdaBN (Nado et al. 2020 take them at
test time).
"""

from typing import Annotated

from pydantic import Field

from kdlib.batch_norms import batch_norms, check_norm
from kdlib.methods.adabn import estimate
from kdlib.methods.base import Method, TargetScans
from kdlib.methods.task import SourceFreeTask
from kdlib.recipe import Recipe


class MixedAdaBNSettings(TargetScans):
    """What only mixed AdaBN has."""

    share: Annotated[float, Field(ge=0, le=1)] = Field(
        0.5, description="share of the target's statistics; 0: the teacher as it is, 1: AdaBN"
    )


class MixedAdaBN(Method[SourceFreeTask, MixedAdaBNSettings], name="mixed_adabn"):
    """Move all means and variances of the teacher's batch norms a part of the way to the target's.

    The target's are those that AdaBN estimates, with the target's statistics in all layers before.
    Public code mixes one layer first and then goes on to the next. Few or unusual scans mislead
    less than with AdaBN.
    """

    trains = False

    @classmethod
    def check(cls, recipe: Recipe) -> None:
        check_norm(recipe, cls.name)

    def set_up(self) -> None:
        estimate(self.network, self.task.target.images)
        for target, source in zip(
            batch_norms(self.network), batch_norms(self.task.teacher), strict=True
        ):
            for name in ("running_mean", "running_var"):
                there, here = getattr(target, name), getattr(source, name)
                there.copy_(here.lerp(there, self.settings.share))
