"""Laws of mean teacher."""

import torch

from kdlib.methods import AdaptationTask
from tests.methods.made import make, recipe, weights
from tests.methods.shifted import SOURCE, clinic, mistakes, trained

FEWER = clinic(1, lesions=0.3)


def mean(weight: float) -> float:
    """The mistakes on a target with fewer lesions, which mislead its statistics."""
    task = AdaptationTask(labelled=SOURCE, target=FEWER.slices)
    settings = {"consistency_weight": weight, "memory": 0.95, "noise": 0.2}
    return mistakes(trained("mean_teacher", task, 150, **settings).result, FEWER)


def test_agreement_moves_the_border_out_of_a_crowd_of_voxels() -> None:
    assert mean(3.0) < 0.6 * mean(0.0)


def test_the_mean_is_first_the_network_and_then_remembers() -> None:
    method = make("mean_teacher", memory=0.9)
    method.update(0)
    first = weights(method.network)
    torch.testing.assert_close(weights(method.mean), first)
    method.update(1)
    torch.testing.assert_close(weights(method.mean), (first + weights(method.network)) / 2)
    before = weights(method.mean)
    method.update(15)
    torch.testing.assert_close(weights(method.mean), before.lerp(weights(method.network), 0.1))


def test_the_weight_grows_to_its_full_size() -> None:
    method = make("mean_teacher", consistency_weight=2.0, ramp=0.5)
    weights_of_steps = [method.weight(step) for step in range(20)]
    assert weights_of_steps[0] < 0.02
    assert weights_of_steps == sorted(weights_of_steps)
    assert weights_of_steps[10:] == [2.0] * 10
    assert make("mean_teacher", ramp=0.0).weight(1) == 3.0


def test_both_views_are_compared_in_the_same_place() -> None:
    """Without noise, a network that answers each voxel by itself is consistent."""
    method = make("mean_teacher", recipe(augmentation=("flip",), norm="none"), noise=0.0)
    for network in (method.network, method.mean):
        network.features = lambda images: images.expand(-1, 4, -1, -1)
    assert method.consistency(0) < 1e-12


def test_the_mean_sees_the_target_alone() -> None:
    method = make("mean_teacher", noise=0.0)
    seen = method.task.target.images[method.batch(6, 2, 0, "target")]
    expected = 0.1 * method.mean.down[0][0](seen).mean(dim=(0, 2, 3))
    method.update(0)
    torch.testing.assert_close(method.mean.down[0][1].running_mean, expected)
