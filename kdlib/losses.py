"""The losses of the study, as pure functions of logits."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from kdlib.data.labels import Label

IGNORED = Label.OTHER_PATHOLOGY  # the label that takes no part in a loss


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy over the voxels whose label is not ``IGNORED`` (Eq. 1).

    ``logits`` (N, 2, H, W); ``labels`` (N, H, W) in {0, 1, 2}. In [0, inf); 0 when no voxel
    counts.
    """
    counted = (labels != IGNORED).sum().clamp(min=1)
    return F.cross_entropy(logits, labels.long(), ignore_index=IGNORED, reduction="sum") / counted


def soft_dice_loss(logits: Tensor, labels: Tensor, smooth: float = 1.0) -> Tensor:
    """One minus the soft Dice of the lesion class over the whole batch, in [0, 1].

    Shapes as in ``cross_entropy``; ignored voxels take no part (Milletari et al. 2016, with
    unsquared sums).
    """
    counted = labels != IGNORED
    lesion = logits.softmax(dim=1)[:, 1] * counted
    truth = (labels == Label.LESION).to(lesion.dtype)
    overlap = 2 * (lesion * truth).sum() + smooth
    return 1 - overlap / (lesion.sum() + truth.sum() + smooth)


def soften(logits: Tensor, temperature: float) -> Tensor:
    """Soft labels softmax(z / T), (N, 2, H, W) (Eq. 2 and 3); T > 0, softer as T grows."""
    return F.softmax(logits / temperature, dim=1)


def distillation(student_logits: Tensor, soft_labels: Tensor) -> Tensor:
    """Mean cross-entropy of the student's answer under the teacher's soft labels (Eq. 3).

    Both (N, 2, H, W). The teacher alone is softened, and no factor T^2 is applied, as in the
    paper. Least where the student's probabilities equal the soft labels.

    >>> z = torch.zeros(1, 2, 1, 1)
    >>> round(distillation(z, soften(z, 2.0)).item(), 4)
    0.6931
    """
    return F.cross_entropy(student_logits, soft_labels)


def domain_loss(domain_logits: Tensor, domains: Tensor) -> Tensor:
    """Cross-entropy of the discriminator; ``domains`` (N,) is 0 for source, 1 for target."""
    return F.cross_entropy(domain_logits, domains)


def coral_loss(source: Tensor, target: Tensor) -> Tensor:
    """How far the covariances of two sets of features are apart: ||C_S - C_T||_F^2 / (4 d^2).

    ``source`` (N, d, H, W) and ``target`` (M, d, H, W) with ``d`` channels; each voxel is one
    sample, and ``C`` (d, d) is the covariance of the channels over all samples. In [0, inf); 0
    where the covariances are equal, whatever the means (Sun and Saenko 2016, Eq. 1 to 3).

    >>> source = torch.tensor([-1.0, 1.0]).reshape(2, 1, 1, 1)  # variance 2
    >>> round(coral_loss(source, 2 * source).item(), 4)  # (2 - 8)^2 / 4
    9.0
    """
    apart = _covariance(source) - _covariance(target)
    return apart.square().sum() / (4 * source.shape[1] ** 2)


def _covariance(features: Tensor) -> Tensor:
    return torch.cov(features.movedim(1, 0).flatten(start_dim=1))


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: float) -> Tensor:
        ctx.weight = weight
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.weight * gradient, None


def reverse_gradient(values: Tensor, weight: float) -> Tensor:
    """``values`` unchanged; their gradient comes back times ``-weight`` (Ganin et al. 2016)."""
    return _Reverse.apply(values, weight)
