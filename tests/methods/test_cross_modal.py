"""Laws of cross-modal distillation."""

import pytest
import torch

from kdlib.data.slices import LabelledSlices, Slices
from kdlib.methods import TaughtTask
from kdlib.study.scenario import Scenario
from tests.methods.shifted import SOURCE, TOY, clinic, mistakes, teacher, trained

FLAIR = TOY.model_copy(update={"inputs": "flair"})


def pairs(seed: int) -> LabelledSlices:
    """Slices whose first image tells the label, and whose second one tells it darkly."""
    told = clinic(seed)
    told.slices.images[:, 1] = 0.3 * told.slices.images[:, 1] - 0.8 * told.slices.images[:, 0]
    return told


def of_flair(pair: LabelledSlices) -> LabelledSlices:
    return LabelledSlices(Slices(pair.slices.images[:, :1]), pair.labels)


def test_a_student_of_t1_answers_as_its_teacher_of_flair_without_any_label() -> None:
    source, target = pairs(0), pairs(1)
    at_home = teacher(FLAIR, on=of_flair(source))
    hidden = LabelledSlices(source.slices, torch.zeros_like(source.labels))
    task = TaughtTask(labelled=hidden, target=target.slices, teacher=at_home)
    student = trained("cross_modal", task, 200).result
    assert mistakes(at_home, of_flair(target)) < 0.02
    assert mistakes(student, target) < 0.05


def test_the_student_needs_no_flair() -> None:
    at_home = teacher(FLAIR, on=of_flair(SOURCE))
    task = TaughtTask(labelled=SOURCE, target=clinic(1).slices, teacher=at_home)
    student = trained("cross_modal", task, 2).result.eval()
    images = clinic(2).slices.images
    lost = images.clone()
    lost[:, 0] = 7
    assert torch.equal(student(lost), student(images))
    lost[:, 1] = 7
    assert not torch.equal(student(lost), student(images))


@pytest.mark.parametrize("subject", [None, "50"])
def test_its_teacher_is_the_network_of_flair_that_other_methods_have(subject: str | None) -> None:
    pair = {"source": "utrecht", "target": "singapore"}
    scenario = Scenario(method="cross_modal", inputs="flair+t1", subject=subject, **pair)
    assert scenario.teacher == Scenario(method="adabn", **pair).teacher
    assert not scenario.starts_from_teacher
