"""Laws of CyCADA."""

import pytest
import torch

from kdlib.methods import AdaptationTask
from kdlib.training import set_learning_rate
from kdlib.translation import game, new_pair
from tests.methods.made import make
from tests.methods.shifted import SOURCE, TOY, clinic, mistakes, teacher, trained

# Without a norm, which would undo the scanner's offset by itself.
PLAIN = TOY.model_copy(update={"norm": "none", "schedule": "constant", "learning_rate": 0.005})


def test_a_source_that_looks_like_the_target_mends_an_offset_of_the_scanner() -> None:
    target, at_home = clinic(1, offset=1.0), teacher(PLAIN)
    task = AdaptationTask(labelled=SOURCE, target=target.slices, start=at_home)
    adapted = trained("cycada", task, 250, PLAIN, translator_rate=0.005)
    assert mistakes(adapted.result, target) < 0.2 * mistakes(at_home, target)
    source = SOURCE.slices.images
    assert (adapted.modules["to target"](source) - source)[:, 0].mean() > 0.5


def test_at_first_a_translation_changes_nothing() -> None:
    method = make("cycada")
    images = method.task.target.images
    assert torch.equal(method.modules["to source"](images), images)
    assert method.update(0)["identity"] == 0 == make("cycada").update(0)["cycle"]


def test_translators_and_judges_have_a_rate_of_their_own() -> None:
    method = make("cycada", translator_rate=1e-5)
    set_learning_rate(method, 0)
    rates = {name: one.param_groups[0]["lr"] for name, one in method.optimisers.items()}
    assert rates.pop("network") == pytest.approx(method.recipe.learning_rate)
    assert list(rates.values()) == pytest.approx([1e-5] * 4)


def test_to_be_called_real_the_translator_alone_learns() -> None:
    translator, judge = new_pair(1, 4, seed=0)
    real = torch.randn(2, 1, 16, 16)
    made = translator(real)
    game(judge, real, made).backward()
    weight = [p.grad for p in translator.parameters()][-1]
    told = torch.cat([p.grad.flatten() for p in judge.parameters()])
    judge.zero_grad()
    game(judge, real, made.detach()).backward()
    assert weight.any()
    assert torch.equal(told, torch.cat([p.grad.flatten() for p in judge.parameters()]))
