"""Laws of ADDA."""

import torch

from kdlib.losses import domain_loss
from kdlib.methods import TaughtTask
from kdlib.methods.adda import Judged
from tests.methods.made import make, weights
from tests.methods.shifted import SOURCE, TOY, clinic, mistakes, teacher, trained

# Without a norm, which would undo the scanner's offset by itself.
PLAIN = TOY.model_copy(update={"norm": "none", "schedule": "cosine", "learning_rate": 0.005})
SLOW = PLAIN.model_copy(update={"learning_rate": 3e-4, "batch_size": 16})


def test_features_that_pass_for_the_sources_mend_an_offset_of_the_scanner() -> None:
    target, at_home = clinic(1, offset=1.5), teacher(PLAIN, 500)
    task = TaughtTask(labelled=SOURCE, target=target.slices, teacher=at_home, start=at_home)
    adapted = trained("adda", task, 600, SLOW).result
    assert mistakes(adapted, target) < 0.5 * mistakes(at_home, target)


def test_the_head_stays_the_teachers() -> None:
    adda = make("adda")
    for step in range(3):
        adda.update(step)
    assert torch.equal(adda.network.head.weight, adda.task.teacher.head.weight)
    assert not torch.equal(adda.network.up[0].weight, adda.task.teacher.up[0].weight)


def test_while_the_discriminator_knows_nothing_the_network_stays_its_teacher() -> None:
    adda = make("adda", least_right=0.6)
    for step in range(3):
        adda.update(step)
    assert torch.equal(weights(adda.network), weights(adda.task.teacher))
    first = make("adda").discriminator
    assert not torch.equal(weights(adda.discriminator), weights(first))


def test_the_network_moves_once_the_discriminator_is_right_often_enough() -> None:
    judged, domains = Judged(), torch.tensor([0, 1])
    right = torch.stack([1.0 - domains, domains], dim=1)[..., None, None].expand(2, 2, 4, 4)
    shares = [judged.right_after(right, domains) for _ in range(30)]
    assert shares[0] < 0.6 < shares[-1] < 1
    assert judged.right_after(-right, domains) < shares[-1]


def test_each_voxel_is_told_by_its_own_features() -> None:
    adda = make("adda")
    features = torch.randn(1, adda.recipe.width, 4, 4)
    moved = features.clone()
    moved[..., 0, 0] += 1
    apart = (adda.told(features) != adda.told(moved)).any(dim=1)[0]
    assert apart.nonzero().tolist() == [[0, 0]]


def test_to_fool_the_discriminator_the_network_alone_learns() -> None:
    adda = make("adda")
    target, _ = adda.features_and_logits(adda.task.target.images)
    called = torch.zeros(len(target), dtype=torch.long)
    domain_loss(adda.told(target, still=True), called).backward()
    assert all(p.grad is None for p in adda.discriminator.parameters())
    assert adda.network.up[0].weight.grad.any()
    domain_loss(adda.told(target.detach()), called).backward()
    assert all(p.grad is not None for p in adda.discriminator.parameters())
