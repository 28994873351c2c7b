"""Laws of ADA."""

import pytest
import torch

from kdlib.methods import AdaptationTask
from tests.methods.made import make, recipe
from tests.methods.shifted import SOURCE, clinic, mistakes, teacher, trained

# Without a norm, which would undo the scanner's offset by itself.
PLAIN = recipe(
    inputs="flair+t1", batch_size=8, learning_rate=0.005, norm="none", schedule="constant"
)
FALLING = PLAIN.model_copy(update={"schedule": "cosine"})


def test_the_adversarial_weight_ramps_from_zero() -> None:
    ada = make("adversarial", adversarial_weight=0.4, ramp=(0.25, 0.75))
    assert [round(ada.weight(step), 3) for step in (0, 5, 10, 15, 19)] == [0, 0, 0.2, 0.4, 0.4]


def test_an_adversarial_batch_is_half_source_half_target() -> None:
    images, labels, domains = make("adversarial").mixed_batch(0)
    assert len(images) == 4
    assert len(labels) == 2
    assert domains.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("seen", ["logits", "softmax", "features", "layers"])
def test_the_discriminators_loss_reaches_the_unet_reversed(seen: str) -> None:
    ada = make("adversarial", adversarial_input=seen)
    images, _, domains = ada.mixed_batch(0)
    gradients = []
    for weight in (1.0, -1.0, 0.0):
        ada.network.zero_grad()
        ada.domain_loss(ada.seen_and_logits(images)[0], domains, weight).backward()
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


def test_hiding_the_clinic_in_all_layers_mends_an_offset_of_the_scanner() -> None:
    def mended(weight: float, offset: float) -> float:
        target = clinic(1, offset=offset)
        task = AdaptationTask(labelled=SOURCE, target=target.slices, start=teacher(FALLING))
        settings = {"adversarial_input": "layers", "adversarial_weight": weight}
        return mistakes(trained("adversarial", task, 150, PLAIN, **settings).result, target)

    mixed, hidden = (mended(weight, -0.7) + mended(weight, 0.7) for weight in (0.0, 0.02))
    assert hidden < 0.85 * mixed


def test_all_decoder_levels_are_seen_and_the_last_one_is_the_features() -> None:
    ada = make("adversarial", recipe(depth=3), adversarial_input="layers")
    images, *_ = ada.mixed_batch(0)
    seen, logits = ada.seen_and_logits(images)
    assert seen.shape == (4, 4 * (1 + 2 + 4), 16, 16)
    torch.testing.assert_close(seen[:, -4:], ada.network.features(images))
    torch.testing.assert_close(ada.network.head(seen[:, -4:]), logits)
