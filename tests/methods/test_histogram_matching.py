"""Laws of histogram matching."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor

from kdlib.data.clinics import Clinics
from kdlib.data.slices import LabelledSlices, Slices
from kdlib.methods import AdaptationTask, NoSettings
from kdlib.methods.histogram_matching import HistogramMatching, landmarks
from kdlib.networks import UNet, new_unet
from kdlib.study.scenario import Scenario
from kdlib.study.store import run
from tests.methods.made import RECIPE, weights
from tests.tiny import RECIPE as TINY


def heads(count: int, seed: int) -> Tensor:
    """Slices (count, 1, 16, 16): random intensities inside a head, and -2 around it."""
    images = torch.randn(count, 1, 16, 16, generator=torch.Generator().manual_seed(seed)).sinh()
    edge = torch.zeros(16, 16, dtype=torch.bool)
    edge[1:-1, 1:-1] = True
    return torch.where(edge, images.clamp(min=-1.99, max=8), -2)


def bent(images: Tensor) -> Tensor:
    """The same slices of a scanner whose bright intensities are squeezed, in other units."""
    return 1 + 3 * torch.tanh((images + 2) / 3)


SOURCE = heads(300, 0)


def matched(target: Tensor, source: Tensor = SOURCE) -> UNet:
    """The network of an untrained teacher of ``source``, matched to ``target``."""
    teacher = new_unet(RECIPE, seed=9).eval()
    labelled = LabelledSlices(Slices(source), torch.zeros_like(source[:, 0], dtype=torch.uint8))
    task = AdaptationTask(labelled=labelled, target=Slices(target), start=teacher)
    return HistogramMatching(RECIPE, NoSettings(), task, seed=0, updates=0).result.eval()


@torch.no_grad()
def mistake(network: UNet, seen: Tensor, meant: Tensor) -> float:
    """How far the answers to ``seen`` are from the teacher's to ``meant``, on the median voxel."""
    teacher = new_unet(RECIPE, seed=9).eval()
    return float((network(seen) - teacher(meant)).abs().median())


def test_a_monotone_curve_of_the_scanner_is_undone() -> None:
    target = heads(100, 1)
    unadapted = mistake(new_unet(RECIPE, seed=9).eval(), bent(target), target)
    assert mistake(matched(bent(target)), bent(target), target) < 0.05 * unadapted


def test_scans_of_the_same_distribution_hardly_change() -> None:
    target = heads(100, 1)
    unadapted = mistake(new_unet(RECIPE, seed=9).eval(), bent(target), target)
    assert mistake(matched(target), target, target) < 0.05 * unadapted
    torch.testing.assert_close(matched(SOURCE)(SOURCE), new_unet(RECIPE, seed=9).eval()(SOURCE))


def test_darker_never_becomes_brighter() -> None:
    curve = matched(bent(heads(5, 1))).intensity
    rising = torch.linspace(-5, 12, 1000).reshape(1, 1, 1, -1)
    assert (curve(rising).diff() > 0).all()


def test_the_background_does_not_count() -> None:
    wide = torch.nn.functional.pad(SOURCE, (20, 20, 20, 20), value=-2)
    assert torch.equal(landmarks(wide), landmarks(SOURCE))


def test_landmarks_rise_even_where_many_voxels_are_alike() -> None:
    assert (landmarks(heads(5, 0).round()).diff() > 0).all()


def test_each_image_of_a_slice_has_its_own_curve() -> None:
    flair, t1 = heads(50, 1), bent(heads(50, 2))
    both = landmarks(torch.cat([flair, t1], dim=1))
    assert torch.equal(both, torch.cat([landmarks(flair), landmarks(t1)]))


def test_no_weight_changes() -> None:
    assert torch.equal(weights(matched(bent(SOURCE))), weights(new_unet(RECIPE, seed=9)))


def test_a_saved_run_and_its_copies_have_the_curve(clinics: Clinics, store: Path) -> None:
    scenario = Scenario(method="histogram_matching", source="utrecht", target="singapore", **TINY)
    done = run(scenario, clinics, store=store)
    network = done.network()
    prepared = torch.randn(2, 1, *scenario.size)
    assert done.teacher is not None
    plain = done.teacher.network()
    torch.testing.assert_close(network(prepared), plain(network.intensity(prepared)))
    assert not torch.equal(network(prepared), plain(prepared))
    again = copy.deepcopy(plain)
    again.load_state_dict(network.state_dict())
    assert torch.equal(again(prepared), network(prepared))
    assert not done.source_scores.empty  # what it costs at home


@pytest.mark.parametrize("clinic", ["singapore"])
def test_on_the_fly_it_matches_the_one_scan(clinics: Clinics, store: Path, clinic: str) -> None:
    scenario = Scenario(method="histogram_matching", source="utrecht", target=clinic, **TINY)
    subject = clinics[clinic].folds[1][0].id
    pooled, alone = (
        run(one, clinics, store=store).network().intensity.state_dict()
        for one in (scenario, scenario.changed(subject=subject))
    )
    assert torch.equal(pooled["values"], alone["values"])  # the source's landmarks
    assert not torch.equal(pooled["knots"], alone["knots"])
