"""Several networks that answer as one: the mean of their probabilities."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from kdlib.networks import UNet

LEAST = 1e-6  # a probability below this is taken for this


class Ensemble(nn.Module):
    """The mean of the probabilities of some ``members``, as logits of temperature 1.

    Args:
        members: trained networks of one kind.
    """

    def __init__(self, members: Sequence[UNet]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, 2, H, W), float32, of ``images`` (N, C, H, W)."""
        answers = [member(images).float().softmax(dim=1) for member in self.members]
        return torch.stack(answers).mean(dim=0).clamp(min=LEAST).log()
