"""Laws of data distillation."""

import torch

from kdlib.data.slices import LabelledSlices
from kdlib.methods import TaughtTask
from tests.methods.made import make, recipe
from tests.methods.shifted import SOURCE, clinic, mistakes, teacher, trained


def noisier() -> tuple[TaughtTask, LabelledSlices]:
    """A target whose second image, which tells nothing, is six times as loud."""
    target = clinic(1)
    target.slices.images[:, 1] *= 6
    return TaughtTask(labelled=SOURCE, target=target.slices, teacher=teacher()), target


def test_a_student_of_many_views_beats_its_teacher() -> None:
    task, target = noisier()
    student = trained("data_distillation", task, 100, transforms=("flip", "gamma"))
    alone, voted = mistakes(teacher(), target), student.labels != target.labels
    assert voted.float().mean() < 0.9 * alone
    assert mistakes(student.result, target) < 0.6 * alone


def test_one_view_without_a_transform_gives_the_teachers_own_decisions() -> None:
    method = make("data_distillation", views=1, transforms=())
    expected = method.task.teacher(method.task.target.images).argmax(dim=1)
    assert torch.equal(method.labels, expected)


def test_views_are_compared_in_the_place_of_the_slice() -> None:
    """A teacher that answers each voxel by itself votes as if nothing had been moved."""
    method = make("data_distillation", transforms=("flip",))
    method.task.teacher.features = lambda images: images.expand(-1, 4, -1, -1)
    expected = method.task.teacher(method.task.target.images).softmax(dim=1)
    torch.testing.assert_close(method.voted(), expected, atol=1e-4, rtol=0)


def test_the_target_learns_voted_labels_and_the_source_its_own() -> None:
    method = make("data_distillation", recipe(batch_size=4))
    seen = []
    method.segmentation_loss = lambda logits, labels: seen.append(labels) or logits.sum()
    method.update(0)
    here, there = method.batch(10, 2, 0, "source"), method.batch(6, 2, 0, "target")
    assert torch.equal(seen[0][:2], method.task.labelled.labels[here])
    assert torch.equal(seen[0][2:], method.labels[there])
