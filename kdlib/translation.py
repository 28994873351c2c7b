"""Networks that give a slice the look of another scanner, and those that judge it."""

from itertools import pairwise

from torch import Tensor, nn

from kdlib.networks import answer_of, first_weights


class Translator(nn.Module):
    """Adds to a slice what changes its look. At first it changes nothing.

    Two convolutions of 3 x 3 voxels see its neighbourhood, and one of a single voxel decides. So it
    can change contrast, brightness, sharpness and texture, but cannot move a lesion.

    Args:
        images: how many images a slice has.
        width: channels between the convolutions.
    """

    def __init__(self, images: int, width: int):
        super().__init__()
        last = nn.Conv2d(width, images, 1)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self.layers = nn.Sequential(
            nn.Conv2d(images, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            last,
        )

    def forward(self, slices: Tensor) -> Tensor:
        """The slices (N, C, H, W) with another look."""
        return slices + self.layers(slices)


class Judge(nn.Module):
    """Says of each small patch how real it looks (Isola et al. 2017, Section 3.2.2)."""

    def __init__(self, images: int, width: int):
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise([images, width, 2 * width]):
            layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(2 * width, 1, 1))

    def forward(self, slices: Tensor) -> Tensor:
        """Of slices (N, C, H, W) an answer (N, 1, H / 4, W / 4): 1 for real, 0 for translated."""
        return self.layers(slices)


def new_pair(images: int, width: int, seed: int) -> tuple[Translator, Judge]:
    """A translator into one clinic, and a judge of that clinic. ``seed`` decides their weights."""
    with first_weights(seed):
        return Translator(images, width), Judge(images, width)


def game(judge: nn.Module, real: Tensor, made: Tensor) -> Tensor:
    """What a judge and the network that ``made`` slices want, by least squares (Mao et al. 2017).

    The judge learns to answer 1 for real slices (N, C, H, W) and 0 for made ones. The other network
    learns to make slices that the judge calls 1, and the judge learns nothing from that.
    """
    told = (judge(real).float() - 1).square().mean() + judge(made.detach()).float().square().mean()
    return told / 2 + (answer_of(judge, made, still=True).float() - 1).square().mean()
