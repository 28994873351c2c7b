"""Laws of KD without a source."""

import torch

from kdlib.losses import soften
from kdlib.methods import SourceFreeTask
from kdlib.networks import UNet, answer_all
from tests.methods.made import make
from tests.methods.shifted import clinic, mistakes, teacher, trained

TARGET = clinic(1, offset=-0.4)


def student(updates: int, **settings: float) -> UNet:
    task = SourceFreeTask(target=TARGET.slices, teacher=teacher(), start=teacher())
    return trained("target_distillation", task, updates, **settings).result


def test_a_student_that_starts_at_its_teacher_decides_as_it_does() -> None:
    theirs = answer_all(teacher(), TARGET.slices.images, "float32")
    ours = answer_all(student(0, temperature=3).eval(), TARGET.slices.images, "float32")
    torch.testing.assert_close(ours.softmax(1), soften(theirs, 3))


def test_a_student_repeats_its_teacher_and_so_its_mistakes() -> None:
    before = mistakes(teacher(), TARGET)
    assert before > 0.02  # an offset misleads it
    assert abs(mistakes(student(60), TARGET) - before) < 0.2 * before


def test_views_that_do_not_differ_are_the_slice_itself() -> None:
    alone, same = (make("target_distillation", views=n, transforms=()).soft_labels for n in (0, 3))
    torch.testing.assert_close(alone, same, atol=1e-4, rtol=0)
