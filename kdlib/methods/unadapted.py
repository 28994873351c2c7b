"""No adaptation: the teacher meets the target as it is. The L-bound (paper, Section 4.2)."""

from kdlib.methods.base import Method, NoSettings
from kdlib.methods.task import SourceFreeTask


class Unadapted(Method[SourceFreeTask, NoSettings], name="unadapted"):
    """The teacher's own weights, scored on the target; nothing is trained."""

    trains = False
    changes_network = False
