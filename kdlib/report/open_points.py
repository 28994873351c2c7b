"""What the paper leaves open: what this study chooses, why, and which setting changes it.

The values are not written here. They are the defaults of kdlib's settings.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from kdlib.methods import Method
from kdlib.recipe import Recipe, Strict
from kdlib.report.provenance import setting_text
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
        "The paper says only that it is a standard UNet; slices lie 3 mm apart.",
        ("width", "depth", "norm"),
    ),
    OpenPoint(
        "Input",
        "FLAIR alone.",
        "The paper segments on FLAIR; T1 can be added.",
        ("inputs",),
    ),
    OpenPoint(
        "Grid",
        "The scan's own voxels, cropped or padded around the head to one size.",
        "Nothing is resampled unless asked for; scores are always computed on the scan's own grid.",
        ("voxel_mm", "size"),
    ),
    OpenPoint(
        "Intensities",
        "Centred and scaled by the head between its 0.5 and 99.5 percentiles; bright voxels stay.",
        "Scanners have no common unit, and the face is cut out of Amsterdam's scans: zeros must"
        " not count. Clipping the voxels too, as is common, would give a few lesions and the"
        " brightest cortex one value.",
        ("normalisation",),
    ),
    OpenPoint(
        "Slices",
        "Every slice that holds head.",
        "A choice by lesion would need labels, which the target does not give.",
    ),
    OpenPoint(
        "Length of training",
        "The same number of optimiser steps in every arm.",
        "Otherwise a method could win by training longer.",
        ("steps", "on_the_fly_steps"),
    ),
    OpenPoint(
        "Batch",
        "For ADA half source, half target; for KD drawn from their union.",
        "Eq. 3 averages over the union; a discriminator needs both clinics at each step.",
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
        "Section 3.1 says so; short trainings add the Dice loss to get anywhere.",
        ("loss",),
    ),
    OpenPoint(
        "Schedule",
        "Adam; the rate is constant at first, then falls in a straight line to zero.",
        "The paper: a gradual decrease after epoch 150 of 400.",
        ("learning_rate", "schedule"),
    ),
    OpenPoint(
        "What is softened",
        "The teacher alone, without a factor T².",
        "Eq. 3 as printed. Hinton et al. soften both and multiply by T².",
        ("temperature", "softened"),
    ),
    OpenPoint(
        "KD's answers on source slices",
        "The teacher's soft labels; true labels can be mixed in, or answers made hard.",
        "Eq. 3 takes the teacher's answer on both clinics.",
        ("true_labels", "answers"),
    ),
    OpenPoint(
        "The student's first weights",
        "From scratch, and for one-scan adaptation the teacher's.",
        "The paper speaks of training a student; one scan alone cannot train a network.",
        ("start", "on_the_fly_start"),
    ),
    OpenPoint(
        "Which checkpoint",
        "The last one.",
        "Choosing the best on target labels would leak them.",
    ),
    OpenPoint(
        "What the discriminator sees",
        "The logits of the last layer.",
        "The paper moves it to the final layer, to be like KD; Kamnitsas et al. take earlier ones.",
        ("adversarial_input",),
    ),
    OpenPoint(
        "The discriminator",
        "Four convolutions of stride 2, three linear layers, leaky rectifiers.",
        "The paper gives the widths; kernels and strides are the usual ones.",
        ("discriminator_width",),
    ),
    OpenPoint(
        "How the adversary is trained",
        "Gradient reversal, one step for both networks; its weight rises from zero.",
        "Kamnitsas et al.: from epoch 10 to epoch 35 of their training.",
        ("adversarial_weight", "ramp"),
    ),
    OpenPoint(
        "Folds",
        "Two halves of the target with like lesion volumes; each is tested once.",
        "The paper has two folds of ten. The volumes are the experimenter's bookkeeping: no"
        " network sees them.",
        ("fold",),
    ),
    OpenPoint(
        "U-bound",
        "All source subjects and the half of the target that is adapted to, with labels, pooled.",
        "The paper: a union of both.",
    ),
    OpenPoint(
        "On the fly",
        "For each tested scan: start from the teacher, adapt to the source and that scan, test on"
        " it.",
        "The paper adapts subject by subject. This is transductive: the scan tested is the scan"
        " adapted to, without its label.",
    ),
    OpenPoint(
        "Other pathology (label 2)",
        "Ignored in the loss and masked in the scores.",
        "The challenge's own rule for scores.",
        ("other_pathology",),
    ),
    OpenPoint(
        "Spread in the tables",
        "Standard deviation over the target's subjects, both folds together.",
        "See the errata: the paper's brackets cannot be variances.",
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


def default(name: str) -> Any:
    """The default of a setting, which may belong to the recipe, the scenario or a method."""
    settings = (method.Settings for method in Method.named.values())
    models: list[type[Strict]] = [Recipe, Scenario, *settings]
    for model in models:
        if name in model.model_fields:
            return model.model_fields[name].default
    raise KeyError(name)
