"""Control: more training on the source alone, without a target and without a teacher's answers."""

from kdlib.augmentation import Augmentation
from kdlib.methods.supervised import Supervised


class Continued(Supervised, name="continued"):
    """Learn from the source's labels once more, as its teacher did, with other batches.

    It has nothing of the target. What it gains there comes from longer training or from chance, and
    an adapting method has to gain more. With ``start="teacher"`` it is the teacher, trained for
    longer. With ``start="scratch"`` it is a second teacher: its first weights, batches and random
    changes are not those of the first one.
    """

    reads_target_labels = False
    batches = "continued"

    def augmentation(self, count: int, step: int) -> Augmentation:
        return self._drawn("continued augmentation", count, step)
