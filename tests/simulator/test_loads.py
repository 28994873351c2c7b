"""Laws of the lesion loads: the people of a clinic share out its published distribution."""

import numpy as np
import pytest

from kdlib.simulator.loads import load_ml
from kdlib.simulator.protocols import POPULATIONS, SITES, population, site

SEEDS = range(20)


def loads(seed: int, clinic: str, split: str, shift: float = 1.0) -> np.ndarray:
    patients = population(clinic, shift)
    return np.array([load_ml(seed, clinic, who, patients) for who in getattr(site(clinic), split)])


@pytest.mark.parametrize("split", ["training", "test"])
@pytest.mark.parametrize("seed", SEEDS)
def test_medians_have_the_published_size_and_order(seed: int, split: str) -> None:
    medians = {clinic: np.median(loads(seed, clinic, split)) for clinic in SITES}
    for clinic, median in medians.items():
        assert median == pytest.approx(POPULATIONS[clinic].load_ml, rel=0.08)
    assert medians["amsterdam"] < medians["utrecht"] < medians["singapore"]


@pytest.mark.parametrize("clinic", SITES)
def test_each_person_has_one_part_of_the_distribution(clinic: str) -> None:
    published = POPULATIONS[clinic]
    z = np.sort(np.log(loads(0, clinic, "training") / published.load_ml)) / published.spread
    edges = np.array([-0.674, 0.0, 0.674])  # a quarter of a normal distribution lies below, ...
    assert np.searchsorted(z, edges).tolist() == [5, 10, 15]


@pytest.mark.parametrize("clinic", SITES)
def test_no_load_is_beyond_the_published_range(clinic: str) -> None:
    every = np.concatenate([loads(seed, clinic, "training") for seed in SEEDS])
    assert every.min() > 0.999 * POPULATIONS[clinic].lowest_ml
    assert every.max() < 1.001 * POPULATIONS[clinic].highest_ml


def test_another_seed_gives_a_load_to_another_person() -> None:
    orders = {tuple(np.argsort(loads(seed, "utrecht", "training"))) for seed in SEEDS}
    assert len(orders) == len(SEEDS)


def test_without_a_population_shift_the_medians_are_alike() -> None:
    medians = [np.median(loads(0, clinic, "training", shift=0.0)) for clinic in SITES]
    assert max(medians) < 1.15 * min(medians)
