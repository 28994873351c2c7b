"""Laws of the losses."""

import torch

from kdlib.losses import cross_entropy, distillation, reverse_gradient, soft_dice_loss, soften

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
