"""Train the brain network on simulated heads alone, and measure it on others."""

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kdlib.errors import InputError
from kdlib.files import read_text, write_text
from kdlib.kept import write_tensors
from kdlib.methods.base import Losses
from kdlib.networks import first_weights, mixed_precision
from kdlib.randomness import seeded
from kdlib.recipe import learning_rate_factor
from kdlib.scores.metrics import dice
from kdlib.simulator.simulation import VERSION
from kdlib.simulator.template import template_maps
from kdlib.starter.brain import BRAIN, brain_probability, one_part
from kdlib.starter.brain_network import CHANNELS, BrainNetwork
from kdlib.starter.coarse import Image, cut_out, window
from kdlib.starter.outer import Anatomy, draw_anatomy
from kdlib.starter.painting import paint
from kdlib.training import train

PAINTED = 4  # how often a head is painted on average
SHOWN = 3  # how often a painted head is shown on average
HEADS, EXAMPLES = 8, 32  # so many of the latest ones are in memory, and one of them is drawn


@dataclass(frozen=True)
class BrainSettings:
    """What decides the weights of a brain network.

    In each cycle the learning rate falls along half a cosine (Loshchilov and Hutter 2017, SGDR).
    Each cycle starts at half the rate of the one before. ``cycles`` are their steps.
    """

    cycles: tuple[int, ...] = (3000, 1800)
    batch_size: int = 1
    learning_rate: float = 2e-3
    channels: tuple[int, ...] = CHANNELS
    precision: str = "auto"
    seed: int = 0

    @property
    def ends(self) -> list[int]:
        """How many steps have been taken at the end of each cycle."""
        return list(accumulate(self.cycles))

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        cycle = bisect_right(self.ends, step)
        progress = 1 - (self.ends[cycle] - step) / self.cycles[cycle]
        return self.learning_rate * learning_rate_factor(progress, "cosine") / 2**cycle


@dataclass(frozen=True, eq=False)
class Example:
    """What the network sees, and the fraction of brain in each voxel; both (64, 80, 64)."""

    image: Image
    brain: Image


def train_brain(
    folder: Path,
    settings: BrainSettings | None = None,
    *,
    checkpoint_seconds: float = 60.0,
    on_step: Callable[[int, int], None] | None = None,
) -> Path:
    """Train a brain network on simulated heads. A training that was stopped goes on.

    Args:
        folder: gets ``brain.safetensors`` (float16), ``brain.json`` (where the weights come from)
            and, while the training runs, a checkpoint.
        settings: by default those of the shipped network.
        checkpoint_seconds: how often the checkpoint is written.
        on_step: called after each step with the steps taken and their number.

    Returns:
        The file of the weights. It holds those of the last whole cycle. If the training had ended
        already, nothing is trained.

    Raises:
        InputError: the folder holds a training with other settings.
    """
    settings = settings or BrainSettings()
    weights, checkpoint = folder / "brain.safetensors", folder / "checkpoint.safetensors"
    decided = folder / "settings.json"  # for as long as it trains; the note has them afterwards
    note = weights.with_suffix(".json")
    if note.exists():
        return weights
    _refuse_other_settings(decided, settings)
    training = _Training(settings)

    def told(step: int, steps: int) -> None:
        if step in settings.ends[:-1]:
            write_tensors(weights, training.weights())
        if on_step:
            on_step(step, steps)

    train(training, checkpoint=checkpoint, checkpoint_seconds=checkpoint_seconds, on_step=told)
    write_tensors(weights, training.weights())
    write_text(note, json.dumps(provenance(settings), indent=2) + "\n")
    for path in (checkpoint, decided):
        path.unlink(missing_ok=True)
    return weights


def _refuse_other_settings(path: Path, settings: BrainSettings) -> None:
    """Refuse a folder whose training has other settings; a new one gets these."""
    text = json.dumps(asdict(settings))
    if not path.exists():
        write_text(path, text)
    elif read_text(path) != text:
        what = "holds a training with other settings; choose a new one"
        raise InputError(f"{path.parent} {what}")


def provenance(settings: BrainSettings) -> dict[str, object]:
    """Where weights come from: what they were trained on and how, and by which versions."""
    names = ("kdlib", "torch", "numpy", "nilearn")
    return {
        "data": "simulated heads alone (kdlib.starter.outer, kdlib.starter.painting)",
        "simulator": VERSION,
        "settings": asdict(settings),
        "versions": {name: version(name) for name in names},
    }


def examples(seed: int, purpose: str, count: int) -> Iterator[Example]:
    """Simulated heads, each with a contrast of its own, that no training of another seed saw."""
    template = torch.from_numpy(template_maps())
    for index in range(count):
        rng = seeded(seed, purpose, index)
        yield example(rng, draw_anatomy(rng, template))


def example(rng: np.random.Generator, head: Anatomy) -> Example:
    """Paint a head, and cut out the network's window."""
    painted = paint(rng, head)
    view = window(painted.image.numpy())
    return Example(view.image, cut_out(painted.brain.numpy(), view.first, 0.0))


def scores(network: BrainNetwork, heads: Iterator[Example]) -> list[float]:
    """The Dice of the network's brain masks and the true ones, one for each head."""
    network.eval()
    return [
        dice(one_part(brain_probability(network, head.image)) >= BRAIN, head.brain >= BRAIN)
        for head in heads
    ]


def brain_loss(logits: Tensor, brain: Tensor) -> Tensor:
    """Cross-entropy plus 1 - soft Dice, of logits and fractions of brain (N, 1, X, Y, Z)."""
    answer = logits.sigmoid()
    shared = (answer * brain).sum((1, 2, 3, 4))
    both = answer.square().sum((1, 2, 3, 4)) + brain.square().sum((1, 2, 3, 4))
    soft_dice = (2 * shared + 1) / (both + 1)
    return F.binary_cross_entropy_with_logits(logits, brain) + (1 - soft_dice).mean()


class _Training:
    """The network and its optimiser, as the training loop takes them."""

    def __init__(self, settings: BrainSettings) -> None:
        self.settings, self.updates = settings, settings.ends[-1]
        self.device, self.rate = torch.device("cpu"), settings.rate
        with first_weights(settings.seed):
            network = BrainNetwork(settings.channels)
        network = network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.result, self.modules = network, {"network": network}
        self.optimiser = torch.optim.Adam(network.parameters(), settings.learning_rate)
        self.optimisers = {"network": self.optimiser}
        template = torch.from_numpy(template_maps())
        self._head = lru_cache(maxsize=HEADS)(
            lambda number: draw_anatomy(seeded(settings.seed, "head", number), template)
        )
        self._example = lru_cache(maxsize=EXAMPLES)(self._drawn_example)

    def weights(self) -> dict[str, Tensor]:
        """The network's weights in half precision."""
        return {name: one.half() for name, one in self.result.state_dict().items()}

    def update(self, step: int) -> Losses:
        """Take a step, from 0."""
        images, brain = self._batch(step)
        with mixed_precision(self.device, self.settings.precision):
            logits = self.result(images)
        loss = brain_loss(logits.float(), brain)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return {"loss": loss.detach()}

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Images and fractions of brain (N, 1, X, Y, Z). Seed and step decide them."""
        count = self.settings.batch_size
        shown = [self._shown(step * count + place) for place in range(count)]
        images = torch.from_numpy(np.stack([one.image for one in shown]))[:, None]
        brain = torch.from_numpy(np.stack([one.brain for one in shown]))[:, None]
        return images.contiguous(memory_format=torch.channels_last_3d), brain

    def _shown(self, place: int) -> Example:
        """One of the latest examples, mirrored or not, with a bent scale of intensities."""
        rng = seeded(self.settings.seed, "shown", place)
        one = self._example(max(0, place // SHOWN - int(rng.integers(EXAMPLES))))
        side = int(rng.choice([-1, 1]))
        image = one.image[::side] ** np.float32(np.exp(rng.normal(0, 0.15)))
        return Example(image, one.brain[::side])

    def _drawn_example(self, number: int) -> Example:
        rng = seeded(self.settings.seed, "example", number)
        return example(rng, self._head(max(0, number // PAINTED - int(rng.integers(HEADS)))))
