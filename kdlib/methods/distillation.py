"""KD: a student learns the teacher's softened answers on source and target (paper, Section 3.1)."""

from math import nan
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional as F

from kdlib.data.slices import pool
from kdlib.joined import joined
from kdlib.losses import IGNORED, distillation, soften
from kdlib.methods.base import Losses, Method, MethodSettings
from kdlib.methods.task import TaughtTask
from kdlib.networks import CLASSES, UNet, answer_all, soften_head
from kdlib.recipe import Positive

ANSWERED_AT_ONCE = 32  # slices


class DistillationSettings(MethodSettings):
    """What only KD has (defaults: the paper's)."""

    temperature: Positive = Field(2.0, description="T of Eq. 3; answers get softer as it grows")
    softened: Literal["teacher", "both"] = Field(
        "teacher", description="whose logits are divided by T"
    )
    answers: Literal["soft", "hard"] = Field(
        "soft", description="what the student learns; hard: decisions"
    )
    true_labels: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="share of the true label in what it learns of a source voxel"
    )
    scans: Literal["both", "target", "source"] = Field(
        "both", description="the clinics on whose scans it learns the teacher's answers"
    )

    @model_validator(mode="after")
    def _labels_are_there(self) -> Self:
        if self.true_labels and self.scans == "target":
            raise ValueError("true_labels are those of the source; choose scans='both' or 'source'")
        return self

    @property
    def softening(self) -> float:
        """How much less sure than its teacher the student is by construction: ``a / b``.

        The loss divides the teacher's logits ``z`` by ``a`` and the student's logits ``s`` by
        ``b``. It is least where both answers are equal: ``s / b = z / a``. When it is used, the
        student answers with ``s`` undivided, and that is ``z`` divided by ``a / b``.

        ===================  ======  =====
        answers, softened    a, b    a / b
        ===================  ======  =====
        soft, teacher        T, 1    T
        soft, both           T, T    1
        hard, teacher        1, 1    1
        hard, both           1, T    1 / T
        ===================  ======  =====

        Hard answers are not softened. For them ``z`` is the logit of the chance that the teacher
        decides for lesion. True labels are not softened either: with a share of them this number
        is exact only for target voxels, which have none.
        """
        answers = self.temperature if self.answers == "soft" else 1.0
        own = self.temperature if self.softened == "both" else 1.0
        return answers / own


class Distillation(Method[TaughtTask, DistillationSettings], name="distillation"):
    """Minimise Eq. 3 over the union of source and unlabelled target slices.

    The teacher does not move. It answers every slice once, before the first step. Its answers to
    the source are kept for the next student of the same teacher.

    A student that starts from its teacher's weights starts with its head (weight and bias) divided
    by ``softening``: for Eq. 3 its logits are ``z / T``. There the loss is least, and all decisions
    are the teacher's. With an undivided head the student would first have to become less sure, and
    at a high T a short training would end before that. The result would then tell of the optimiser
    and not of T.
    """

    def set_up(self) -> None:
        self.slices = pool([self.task.labelled.slices, self.task.target])
        self.teacher_logits = self._teacher_logits(self.task.teacher)
        if self.task.start is not None:
            soften_head(self.network, self.settings.softening)

    def _teacher_logits(self, teacher: UNet) -> Tensor:
        """Its logits (N, 2, H, W) of the union's slices."""
        precision = self.recipe.precision
        source = self.task.labelled.slices.images
        first: Tensor = self.task.once(_of_full_batches, teacher, source, precision)
        others = self.slices.images[len(first) :]
        return joined([first, answer_all(teacher, others, precision, ANSWERED_AT_ONCE)])

    def update(self, step: int) -> Losses:
        picked = self.picked(step)
        change = self.augmentation(len(picked), step)
        logits = self.answer(change.images(self.slices.images[picked]))
        loss = self.distillation_loss(logits, change.maps(self.soft_labels(picked)))
        self.descend(loss)
        return {"distillation": loss.detach()}

    def picked(self, step: int) -> Tensor:
        """The slices of the union (N,) that this step sees. The source's are the first ones there.

        Pooled, every slice is seen equally often, as Eq. 3 sums over the union. On the fly, one
        scan among those of a whole source would be seen in few steps, and ADA sees it in each. So
        half of the batch is source and half is target there, in KD as in ADA: both see the scan
        equally often, and in the same batches.
        """
        size, source, target = (
            self.recipe.batch_size,
            len(self.task.labelled),
            len(self.task.target),
        )
        if self.settings.scans == "source":
            return self.batch(source, size, step, "source")
        if self.settings.scans == "target":
            return source + self.batch(target, size, step, "target")
        if self.task.on_the_fly:
            here = self.batch(source, size // 2, step, "source")
            return torch.cat([here, source + self.batch(target, size // 2, step, "target")])
        return self.batch(source + target, size, step, "union")

    def distillation_loss(self, logits: Tensor, answers: Tensor) -> Tensor:
        """Eq. 3 of the student's logits (N, 2, H, W) and the answers it is to give."""
        if self.settings.softened == "both":
            logits = logits / self.settings.temperature
        return distillation(logits, answers)

    def soft_labels(self, picked: Tensor) -> Tensor:
        """What the student is to answer on those slices of the union, (N, 2, H, W)."""
        logits = self.teacher_logits[picked]
        if self.settings.answers == "hard":
            answers = _one_hot(logits.argmax(dim=1))
        else:
            answers = soften(logits, self.settings.temperature)
        if self.settings.true_labels:
            answers = self._mix_true_labels(answers, picked)
        return answers

    @torch.no_grad()
    def findings(self) -> dict[str, float]:
        """How far the student is from its teacher, on the union's slices as they are.

        ``loss`` is Eq. 3 over the slices it learns from. ``floor`` is the least that Eq. 3 can be
        there: the entropy of the soft labels. ``above_floor`` is their difference. The other two
        are the Dice of what student and teacher decide for, on the slices of the source
        (``agreement_home``) and on those of the target (``agreement_away``), NaN if neither decides
        for any lesion. On the fly there are
        none: one more pass over the source would cost as much as the adaptation.
        """
        if self.task.on_the_fly:
            return {}
        self.network.eval()
        every = torch.arange(len(self.slices), device=self.device)
        source = len(self.task.labelled)
        parts = {"source": every[:source], "target": every[source:]}
        sums = {name: self._beside_teacher(part) for name, part in parts.items()}
        learnt = [name for name in parts if self.settings.scans in (name, "both")]
        slices = sum(len(parts[name]) for name in learnt)
        loss, floor = (sum(sums[name][place] for name in learnt) / slices for place in (0, 1))
        dice = {
            name: common / voxels if voxels else nan
            for name, (_, _, common, voxels) in sums.items()
        }
        return {
            "loss": loss,
            "floor": floor,
            "above_floor": loss - floor,
            "agreement_home": dice["source"],
            "agreement_away": dice["target"],
        }

    def _beside_teacher(self, part: Tensor) -> list[float]:
        """Sums over slices: loss, entropy of the soft labels, twice the common lesion, lesion."""
        sums = []
        for picked in part.split(ANSWERED_AT_ONCE):
            logits, answers = self.answer(self.slices.images[picked]), self.soft_labels(picked)
            loss = len(picked) * self.distillation_loss(logits, answers)
            entropy = torch.special.entr(answers).sum() / answers[0, 0].numel()
            own, theirs = logits.argmax(dim=1), self.teacher_logits[picked].argmax(dim=1)
            sums.append(
                torch.stack([loss, entropy, 2 * (own & theirs).sum(), (own + theirs).sum()])
            )
        return torch.stack(sums).cpu().double().sum(dim=0).tolist()

    def _mix_true_labels(self, answers: Tensor, picked: Tensor) -> Tensor:
        """Only source slices have labels: the union's first ones."""
        source = picked < len(self.task.labelled)
        labels = self.task.labelled.labels[picked[source]]
        share = self.settings.true_labels * (labels != IGNORED)[:, None]
        known = _one_hot(labels.where(labels != IGNORED, 0).long())
        mixed = answers.clone()
        mixed[source] = torch.lerp(answers[source], known, share.to(answers.dtype))
        return mixed


def _of_full_batches(teacher: UNet, source: Tensor, precision: str) -> Tensor:
    """The logits of the source's slices that fill batches of their own.

    The others are answered with the target's, as one batch after the other cuts the union: how a
    batch is made up may decide the last bits.
    """
    whole = len(source) // ANSWERED_AT_ONCE * ANSWERED_AT_ONCE
    if not whole:
        return source.new_zeros((0, CLASSES, *source.shape[2:]))
    return answer_all(teacher, source[:whole], precision, ANSWERED_AT_ONCE)


def _one_hot(classes: Tensor) -> Tensor:
    return F.one_hot(classes, 2).movedim(-1, 1).float()
