"""Statistics over subjects alone against scipy and hand-worked cases."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from kdlib.evidence.statistics import effect_size_dz, holm, paired_t, share_made_worse

KD, ADA = 0.7 + 0.1 * np.random.default_rng(7).standard_normal((2, 20))


@pytest.fixture
def rng() -> np.random.Generator:
    """The same draws whichever tests run."""
    return np.random.default_rng(9)


def test_paired_t_agrees_with_scipy() -> None:
    assert paired_t(KD - ADA) == pytest.approx(stats.ttest_rel(KD, ADA).pvalue)


def test_holm_by_hand() -> None:
    adjusted = holm(np.array([0.01, 0.04, 0.03, np.nan]))
    np.testing.assert_allclose(adjusted, [0.03, 0.06, 0.06, np.nan])


def test_holm_of_many_families_agrees_with_statsmodels(rng: np.random.Generator) -> None:
    p = rng.random((5, 18)) ** 3
    expected = [multipletests(family, method="holm")[1] for family in p]
    np.testing.assert_allclose(holm(p), expected)


def test_holm_does_not_count_the_tests_that_were_not_made(rng: np.random.Generator) -> None:
    p = rng.random(18) ** 3
    with_gaps = np.insert(p, [0, 5, 18], np.nan)
    adjusted = holm(with_gaps)
    np.testing.assert_array_equal(adjusted[~np.isnan(with_gaps)], holm(p))
    assert np.isnan(adjusted[np.isnan(with_gaps)]).all()
    assert np.isnan(holm(np.full(3, np.nan))).all()
    assert len(holm(np.array([]))) == 0


def test_dz_by_hand() -> None:
    assert effect_size_dz(np.array([0.0, 1.0, 2.0])) == pytest.approx(1)


def test_share_made_worse_counts_losses_not_ties() -> None:
    assert share_made_worse(np.array([-0.1, 0.0, 0.1, 0.2])) == 0.25


@pytest.mark.parametrize("values", [np.zeros(5), np.full(5, 0.1)])
def test_differences_without_spread_have_no_t_test(values: np.ndarray) -> None:
    assert np.isnan([paired_t(values), effect_size_dz(values)]).all()
