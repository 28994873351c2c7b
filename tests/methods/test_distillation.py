"""Laws of KD."""

from functools import lru_cache
from operator import call
from typing import Any

import numpy as np
import pytest
import torch

from kdlib.losses import soften
from kdlib.methods import AdaptationTask, TaughtTask, method_named
from kdlib.methods.distillation import Distillation
from kdlib.networks import answer_all, new_unet
from kdlib.scores.calibration import undo_softening
from tests.methods.made import make, recipe, slices, weights


def test_a_student_starts_elsewhere_than_its_teacher() -> None:
    student, supervised = make("distillation"), make("supervised")
    assert not torch.equal(weights(student.network), weights(supervised.network))


def test_the_student_learns_source_and_target() -> None:
    student = make("distillation")
    assert len(student.slices) == 16
    expected = soften(student.task.teacher(student.slices.images), 2.0)
    torch.testing.assert_close(student.soft_labels(torch.arange(16)), expected)


def test_a_teacher_answers_the_source_once_for_all_its_students() -> None:
    kind, by = method_named("distillation"), recipe(precision="bfloat16")
    labelled, teacher, asked = slices(70, 0), new_unet(by, seed=9).eval(), list[int]()
    once = lru_cache(call)  # as a store's
    teacher.register_forward_hook(lambda _, images, __: asked.append(len(images[0])))
    for seed, batches in ((1, [32, 32, 12]), (2, [12])):
        asked.clear()
        target = slices(6, seed).slices
        task = TaughtTask(labelled=labelled, target=target, teacher=teacher, once=once)
        student = kind(by, kind.Settings(), task, seed=0, updates=20)
        assert asked == batches
        expected = answer_all(teacher, student.slices.images, by.precision)
        assert torch.equal(student.teacher_logits, expected)


def seen_by(student: Distillation, updates: int = 20) -> list[int]:
    """How often each slice of the union is seen in some steps."""
    picked = torch.cat([student.picked(step) for step in range(updates)])
    return picked.bincount(minlength=len(student.slices)).tolist()


def test_a_pooled_student_sees_every_slice_of_the_union_equally_often() -> None:
    assert seen_by(make("distillation")) == [5] * 16


@pytest.mark.parametrize(
    ("scans", "counts"), [("source", [6] * 10 + [0] * 6), ("target", [0] * 10 + [10] * 6)]
)
def test_a_student_can_learn_from_one_clinics_scans_in_as_many_steps(
    scans: str, counts: list[int]
) -> None:
    assert seen_by(make("distillation", scans=scans), 15) == counts


def test_on_the_fly_a_student_sees_the_slices_that_ada_sees() -> None:
    source, target = slices(10, 0), slices(2, 1).slices
    alone = {"labelled": source, "target": target, "on_the_fly": True}
    kd, ada = method_named("distillation"), method_named("adversarial")
    task = TaughtTask(**alone, teacher=new_unet(recipe(), seed=9).eval())
    student = kd(recipe(), kd.Settings(), task, seed=0, updates=20)
    other = ada(recipe(), ada.Settings(), AdaptationTask(**alone), seed=0, updates=20)
    for step in range(5):
        images, *_ = other.mixed_batch(step)
        assert torch.equal(student.slices.images[student.picked(step)], images)


def started_at_teacher(**settings: Any) -> Distillation:
    """A student before its first step; its network and its teacher's answer alike but for T."""
    teacher, kind = new_unet(recipe(), seed=9).eval(), method_named("distillation")
    teacher.head.bias.data.zero_()  # it decides for lesion too
    teacher.head.weight.data.mul_(500)  # and is sure in some voxels
    task = TaughtTask(
        labelled=slices(10, 0), target=slices(6, 1).slices, teacher=teacher, start=teacher
    )
    student = kind(recipe(), kind.Settings(**settings), task, seed=0, updates=20)
    student.network.eval()
    return student


@pytest.mark.parametrize("settings", [{}, {"softened": "both"}])
@pytest.mark.parametrize("temperature", [1.0, 2.0, 10.0])
def test_a_student_that_starts_at_its_teacher_starts_at_the_minimum_of_eq_3(
    temperature: float, settings: dict[str, str]
) -> None:
    student = started_at_teacher(temperature=temperature, **settings)
    answers = student.soft_labels(torch.arange(16))
    loss = student.distillation_loss(student.answer(student.slices.images), answers)
    entropy = torch.special.entr(answers).sum(dim=1).mean()
    torch.testing.assert_close(loss, entropy, rtol=1e-5, atol=1e-6)


def test_the_head_alone_starts_softened_and_all_decisions_stay() -> None:
    student = started_at_teacher(temperature=4.0)
    teacher, own = student.task.teacher, student.network
    assert torch.equal(own.head.weight * 4, teacher.head.weight)
    assert torch.equal(own.up[0].weight, teacher.up[0].weight)
    decisions = student.answer(student.slices.images).argmax(dim=1)
    assert torch.equal(decisions, student.teacher_logits.argmax(dim=1))


def test_a_head_that_both_sides_divide_by_t_starts_as_it_is() -> None:
    student = started_at_teacher(temperature=4.0, softened="both")
    assert torch.equal(student.network.head.weight, student.task.teacher.head.weight)


@pytest.mark.parametrize("settings", [{}, {"softened": "both"}, {"scans": "target"}])
def test_a_student_that_answers_as_its_teacher_stands_on_the_floor(
    settings: dict[str, str],
) -> None:
    found = started_at_teacher(temperature=3.0, **settings).findings()
    assert found["above_floor"] == pytest.approx(0, abs=1e-6)
    assert found["loss"] == pytest.approx(found["floor"]) != 0
    assert found["agreement_home"] == found["agreement_away"] == 1


def test_findings_are_those_of_the_slices_that_the_student_learnt() -> None:
    student = started_at_teacher(scans="target")
    student.network.up[0].weight.data.mul_(-1)
    found, away = student.findings(), torch.arange(10, 16)
    answers = student.soft_labels(away)
    logits = student.answer(student.slices.images[away])
    assert found["loss"] == pytest.approx(student.distillation_loss(logits, answers).item())
    own, theirs = (x.argmax(dim=1).bool() for x in (logits, student.teacher_logits[away]))
    dice = 2 * (own & theirs).sum() / (own.sum() + theirs.sum())
    assert found["agreement_away"] == pytest.approx(dice.item())
    assert found["above_floor"] > 0
    assert found["agreement_home"] != found["agreement_away"]


def test_hard_answers_are_the_teachers_decisions() -> None:
    student = make("distillation", answers="hard")
    answers = student.soft_labels(torch.arange(16))
    assert torch.equal(answers.argmax(dim=1), student.teacher_logits.argmax(dim=1))
    assert set(answers.unique().tolist()) == {0.0, 1.0}


def test_true_labels_replace_the_answers_of_source_voxels_only() -> None:
    student, plain = make("distillation", true_labels=1.0), make("distillation")
    student.task.labelled.labels[0, :4] = 2
    mixed, soft = (m.soft_labels(torch.arange(16)) for m in (student, plain))
    labels = student.task.labelled.labels
    assert torch.equal(mixed[:10, 1][labels == 1], torch.ones(int((labels == 1).sum())))
    torch.testing.assert_close(mixed[0, :, :4], soft[0, :, :4])
    torch.testing.assert_close(mixed[10:], soft[10:])


def test_softening_both_divides_the_students_logits_too() -> None:
    teacher, both = make("distillation"), make("distillation", softened="both")
    assert teacher.update(0)["distillation"] != both.update(0)["distillation"]


@pytest.mark.parametrize(
    ("settings", "softening"),
    [
        ({}, 3.0),
        ({"softened": "both"}, 1.0),
        ({"answers": "hard"}, 1.0),
        ({"answers": "hard", "softened": "both"}, 1 / 3),
    ],
)
def test_undoing_the_softening_of_the_best_student_gives_the_unsoftened_answer(
    settings: dict[str, str], softening: float
) -> None:
    """The student is free: one logit for each voxel, or for all voxels of hard answers."""
    student = make("distillation", temperature=3.0, **settings)
    assert student.settings.softening == pytest.approx(softening)
    student.teacher_logits = 2 * torch.randn(4, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    answers = student.soft_labels(torch.arange(4))
    unsoftened = student.teacher_logits.softmax(dim=1)
    if "answers" in settings:
        unsoftened = answers = answers.mean(dim=(0, 2, 3), keepdim=True)
    logits = torch.zeros_like(answers, requires_grad=True)
    best = torch.optim.LBFGS(
        [logits],
        max_iter=500,
        tolerance_grad=1e-9,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def loss() -> torch.Tensor:
        best.zero_grad()
        value = student.distillation_loss(logits, answers)
        value.backward()
        return value

    best.step(loss)
    own = logits.detach().softmax(dim=1)[:, 1].numpy()
    undone = undo_softening(own, student.settings.softening)
    np.testing.assert_allclose(undone, unsoftened[:, 1].numpy(), atol=1e-3)
