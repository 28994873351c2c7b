"""No adaptation: the teacher meets the target as it is. The L-bound (paper, Section 4.2)."""

from kdlib.methods.base import Losses, Method


class Unadapted(Method, name="unadapted"):
    """The teacher's own weights, scored on the target; nothing is trained."""

    needs_teacher = True
    trains = False

    def update(self, step: int) -> Losses:
        raise RuntimeError("an unadapted network takes no step")
