"""Laws of AdaBN."""

import copy
import shutil
from pathlib import Path

import pytest
import torch

from kdlib.data.clinics import Clinics
from kdlib.data.prepared import PreparedSlices
from kdlib.data.slices import Slices
from kdlib.errors import InputError
from kdlib.methods import NoSettings, SourceFreeTask
from kdlib.methods.adabn import AdaBN
from kdlib.networks import UNet, new_unet
from kdlib.study.scenario import Scenario
from kdlib.study.store import run
from tests.methods.made import RECIPE, recipe, slices, weights
from tests.tiny import RECIPE as TINY

IMAGES = slices(64, 0).slices.images


def adapted(images: torch.Tensor, teacher: UNet | None = None) -> UNet:
    """The network of a teacher, adapted to ``images``."""
    teacher = (teacher or new_unet(RECIPE, seed=9)).eval()
    task = SourceFreeTask(target=Slices(images), teacher=teacher, start=teacher)
    return AdaBN(RECIPE, NoSettings(), task, seed=0, updates=0).result.eval()


def statistics(network: UNet) -> torch.Tensor:
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    return torch.cat([torch.cat([norm.running_mean, norm.running_var]) for norm in norms])  # type: ignore[list-item]


def test_another_gain_of_the_scanner_is_undone() -> None:
    teacher = adapted(IMAGES)  # its statistics are the source's
    weaker = 0.2 * IMAGES
    answers, shifted = teacher(IMAGES), teacher(weaker)
    mended = adapted(weaker, teacher)(weaker)
    torch.testing.assert_close(mended, answers, atol=0.01, rtol=0)
    assert (shifted - answers).abs().max() > 0.1


def test_another_offset_is_undone_inside_the_slice() -> None:
    """At the slice's edge the network sees zeros beyond it, which move with nothing."""
    teacher = adapted(IMAGES)
    moved = 0.2 * IMAGES + 3
    inside = (..., slice(5, -5), slice(5, -5))
    answers, shifted = teacher(IMAGES)[inside], teacher(moved)[inside]
    mended = adapted(moved, teacher)(moved)[inside]
    assert (mended - answers).abs().mean() < 0.1 * (shifted - answers).abs().mean()


def test_no_weight_changes_and_the_teacher_keeps_its_statistics() -> None:
    teacher = new_unet(RECIPE, seed=9).eval()
    before = copy.deepcopy(teacher)
    network = adapted(IMAGES + 1, teacher)
    assert torch.equal(weights(network), weights(before))
    assert torch.equal(statistics(teacher), statistics(before))
    assert not torch.equal(statistics(network), statistics(before))


def test_the_order_of_batches_does_not_matter() -> None:
    torch.testing.assert_close(statistics(adapted(IMAGES)), statistics(adapted(IMAGES.flip(0))))


def test_the_first_layers_statistics_are_those_of_all_slices() -> None:
    network = adapted(IMAGES)
    seen = network.down[0][0](IMAGES)  # type: ignore[index]
    torch.testing.assert_close(network.down[0][1].running_mean, seen.mean(dim=(0, 2, 3)))  # type: ignore[index]


@pytest.mark.parametrize("norm", ["instance", "none"])
def test_a_network_without_batch_norm_is_refused_before_anything_runs(norm: str) -> None:
    with pytest.raises(InputError, match=f"norm='{norm}' a network has no statistics"):
        Scenario(method="adabn", source="utrecht", target="singapore", norm=norm)
    with pytest.raises(InputError, match="give norm='batch'"):
        AdaBN.check(recipe(norm=norm))


def test_a_run_reads_no_scan_and_no_label_of_the_source(
    clinics: Clinics, store: Path, tmp_path: Path
) -> None:
    scenario = Scenario(method="adabn", source="utrecht", target="singapore", **TINY)
    assert scenario.teacher is not None
    teacher = run(scenario.teacher, clinics, store=store)
    shutil.copytree(teacher.directory, tmp_path / teacher.directory.name)
    done = run(scenario, clinics, store=tmp_path)
    read = [path.name for path in (tmp_path / "prepared").iterdir()]
    assert len(read) == len(clinics["singapore"].folds[0])
    assert all(name.startswith("images") for name in read)
    assert not done.source_scores.empty  # what it cost at home
    assert statistics(done.network()).ne(statistics(teacher.network())).any()


def test_on_the_fly_it_adapts_to_the_one_scan(clinics: Clinics, store: Path) -> None:
    subject = clinics["singapore"].folds[1][0]
    scenario = Scenario(method="adabn", source="utrecht", target="singapore", **TINY)
    alone = run(scenario.changed(subject=subject.id), clinics, store=store)
    prepared = PreparedSlices(store / "prepared", scenario.preparation, torch.device("cpu"))
    network = alone.teacher.network()  # type: ignore[union-attr]
    task = SourceFreeTask(target=prepared.slices([subject.scan]), teacher=network, start=network)
    expected = AdaBN(scenario, NoSettings(), task, seed=0, updates=0).result
    assert torch.equal(statistics(alone.network()), statistics(expected))
