"""What holds for every method there is, and for each by itself."""

from typing import Any

import pytest
import torch

from kdlib.data.slices import LabelledSlices, Slices
from kdlib.losses import soften
from kdlib.methods import Method, method_named
from kdlib.methods.base import Task
from kdlib.networks import answer_all, new_unet
from kdlib.recipe import Recipe

RECIPE = Recipe(size=(16, 16), width=4, depth=2, batch_size=4, precision="float32")


def recipe(**changes: Any) -> Recipe:
    return Recipe(**RECIPE.model_dump() | changes)


def slices(count: int, seed: int) -> LabelledSlices:
    images = torch.randn(count, 1, 16, 16, generator=torch.Generator().manual_seed(seed))
    return LabelledSlices(Slices(images), (images[:, 0] > 1).to(torch.uint8))


def make(name: str, by: Recipe = RECIPE, **settings: Any) -> Any:
    kind = method_named(name)
    teacher = new_unet(by, seed=9).eval()
    task = Task(slices(10, 0), slices(6, 1).slices, teacher=teacher)
    return kind(by, kind.Settings(**settings), task, seed=0, updates=20)


def weights(module: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


trained = pytest.mark.parametrize(
    "name", [name for name, kind in sorted(Method.named.items()) if kind.trains]
)


@trained
def test_an_update_moves_the_network_and_says_its_losses(name: str) -> None:
    method = make(name)
    before = weights(method.network)
    losses = method.update(0)
    assert not torch.equal(weights(method.network), before)
    assert all(loss.isfinite() and not loss.requires_grad for loss in losses.values())


@trained
def test_the_teacher_does_not_move(name: str) -> None:
    method = make(name)
    before = {key: value.clone() for key, value in method.task.teacher.state_dict().items()}
    for step in range(3):
        method.update(step)
    after = method.task.teacher.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


@trained
def test_the_same_seed_gives_the_same_weights(name: str) -> None:
    first, second = make(name), make(name)
    for step in range(2):
        first.update(step), second.update(step)
    assert torch.equal(weights(first.network), weights(second.network))


@trained
@pytest.mark.parametrize(
    "choice",
    [
        {"loss": "dice+cross-entropy", "other_pathology": "background"},
        {"augmentation": ("flip", "affine", "gamma")},
        {"norm": "instance", "precision": "bfloat16"},
    ],
)
def test_every_choice_of_the_recipe_trains(name: str, choice: dict[str, Any]) -> None:
    method = make(name, recipe(**choice))
    assert all(loss.isfinite() for loss in method.update(0).values())


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
    teacher.register_forward_hook(lambda _, images, __: asked.append(len(images[0])))
    for seed, batches in ((1, [32, 32, 12]), (2, [12])):
        asked.clear()
        target = slices(6, seed).slices
        student = kind(by, kind.Settings(), Task(labelled, target, teacher), seed=0, updates=20)
        assert asked == batches
        expected = answer_all(teacher, student.slices.images, by.precision)
        assert torch.equal(student.teacher_logits, expected)


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


def test_the_adversarial_weight_ramps_from_zero() -> None:
    ada = make("adversarial", adversarial_weight=0.4, ramp=(0.25, 0.75))
    assert [round(ada.weight(step), 3) for step in (0, 5, 10, 15, 19)] == [0, 0, 0.2, 0.4, 0.4]


def test_an_adversarial_batch_is_half_source_half_target() -> None:
    images, labels, domains = make("adversarial").mixed_batch(0)
    assert len(images) == 4
    assert len(labels) == 2
    assert domains.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("seen", ["logits", "softmax", "features"])
def test_the_discriminators_loss_reaches_the_unet_reversed(seen: str) -> None:
    ada = make("adversarial", adversarial_input=seen)
    images, _, domains = ada.mixed_batch(0)
    gradients = []
    for weight in (1.0, -1.0, 0.0):
        ada.network.zero_grad()
        ada.domain_loss(ada.seen(*ada.features_and_logits(images)), domains, weight).backward()
        gradients.append(ada.network.up[0].weight.grad.clone())
    torch.testing.assert_close(gradients[0], -gradients[1])
    assert gradients[0].any()
    assert not gradients[2].any()


def test_the_discriminators_optimiser_leaves_the_unet_alone() -> None:
    ada = make("adversarial")
    owned = {id(p) for g in ada.optimisers["discriminator"].param_groups for p in g["params"]}
    assert owned == {id(p) for p in ada.discriminator.parameters()}
    assert not owned & {id(p) for p in ada.network.parameters()}


def test_the_discriminator_learns_to_tell_the_clinics_apart() -> None:
    ada = make("adversarial", recipe(learning_rate=0.01), adversarial_weight=0.0)
    ada.task.target.images.add_(3.0)
    losses = [ada.update(step)["domain"] for step in range(20)]
    assert losses[-1] < 0.1 * losses[0]


def test_an_adaptation_method_is_handed_no_target_label() -> None:
    for name, kind in Method.named.items():
        if not kind.reads_target_labels:
            assert not hasattr(make(name).task.target, "labels")
