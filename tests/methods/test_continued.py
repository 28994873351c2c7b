"""Laws of more training on the source."""

import torch

from kdlib.methods import LabelledTask, NoSettings
from kdlib.methods.continued import Continued
from kdlib.networks import new_unet
from kdlib.study.scenario import Scenario
from tests.methods.made import make, recipe, slices, weights

PAIR = {"source": "utrecht", "target": "singapore"}


def test_a_teacher_of_another_seed_has_other_weights_batches_and_random_changes() -> None:
    by = recipe(augmentation=("affine",))
    first, second = make("supervised", by), make("continued", by)
    assert not torch.equal(weights(first.network), weights(second.network))
    changes = [method.augmentation(4, 0).affine for method in (first, second)]
    assert not torch.equal(*changes)
    seen = [[] for _ in range(2)]  # type: list[list[int]]
    for method, batches in zip((first, second), seen, strict=True):
        draw = method.batch
        method.batch = lambda *a, draw=draw, batches=batches: (
            batches.append(draw(*a)) or batches[-1]
        )
        method.update(0)
    assert not torch.equal(seen[0][0], seen[1][0])


def test_a_continued_teacher_starts_as_its_teacher() -> None:
    teacher = new_unet(recipe(), seed=9).eval()
    task = LabelledTask(labelled=slices(10, 0), start=teacher)
    method = Continued(recipe(), NoSettings(), task, seed=0, updates=20)
    assert torch.equal(weights(method.network), weights(teacher))
    method.update(0)
    assert not torch.equal(weights(method.network), weights(teacher))


def test_the_recipes_start_says_whether_it_has_a_teacher() -> None:
    kd = Scenario(method="distillation", **PAIR)
    warm = Scenario(method="continued", start="teacher", **PAIR)
    assert warm.teacher == kd.teacher
    assert Scenario(method="continued", **PAIR).teacher is None
