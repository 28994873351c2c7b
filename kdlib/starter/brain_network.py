"""A small 3-D UNet that marks the brain in a coarse head."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FOLD = 2  # voxels to an edge that become channels before the first level
REFINING = 8  # channels of the last look at the whole resolution
CHANNELS = (24, 32, 40, 48)


def _block(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3x3x3 convolutions. Each is followed by a normalisation and a rectifier."""
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [
            nn.Conv3d(channels, outputs, 3, padding=1, bias=False),
            nn.InstanceNorm3d(outputs, affine=True),
            nn.LeakyReLU(0.1, inplace=True),
        ]
    return nn.Sequential(*layers)


class BrainNetwork(nn.Module):
    """A 3-D UNet with one logit for each voxel: is it brain?

    Each 2 x 2 x 2 voxels are folded into channels before the first level, and unfolded after the
    last one. So the finest level has an eighth of the voxels, and the network is fast on a CPU.
    Then two convolutions look at the image and the answer, and mend the answer voxel by voxel.
    Each image is normalised by its own statistics, since no two contrasts are alike.

    >>> BrainNetwork()(torch.zeros(1, 1, 32, 32, 32)).shape
    torch.Size([1, 1, 32, 32, 32])
    """

    def __init__(self, channels: tuple[int, ...] = CHANNELS):
        super().__init__()
        self.down = nn.ModuleList(
            _block(above, here) for above, here in pairwise([FOLD**3, *channels])
        )
        self.merge = nn.ModuleList(_block(here + below, here) for here, below in pairwise(channels))
        self.last = nn.Conv3d(channels[0], FOLD**3, 1)
        self.refine = nn.Sequential(
            nn.Conv3d(2, REFINING, 3, padding=1),
            nn.LeakyReLU(0.1, inplace=True),
            nn.Conv3d(REFINING, 1, 3, padding=1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, 1, X, Y, Z) of ``images`` in [0, 1]. Their edges are multiples of 16."""
        x, skips = _folded(images), []
        for level, block in enumerate(self.down):
            x = block(F.max_pool3d(x, 2) if level else x)
            skips.append(x)
        for skip, merge in zip(skips[-2::-1], reversed(self.merge), strict=True):
            x = merge(torch.cat([skip, F.interpolate(x, scale_factor=2.0, mode="nearest")], dim=1))
        logits = _unfolded(self.last(x))
        return logits + self.refine(torch.cat([images, logits], dim=1))


def _folded(images: Tensor) -> Tensor:
    """Turn (N, 1, X, Y, Z) into (N, 8, X / 2, Y / 2, Z / 2)."""
    n, _, x, y, z = images.shape
    parts = images.reshape(n, x // FOLD, FOLD, y // FOLD, FOLD, z // FOLD, FOLD)
    return parts.permute(0, 2, 4, 6, 1, 3, 5).reshape(n, FOLD**3, x // FOLD, y // FOLD, z // FOLD)


def _unfolded(parts: Tensor) -> Tensor:
    """The inverse of ``_folded``."""
    n, _, x, y, z = parts.shape
    images = parts.reshape(n, FOLD, FOLD, FOLD, x, y, z).permute(0, 4, 1, 5, 2, 6, 3)
    return images.reshape(n, 1, x * FOLD, y * FOLD, z * FOLD)
