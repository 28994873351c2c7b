"""Laws of tent."""

import pytest
import torch

from kdlib.errors import InputError
from kdlib.methods import SourceFreeTask
from kdlib.study.scenario import Scenario
from tests.methods.made import make, recipe
from tests.methods.shifted import clinic, mistakes, teacher, trained


def test_being_sure_mends_what_statistics_alone_do_not() -> None:
    """The target has another scanner, and fewer lesions, which mislead its statistics."""
    target = clinic(1, lesions=0.3, gain=0.4, offset=1.0)
    task = SourceFreeTask(target=target.slices, teacher=teacher(), start=teacher())
    alone = trained("adabn", task, 0).result
    sure = trained("tent", task, 100).result
    assert mistakes(alone, target) < 0.5 * mistakes(teacher(), target)
    assert mistakes(sure, target) < 0.5 * mistakes(alone, target)


def test_only_scales_and_shifts_change() -> None:
    tent = make("tent")
    before = {name: p.clone() for name, p in tent.network.named_parameters()}
    tent.update(0)
    moved = {
        name for name, p in tent.network.named_parameters() if not torch.equal(p, before[name])
    }
    scales = {
        name for name, p in before.items() if p.dim() == 1 and not name.startswith(("head", "up"))
    }
    assert moved == scales


@pytest.mark.parametrize("settings", [{}, {"subject": "50", "on_the_fly_start": "scratch"}])
def test_it_starts_at_its_teacher_whatever_the_recipe_says(settings: dict[str, str]) -> None:
    scenario = Scenario(method="tent", source="utrecht", target="singapore", **settings)
    assert scenario.starts_from_teacher


def test_a_network_without_a_norm_is_refused() -> None:
    with pytest.raises(InputError, match="no scales and shifts; give norm='batch'"):
        make("tent", recipe(norm="none"))
