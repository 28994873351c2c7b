"""The losses of the study, as pure functions of logits."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from kdlib.data.labels import Label

IGNORED = Label.OTHER_PATHOLOGY  # voxels of this label do not count in a loss


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy over the voxels whose label is not ``IGNORED`` (paper, Eq. 1).

    Args:
        logits: the network's answer (N, 2, H, W).
        labels: 0 background, 1 lesion, 2 ignored (N, H, W).

    Returns:
        A number in [0, inf). It is 0 if no voxel counts.

    >>> logits = torch.zeros(1, 2, 1, 1)
    >>> round(cross_entropy(logits, torch.tensor([[[1]]])).item(), 4)
    0.6931
    """
    counted = (labels != IGNORED).sum().clamp(min=1)
    return F.cross_entropy(logits, labels.long(), ignore_index=IGNORED, reduction="sum") / counted


def soft_dice_loss(logits: Tensor, labels: Tensor, smooth: float = 1.0) -> Tensor:
    """One minus the soft Dice of the lesions, over the whole batch.

    The formula is that of Milletari et al. (2016), with sums that are not squared. Voxels whose
    label is ``IGNORED`` do not count.

    Args:
        logits: the network's answer (N, 2, H, W).
        labels: 0 background, 1 lesion, 2 ignored (N, H, W).
        smooth: a number above 0. It is added to both parts of the fraction, which is then defined
            without lesions too.

    Returns:
        A number in [0, 1].

    >>> sure = torch.tensor([-20.0, 20.0]).view(1, 2, 1, 1)
    >>> round(soft_dice_loss(sure, torch.tensor([[[1]]])).item(), 4)
    0.0
    """
    counted = labels != IGNORED
    lesion = logits.softmax(dim=1)[:, Label.LESION] * counted
    truth = (labels == Label.LESION).to(lesion.dtype)
    overlap = 2 * (lesion * truth).sum() + smooth
    return 1 - overlap / (lesion.sum() + truth.sum() + smooth)


def soften(logits: Tensor, temperature: float) -> Tensor:
    """Soft labels: softmax(z / T) (paper, Eq. 2 and 3).

    Args:
        logits: z, the teacher's answer (N, 2, H, W).
        temperature: T, above 0. The labels get softer as it grows.

    Returns:
        Probabilities (N, 2, H, W) that sum to 1 over the two classes.

    >>> z = torch.tensor([0.0, 2.0]).view(1, 2, 1, 1)
    >>> [round(soften(z, t)[0, 1].item(), 3) for t in (1.0, 2.0, 4.0)]
    [0.881, 0.731, 0.622]
    """
    return F.softmax(logits / temperature, dim=1)


def distillation(student_logits: Tensor, soft_labels: Tensor) -> Tensor:
    """Mean cross-entropy of the student's answer under the teacher's soft labels (paper, Eq. 3).

    As in the paper, only the teacher is softened and no factor T^2 is applied.

    Args:
        student_logits: the student's answer (N, 2, H, W).
        soft_labels: what it should answer, as probabilities (N, 2, H, W).

    Returns:
        A number in [0, inf). It is smallest if the student's probabilities are the soft labels.

    >>> z = torch.zeros(1, 2, 1, 1)
    >>> round(distillation(z, soften(z, 2.0)).item(), 4)
    0.6931
    """
    return F.cross_entropy(student_logits, soft_labels)


def entropy(logits: Tensor) -> Tensor:
    """The mean entropy of the answers: how unsure a network is (Wang et al. 2021, Section 3.1).

    Args:
        logits: the network's answer (N, 2, H, W).

    Returns:
        A number in [0, log 2].

    >>> round(entropy(torch.zeros(1, 2, 1, 1)).item(), 4)
    0.6931
    """
    logs = logits.log_softmax(dim=1)
    return -(logs.exp() * logs).sum(dim=1).mean()


def domain_loss(domain_logits: Tensor, domains: Tensor) -> Tensor:
    """Cross-entropy of the discriminator (paper, Section 4.2; Ganin et al. 2016).

    Args:
        domain_logits: its answer (N, 2), or (N, 2, H, W) for each voxel, source first.
        domains: the truth (N,): 0 source, 1 target.

    Returns:
        A number in [0, inf). It is log 2 = 0.693 for a discriminator that cannot tell them apart.

    >>> round(domain_loss(torch.zeros(2, 2), torch.tensor([0, 1])).item(), 4)
    0.6931
    """
    places = domain_logits.shape[2:]
    truth = domains.view(-1, *[1] * len(places)).expand(-1, *places)
    return F.cross_entropy(domain_logits, truth)


def coral_loss(source: Tensor, target: Tensor) -> Tensor:
    """The distance of the covariances of two sets of features: ||C_S - C_T||_F^2 / (4 d^2).

    Each voxel is one sample with ``d`` channels. ``C`` (d, d) is the covariance of the channels
    over all samples (Sun and Saenko 2016, Eq. 1 to 3).

    Args:
        source: features (N, d, H, W).
        target: features (M, d, H, W).

    Returns:
        A number in [0, inf). It is 0 if the covariances are equal, even if the means differ.

    >>> source = torch.tensor([-1.0, 1.0]).reshape(2, 1, 1, 1)  # variance 2
    >>> round(coral_loss(source, 2 * source).item(), 4)  # (2 - 8)^2 / 4
    9.0
    """
    apart = _covariance(source) - _covariance(target)
    return apart.square().sum() / (4 * source.shape[1] ** 2)


def _covariance(features: Tensor) -> Tensor:
    samples = features.movedim(1, 0).flatten(start_dim=1)
    apart = samples - samples.mean(dim=1, keepdim=True)
    return apart @ apart.T / (samples.shape[1] - 1)  # torch.cov would make a GPU wait


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: float) -> Tensor:
        ctx.weight = weight
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.weight * gradient, None


def reverse_gradient(values: Tensor, weight: float) -> Tensor:
    """Return ``values`` unchanged, and reverse their gradient (Ganin et al. 2016).

    Args:
        values: any tensor. The result has its shape.
        weight: the gradient is multiplied by ``-weight``.

    >>> x = torch.ones(1, requires_grad=True)
    >>> reverse_gradient(x, 0.5).backward()
    >>> x.grad.item()
    -0.5
    """
    return _Reverse.apply(values, weight)
