"""The segmenter and the adversary: a UNet and a domain discriminator."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from kdlib.joined import joined
from kdlib.recipe import Recipe

CLASSES = 2  # background, lesion
FOLDS = {"full": 1, "half": 2}  # voxels to an edge that the stem folds into channels
# An untrained network starts with the answer "2 % lesion". This saves the steps in which it would
# only learn that lesions are rare (Lin et al. 2017, Section 4.1).
RARE_LESION = 4.0


def _norm(kind: str, channels: int) -> nn.Module:
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "instance":
        return nn.InstanceNorm2d(channels, affine=True)
    return nn.Identity()


def _block(inputs: int, outputs: int, norm: str) -> nn.Sequential:
    """Two 3x3 convolutions. Each is followed by a normalisation and a rectifier."""
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [
            nn.Conv2d(channels, outputs, 3, padding=1, bias=norm == "none"),
            _norm(norm, outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class IntensityCurve(nn.Module):
    """Pass intensities through a piecewise-linear curve, one for each image of a slice.

    Below its first knot and above its last one a curve goes on as straight as beside them.

    Args:
        knots: intensities (C, K) at which the slope of a curve may change, rising along K.
        values: what they become (C, K). A curve is monotone if these rise too.
    """

    knots: Tensor
    values: Tensor

    def __init__(self, knots: Tensor, values: Tensor):
        super().__init__()
        self.register_buffer("knots", knots)
        self.register_buffer("values", values)

    def forward(self, images: Tensor) -> Tensor:
        """The images (N, C, H, W) with other intensities."""
        slopes = self.values.diff() / self.knots.diff()
        turns = slopes.diff(prepend=torch.zeros_like(slopes[:, :1]))
        above = images - _as_channels(self.knots[:, 0])
        result = _as_channels(self.values[:, 0]) + _as_channels(turns[:, 0]) * above
        for knot, turn in zip(self.knots.T[1:], turns.T[1:], strict=False):
            result = result + _as_channels(turn) * (images - _as_channels(knot)).relu()
        return result


def _as_channels(values: Tensor) -> Tensor:
    """Values (C,) in the shape (C, 1, 1) that fits images (N, C, H, W)."""
    return values[:, None, None]


def _make_room_for_a_curve(network: "UNet", saved: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Before a state is loaded, give ``network`` the kind of intensity stage that was saved."""
    names = [f"{prefix}intensity.{name}" for name in ("knots", "values")]
    if all(name in saved for name in names):
        room = (torch.zeros_like(saved[name]) for name in names)
        network.intensity = IntensityCurve(*room).to(next(network.parameters()).device)
    else:
        network.intensity = nn.Identity()


class UNet(nn.Module):
    """A 2-D UNet that answers with one logit for each class (Ronneberger et al. 2015).

    Level ``l`` of ``depth`` has ``width * 2**l`` channels at 1 / ``2**l`` of the resolution. Before
    the first level there is a stage ``intensity``, which changes nothing unless a method puts an
    ``IntensityCurve`` there. A saved curve is restored with the weights.

    Args:
        inputs: how many images it sees: 1 for FLAIR, 2 for FLAIR and T1.
        width: channels of the first level.
        depth: how many levels it has.
        norm: ``"batch"``, ``"instance"`` or ``"none"``.
        stem: ``"half"`` folds each 2 x 2 voxels into channels before the first level, and unfolds
            them after the last one (Shi et al. 2016). So no level works at the whole resolution.

    >>> UNet(inputs=1)(torch.zeros(2, 1, 96, 112)).shape
    torch.Size([2, 2, 96, 112])
    """

    def __init__(
        self,
        inputs: int = 1,
        width: int = 32,
        depth: int = 4,
        norm: str = "batch",
        stem: str = "full",
    ):
        super().__init__()
        fold = FOLDS[stem]
        self.fold: nn.Module = nn.PixelUnshuffle(fold) if fold > 1 else nn.Identity()
        channels = [width * 2**level for level in range(depth)]
        self.intensity: nn.Module = nn.Identity()
        self.register_load_state_dict_pre_hook(_make_room_for_a_curve)
        self.down = nn.ModuleList(
            _block(above, here, norm)
            for above, here in zip([inputs * fold**2, *channels], channels, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(below, here, 2, stride=2) for here, below in pairwise(channels)
        )
        self.merge = nn.ModuleList(_block(2 * here, here, norm) for here in channels[:-1])
        last = nn.Conv2d(width, CLASSES * fold**2, 1)
        sure = torch.tensor([RARE_LESION / 2, -RARE_LESION / 2])
        last.bias = nn.Parameter(sure.repeat_interleave(fold**2))
        self.head = nn.Sequential(last, nn.PixelShuffle(fold)) if fold > 1 else last

    def features(self, images: Tensor) -> Tensor:
        """The answer of the last decoder level (N, width, H, W) to ``images`` (N, C, H, W).

        H and W have to be multiples of ``2**(depth - 1)``, and of twice that with a stem of half
        the resolution; the answer is then (N, width, H / 2, W / 2).
        """
        return self.levels(images)[-1]

    def levels(self, images: Tensor) -> list[Tensor]:
        """The answers of all decoder levels, from the lowest to the last.

        Level ``l`` has the shape (N, width * 2**l, H / 2**l, W / 2**l), if ``features`` has l = 0.
        """
        skips, x = [], self.fold(self.intensity(images))
        for level, block in enumerate(self.down):
            x = block(self.pool(x) if level else x)
            skips.append(x)
        answers = [x]
        for level in reversed(range(len(self.up))):
            x = self.merge[level](torch.cat([skips[level], self.up[level](x)], dim=1))
            answers.append(x)
        return answers

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, 2, H, W) of ``images`` (N, C, H, W)."""
        return self.head(self.features(images))


class Discriminator(nn.Module):
    """Tells source from target: four convolutions, three linear layers (paper, Section 4.2).

    The paper gives the widths (8, 16, 32, 64 filters; 64, 128, 2 neurons). Stride 2, kernel 3 and
    the leaky rectifier are our choice.
    """

    def __init__(self, inputs: int, size: tuple[int, int], width: int = 8):
        super().__init__()
        channels = [inputs, width, 2 * width, 4 * width, 8 * width]
        convolutions: list[nn.Module] = []
        for before, after in pairwise(channels):
            convolutions += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.LeakyReLU(0.2)]
        h, w = (-(-edge // 16) for edge in size)  # four strides of 2, rounded up
        self.layers = nn.Sequential(
            *convolutions,
            nn.Flatten(),
            nn.Linear(channels[-1] * h * w, 64),
            nn.LeakyReLU(0.2),
            nn.Linear(64, 128),
            nn.LeakyReLU(0.2),
            nn.Linear(128, 2),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """The domain logits (N, 2) of ``maps`` (N, C, H, W). The first logit is of the source."""
        return self.layers(maps)


class VoxelDiscriminator(nn.Sequential):
    """Tells source from target in each voxel by its features alone (N, C, H, W).

    Its domain logits (N, 2, H, W) have the source first. Convolutions of one voxel are those of
    CyCADA's code for street scenes (Hoffman et al. 2018; cycada/models/fcn8s.py).
    """

    def __init__(self, inputs: int, width: int):
        layers: list[nn.Module] = []
        for before, after in pairwise([inputs, width, width]):
            layers += [nn.Conv2d(before, after, 1), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Conv2d(width, 2, 1))


@contextmanager
def first_weights(seed: int) -> Iterator[None]:
    """Have ``seed`` decide the weights of networks made in this block, and nothing else."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def new_unet(recipe: Recipe, seed: int) -> UNet:
    """A new UNet of the recipe. ``seed`` decides its weights, the same ones on every device."""
    with first_weights(seed):
        inputs = len(recipe.inputs.split("+"))
        network = UNet(inputs, recipe.width, recipe.depth, recipe.norm, recipe.stem)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def new_discriminator(inputs: int, size: tuple[int, int], width: int, seed: int) -> Discriminator:
    """A new discriminator of maps (N, inputs, *size). ``seed`` decides its weights."""
    with first_weights(seed):
        return Discriminator(inputs, size, width)


def new_voxel_discriminator(inputs: int, width: int, seed: int) -> VoxelDiscriminator:
    """A new discriminator of voxels with ``inputs`` features. ``seed`` decides its weights."""
    with first_weights(seed):
        return VoxelDiscriminator(inputs, width)


def answer_of(module: nn.Module, inputs: Tensor, *, still: bool = False) -> Tensor:
    """The answer of ``module``; ``still``: its weights learn nothing from it, ``inputs`` may."""
    weights: dict[str, Tensor] = dict(module.named_parameters())
    if still:
        weights = {name: weight.detach() for name, weight in weights.items()}
    answer: Tensor = functional_call(module, weights, (inputs,))
    return answer


def level_size(recipe: Recipe) -> tuple[int, int]:
    """The height and width of the last decoder level's maps."""
    fold, (height, width) = FOLDS[recipe.stem], recipe.size
    return height // fold, width // fold


def mixed_precision(device: torch.device, precision: str) -> torch.autocast:
    """A context in which the network computes with the recipe's precision."""
    half = precision_on(device, precision) == "bfloat16"
    return torch.autocast(device.type, torch.bfloat16, enabled=half)


@cache
def precision_on(device: torch.device, precision: str) -> str:
    """The recipe's precision. ``auto`` becomes bfloat16 or float32: the faster on ``device``."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        pays = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        pays = device.type == "cpu" and pays_on_cpu(_capabilities())
    return "bfloat16" if pays else "float32"


def pays_on_cpu(cpu: dict[str, Any]) -> bool:
    """Whether a CPU with the given capabilities trains faster in bfloat16 than in float32.

    A CPU with AMX trains 2.5 times as fast in it. AMD's AVX-512 computes in it too. Intel's AVX-512
    without AMX trains 0.7 times as fast. AVX2 has to emulate it and trains 0.1 times as fast.
    """
    amd = str(cpu.get("cpu_name", "")).startswith("AMD")
    return bool(cpu.get("amx_tile") or (amd and cpu.get("avx512_bf16")))


def _capabilities() -> dict[str, Any]:
    """What PyTorch knows about this CPU. Older versions of PyTorch know nothing."""
    return getattr(torch.cpu, "get_capabilities", dict)()


@torch.no_grad()
def answer_all(network: UNet, images: Tensor, precision: str, batch_size: int = 32) -> Tensor:
    """A trained network's logits (N, 2, H, W), float32, for all slices ``images`` (N, C, H, W)."""
    network.eval()
    with mixed_precision(images.device, precision):
        return joined(network(batch).float() for batch in images.split(batch_size))


@torch.no_grad()
def soften_head(network: UNet, softening: float) -> None:
    """Divide a network's logits by ``softening``, which is above 0, in place."""
    for parameter in network.head.parameters():
        parameter.div_(softening)
