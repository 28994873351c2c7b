"""How well a network segments held-out subjects while it learns."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from kdlib.data.labels import Label
from kdlib.data.slices import LabelledSlices
from kdlib.losses import IGNORED
from kdlib.networks import UNet, answer_all

POINTS = 20
EVERY = 2  # slices: its neighbours say nearly the same


@dataclass
class LearningCurve:
    """Dice of held-out subjects at ``POINTS`` evenly spaced steps, of which the last is the end.

    Dice is that of every second one of the network's own slices: nothing is brought to the scan's
    grid. These slices of a subject count together. All points cost about as much as 400 slices of
    training. What is measured has no influence on the training.

    Attributes:
        held_out: the labelled slices of each subject. With none, nothing is measured.
        precision: that of the recipe.
        rows: what was measured: ``step``, ``dice`` (the mean over the subjects), and ``dice_1``,
            ``dice_2`` and so on, the subjects' own.
    """

    held_out: Sequence[LabelledSlices] = ()
    precision: str = "auto"
    rows: list[dict[str, float]] = field(default_factory=list)

    def look(self, network: UNet, step: int, steps: int) -> None:
        """Measure the network if it is time for it after ``step`` of ``steps``."""
        if not self.held_out or step * POINTS // steps == (step - 1) * POINTS // steps:
            return
        training = network.training
        dice = torch.stack([self._dice(network, subject) for subject in self.held_out])
        network.train(training)
        own = {f"dice_{n}": value for n, value in enumerate(dice.tolist(), start=1)}
        self.rows.append({"step": step, "dice": dice.nanmean().item(), **own})

    def _dice(self, network: UNet, subject: LabelledSlices) -> Tensor:
        """NaN if the answer and the truth are both empty."""
        images, labels = subject.slices.images[::EVERY], subject.labels[::EVERY]
        lesion = answer_all(network, images, self.precision).argmax(dim=1) == Label.LESION
        answer, truth = lesion & (labels != IGNORED), labels == Label.LESION
        return 2 * (answer & truth).sum() / (answer.sum() + truth.sum())
