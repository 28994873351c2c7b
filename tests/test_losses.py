"""Laws of the losses."""

import torch

from kdlib.losses import (
    coral_loss,
    cross_entropy,
    distillation,
    reverse_gradient,
    soft_dice_loss,
    soften,
)

LOGITS = torch.randn(2, 2, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = (LOGITS[:, 1] > 0.5).to(torch.uint8)


def test_identical_logits_give_zero_gradient_at_t_one() -> None:
    student = LOGITS.clone().requires_grad_(True)
    distillation(student, soften(LOGITS, 1.0)).backward()
    torch.testing.assert_close(student.grad, torch.zeros_like(LOGITS), atol=1e-8, rtol=0)


def test_a_softer_temperature_raises_entropy() -> None:
    entropies = [
        -(p * p.log()).sum(dim=1).mean() for p in (soften(LOGITS, t) for t in (0.5, 1, 2, 4, 10))
    ]
    assert entropies == sorted(entropies)


def test_softening_keeps_the_decision() -> None:
    assert torch.equal(soften(LOGITS, 7.0).argmax(dim=1), LOGITS.argmax(dim=1))


def test_distillation_is_least_at_the_teachers_answer() -> None:
    soft = soften(LOGITS, 2.0)
    best = distillation(LOGITS / 2.0, soft)
    assert all(
        distillation(LOGITS / 2.0 + noise, soft) > best for noise in torch.randn(5, 2, 2, 8, 8)
    )


def test_ignored_voxels_have_no_gradient() -> None:
    labels = LABELS.clone()
    labels[:, :4] = 2
    logits = LOGITS.clone().requires_grad_(True)
    (cross_entropy(logits, labels) + soft_dice_loss(logits, labels)).backward()
    assert logits.grad is not None
    assert not logits.grad[:, :, :4].any()
    assert logits.grad[:, :, 4:].any()


def test_cross_entropy_equals_torchs_where_nothing_is_ignored() -> None:
    expected = torch.nn.functional.cross_entropy(LOGITS, LABELS.long())
    torch.testing.assert_close(cross_entropy(LOGITS, LABELS), expected)


def test_a_batch_of_ignored_voxels_costs_nothing() -> None:
    assert cross_entropy(LOGITS, torch.full_like(LABELS, 2)) == 0


def test_a_perfect_answer_has_no_dice_loss() -> None:
    sure = torch.stack([1.0 - LABELS.float(), LABELS.float()], dim=1) * 100
    assert soft_dice_loss(sure, LABELS) < 1e-6


def test_the_reversed_gradient_has_the_opposite_sign() -> None:
    values = torch.ones(3, requires_grad=True)
    (reverse_gradient(values, 0.3) * torch.tensor([1.0, -2.0, 0.0])).sum().backward()
    torch.testing.assert_close(values.grad, torch.tensor([-0.3, 0.6, 0.0]))


def features(*scales: float, seed: int = 0) -> torch.Tensor:
    """Independent channels with so large standard deviations."""
    maps = torch.randn(8, len(scales), 32, 32, generator=torch.Generator().manual_seed(seed))
    return maps * torch.tensor(scales)[:, None, None]


def test_coral_loss_of_scaled_channels_is_known() -> None:
    loss = coral_loss(features(1, 1), features(1, 3, seed=1))
    torch.testing.assert_close(loss, torch.tensor((9 - 1) ** 2 / 16), rtol=0.05, atol=0)


def test_coral_loss_sees_a_rotation_and_no_shift() -> None:
    source = features(3, 1)
    turned = source.flip(1)  # by 90 degrees, and mirrored
    assert coral_loss(source, source + 5) < 1e-6
    torch.testing.assert_close(
        coral_loss(source, turned), torch.tensor(2 * 8.0**2 / 16), rtol=0.05, atol=0
    )


def test_descending_coral_loss_undoes_another_gain_of_each_channel() -> None:
    source, target = features(2, 1), features(2 * 0.3, 1 * 1.5, seed=1)
    undo = torch.ones(2, 1, 1, requires_grad=True)
    optimiser = torch.optim.Adam([undo], lr=0.02)
    for _ in range(300):
        optimiser.zero_grad()
        coral_loss(source, undo * target).backward()
        optimiser.step()
    torch.testing.assert_close(
        undo.detach().flatten(), 1 / torch.tensor([0.3, 1.5]), rtol=0.05, atol=0
    )
