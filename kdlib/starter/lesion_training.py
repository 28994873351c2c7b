"""Train the starter's lesion network: teachers that learn from labels, then one student of all."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from kdlib.data.slices import LabelledSlices, Slices
from kdlib.kept import read_tensors, write_tensors
from kdlib.methods.base import Method, NoSettings
from kdlib.methods.distillation import Distillation, DistillationSettings
from kdlib.methods.supervised import Supervised
from kdlib.methods.task import LabelledTask, TaughtTask
from kdlib.networks import UNet, new_unet
from kdlib.recipe import Recipe
from kdlib.starter.ensemble import Ensemble
from kdlib.training import OnStep, train

CHECKPOINT = "checkpoint.safetensors"
WITHOUT_LABELS = 0.1  # the share of the slices that a student sees, but that are its "target"


def recipe(steps: int) -> Recipe:
    """The recipe of the lesion network. It was chosen on simulated people alone."""
    return Recipe(
        voxel_mm=(2, 2, 3), size=(80, 104), width=16, steps=steps, batch_size=16,
        learning_rate=2e-3, schedule="cosine", loss="dice+cross-entropy",
        augmentation=("flip", "affine", "gamma"), start="teacher",
    )  # fmt: skip


def teacher(
    folder: Path, own: Recipe, labelled: LabelledSlices, seed: int, on_step: OnStep | None = None
) -> UNet:
    """A network that has learnt from ``labelled``, kept in ``folder``."""

    def made() -> Method:
        return Supervised(
            own, NoSettings(), LabelledTask(labelled=labelled), seed=seed, updates=own.steps
        )

    return _kept_or_trained(folder, own, made, on_step)


def student(
    folder: Path,
    own: Recipe,
    labelled: LabelledSlices,
    teachers: Sequence[UNet],
    seed: int,
    true_labels: float,
    on_step: OnStep | None = None,
) -> UNet:
    """A network that starts as the first teacher, and learns the mean answers of all of them.

    ``true_labels`` is the share of the true labels in what it learns (Hinton et al. 2015, Section
    2, who take both together where labels are known).
    """

    def made() -> Method:
        first = round(len(labelled) * (1 - WITHOUT_LABELS))
        images = labelled.slices.images
        task = TaughtTask(
            labelled=LabelledSlices(Slices(images[:first]), labelled.labels[:first]),
            target=Slices(images[first:]),
            teacher=cast(UNet, Ensemble(teachers)),  # it answers as a UNet does
            start=teachers[0],
        )
        settings = DistillationSettings(temperature=1.0, true_labels=true_labels)
        return Distillation(own, settings, task, seed=seed, updates=own.steps)

    return _kept_or_trained(folder, own, made, on_step)


def _kept_or_trained(
    folder: Path, own: Recipe, made: Callable[[], Method], on_step: OnStep | None
) -> UNet:
    """The network that ``folder`` keeps. If there is none, it is trained and kept."""
    network, path = new_unet(own, seed=0), folder / "weights.safetensors"
    if not path.exists():
        method = made()
        train(method, checkpoint=folder / CHECKPOINT, on_step=on_step)
        write_tensors(path, method.result.state_dict())
        (folder / CHECKPOINT).unlink(missing_ok=True)
    network.load_state_dict(read_tensors(path)[0])
    return network.eval().requires_grad_(False)
