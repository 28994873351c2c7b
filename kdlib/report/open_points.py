"""What the paper leaves open: what this study chooses, why, and which setting changes it.

The values are not written here. They are the defaults of kdlib's settings.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from kdlib.evidence.verdicts import count_of
from kdlib.methods import Method
from kdlib.recipe import Recipe, Strict
from kdlib.report.provenance import setting_text
from kdlib.report.words import listed
from kdlib.study.scenario import Scenario


@dataclass(frozen=True)
class OpenPoint:
    """One open point. ``settings`` are names of fields; there are none if the choice is fixed."""

    point: str
    choice: str
    reason: str
    settings: tuple[str, ...] = ()


OPEN_POINTS = (
    OpenPoint(
        "Network",
        "A 2-D UNet on axial slices, with batch norm.",
        "The paper says only that it is a standard UNet. Slices lie 3 mm apart.",
        ("width", "depth", "norm"),
    ),
    OpenPoint(
        "Input",
        "FLAIR alone.",
        "The paper segments on FLAIR. T1 can be added.",
        ("inputs",),
    ),
    OpenPoint(
        "Grid",
        "The scan's own voxels, cropped or padded around the head to one size.",
        "Nothing is resampled unless you ask for it. Scores are always computed on the scan's own"
        " grid.",
        ("voxel_mm", "size"),
    ),
    OpenPoint(
        "Intensities",
        "Centred and scaled by the voxels of the head that lie between its 0.5 and 99.5"
        " percentiles. Bright voxels keep their values.",
        "Scanners have no common unit. The face is cut out of Amsterdam's scans, and these zeros"
        " must not count. It is common to clip the voxels too. But then a few lesions and the"
        " brightest cortex would have the same value.",
        ("normalisation",),
    ),
    OpenPoint(
        "Slices",
        "Every slice that shows a part of the head.",
        "To choose slices by their lesions one needs labels, and the target has none.",
    ),
    OpenPoint(
        "Length of training",
        "The same number of optimiser steps in every arm that trains on pooled scans. An arm on the"
        " fly takes fewer, for each scan. The steps of a teacher come on top.",
        "Otherwise a method could win by training longer.",
        ("steps", "on_the_fly_steps"),
    ),
    OpenPoint(
        "Batch",
        "For ADA, one half is from the source and one from the target. For KD, slices are drawn"
        " from both together.",
        "Eq. 3 averages over both clinics together. A discriminator needs both at each step.",
        ("batch_size",),
    ),
    OpenPoint(
        "Augmentation",
        "None.",
        "The paper names none, and strong augmentation is an adaptation method of its own.",
        ("augmentation",),
    ),
    OpenPoint(
        "The teacher's loss",
        "Cross-entropy.",
        "Section 3.1 says so. The study demo adds the Dice loss, because a training as short as"
        " its own learns too little without it.",
        ("loss",),
    ),
    OpenPoint(
        "Schedule",
        "Adam. The learning rate is constant at first and then falls in a straight line to zero.",
        "The paper describes a gradual decrease after epoch 150 of 400.",
        ("learning_rate", "schedule"),
    ),
    OpenPoint(
        "What is softened",
        "The teacher alone, without a factor T².",
        "This is Eq. 3 as printed. Hinton et al. soften both and multiply by T².",
        ("temperature", "softened"),
    ),
    OpenPoint(
        "KD's answers on source slices",
        "The teacher's soft labels. True labels can be mixed in, and the answers can be made hard.",
        "Eq. 3 takes the teacher's answer on both clinics.",
        ("true_labels", "answers"),
    ),
    OpenPoint(
        "The student's first weights",
        "Random weights. In adaptation to one scan, the weights of the teacher.",
        "The paper speaks of training a student. One scan alone cannot train a network.",
        ("start", "on_the_fly_start"),
    ),
    OpenPoint(
        "Which checkpoint",
        "The last one.",
        "A choice of the best checkpoint by target labels would leak these labels.",
    ),
    OpenPoint(
        "What the discriminator sees",
        "The logits of the last layer.",
        "The paper moves it to the final layer, so that it is like KD. Kamnitsas et al. take"
        " earlier layers.",
        ("adversarial_input",),
    ),
    OpenPoint(
        "The discriminator",
        "Four convolutions of stride 2, three linear layers, leaky rectifiers.",
        "The paper gives the widths. Kernels and strides are the usual ones.",
        ("discriminator_width",),
    ),
    OpenPoint(
        "How the adversary is trained",
        "By gradient reversal, with one step for both networks. Its weight rises from zero.",
        "In Kamnitsas et al. it rises from epoch 10 to epoch 35 of their training.",
        ("adversarial_weight", "ramp"),
    ),
    OpenPoint(
        "Folds",
        "Two halves of the target with similar lesion volumes. Each half is tested once.",
        "The paper has two folds of ten. Only the experimenter uses the volumes. No network sees"
        " them.",
        ("fold",),
    ),
    OpenPoint(
        "U-bound",
        "Trained on all source subjects together with the half of the target that is adapted to,"
        " with labels.",
        "The paper says that it is a union of both.",
    ),
    OpenPoint(
        "On the fly",
        "For each tested scan, the network starts from the teacher, adapts to the source and that"
        " scan, and is tested on that scan.",
        "The paper adapts subject by subject. This is transductive: the tested scan is the same one"
        " that the network adapted to, without its label.",
    ),
    OpenPoint(
        "Other pathology (label 2)",
        "Ignored in the loss and masked in the scores.",
        "This is the challenge's own rule for scores.",
        ("other_pathology",),
    ),
    OpenPoint(
        "Spread in the tables",
        "Standard deviation over the target's subjects, both folds together.",
        "The paper's brackets cannot be variances, as the errata show.",
    ),
)


def open_points() -> pd.DataFrame:
    """A table with one row for each open point.

    Its columns are ``Left open``, ``Our choice``, ``Why`` and ``Setting and default``.
    """
    rows = [
        {
            "Left open": one.point,
            "Our choice": one.choice,
            "Why": one.reason,
            "Setting and default": "; ".join(
                f"{name} = {setting_text(default(name))}" for name in one.settings
            ),
        }
        for one in OPEN_POINTS
    ]
    return pd.DataFrame(rows)


def departures(recipe: dict[str, Any]) -> pd.DataFrame:
    """The settings of a saved recipe that differ from the defaults.

    The columns are ``Setting``, ``Default`` and ``This study``.
    """
    rows = [
        (name, setting_text(default(name)), setting_text(value))
        for name, value in recipe.items()
        if setting_text(default(name)) != setting_text(value)
    ]
    return pd.DataFrame(rows, columns=["Setting", "Default", "This study"])


def departed_words(recipe: dict[str, Any]) -> str:
    """How many settings of a saved recipe differ from the defaults, as the end of a sentence."""
    names = list(departures(recipe)["Setting"])
    if not names:
        return "has the default in every setting."
    return f"departs from the default in {count_of(len(names), 'setting')}: {listed(names)}."


def start_words(recipe: dict[str, Any]) -> str:
    """From which weights the students of a recipe start, and why, as the end of a sentence."""
    if setting_text(recipe["start"]) == setting_text(default("start")):
        return (
            "pooled students start from random weights. The paper does not say how its students"
            " start."
        )
    return (
        "students start from the weights of the teacher, because the training is too short for"
        " random ones."
    )


def default(name: str) -> Any:
    """The default of a setting, which may belong to the recipe, the scenario or a method."""
    settings = (method.Settings for method in Method.named.values())
    models: list[type[Strict]] = [Recipe, Scenario, *settings]
    for model in models:
        if name in model.model_fields:
            return model.model_fields[name].default
    raise KeyError(name)
