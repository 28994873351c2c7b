"""The statistics against scipy, statsmodels and hand-worked cases; error rates by simulation."""

import gc
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from kdlib.evidence.statistics import (
    bootstrap_interval,
    detectable_difference,
    effect_size_dz,
    equivalence,
    gap_closed,
    holm,
    interval_of,
    paired_t,
    resampled_means,
    share_made_worse,
    sign_flip,
    wilcoxon,
)

KD, ADA = 0.7 + 0.1 * np.random.default_rng(7).standard_normal((2, 20))
TEN = np.random.default_rng(8).standard_normal(10) + 0.5


@pytest.fixture
def rng() -> np.random.Generator:
    """The same draws whichever tests run."""
    return np.random.default_rng(9)


def test_paired_t_agrees_with_scipy() -> None:
    assert paired_t(KD - ADA) == pytest.approx(stats.ttest_rel(KD, ADA).pvalue)


def test_wilcoxon_agrees_with_scipy() -> None:
    assert wilcoxon(KD - ADA) == pytest.approx(stats.wilcoxon(KD, ADA).pvalue)


def test_sign_flips_of_few_subjects_are_exact_as_in_scipy() -> None:
    expected = stats.permutation_test(
        (TEN, np.zeros(10)),
        lambda a, b: np.mean(a - b),
        permutation_type="samples",
        n_resamples=np.inf,
    )
    assert sign_flip(TEN) == pytest.approx(expected.pvalue)


def test_sign_flips_of_two_subjects_by_hand() -> None:
    assert sign_flip(np.array([1.0, 3.0])) == 0.5
    assert sign_flip(np.array([-1.0, 3.0])) == 1.0


def test_random_sign_flips_come_near_the_exact_ones() -> None:
    assert sign_flip(TEN, flips=1000) == pytest.approx(sign_flip(TEN), abs=0.05)


def test_holm_by_hand() -> None:
    adjusted = holm(np.array([0.01, 0.04, 0.03, np.nan]))
    np.testing.assert_allclose(adjusted, [0.03, 0.06, 0.06, np.nan])


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


def test_equivalence_agrees_with_statsmodels() -> None:
    assert equivalence(KD - ADA, 0.05) == pytest.approx(ttost_paired(KD, ADA, -0.05, 0.05)[0])


def test_detectable_difference_is_found_with_the_stated_power() -> None:
    sd, n = 0.04, 20
    difference = detectable_difference(sd, n)
    t, shift = stats.t.ppf(0.975, n - 1), difference / sd * np.sqrt(n)
    power = stats.nct.sf(t, n - 1, shift) + stats.nct.cdf(-t, n - 1, shift)
    assert power == pytest.approx(0.8, abs=1e-4)


def test_twenty_subjects_cannot_show_two_points_of_dice() -> None:
    assert 0.02 < detectable_difference(0.035, 20) < 0.03


@pytest.mark.parametrize("values", [np.zeros(5), np.full(5, 0.1)])
def test_differences_without_spread_have_no_t_test(values: np.ndarray) -> None:
    undefined = [paired_t(values), equivalence(values), effect_size_dz(values)]
    assert np.isnan(undefined).all()
    assert wilcoxon(values) == sign_flip(values)


@pytest.mark.parametrize("n", [1, 2])
def test_two_subjects_get_no_interval(n: int) -> None:
    assert np.isnan(bootstrap_interval(TEN[:n])[1:]).all()
    assert np.isnan(detectable_difference(0.1, n))


def test_plain_bootstrap_agrees_with_scipy() -> None:
    ours = np.quantile(resampled_means(KD[:, None]), [0.025, 0.975])
    theirs = stats.bootstrap((KD,), np.mean, method="percentile", random_state=0)
    np.testing.assert_allclose(ours, theirs.confidence_interval, atol=0.002)


def test_resampling_within_strata_keeps_their_differences_out() -> None:
    values, clinic = np.array([0.0] * 5 + [1.0] * 5), np.array(["a"] * 5 + ["b"] * 5)
    assert bootstrap_interval(values, clinic) == (0.5, 0.5, 0.5)
    assert bootstrap_interval(values).low < 0.4


def test_the_bootstrap_says_the_same_twice() -> None:
    assert bootstrap_interval(TEN) == bootstrap_interval(TEN)


def test_gap_closed_by_hand(rng: np.random.Generator) -> None:
    gap = 0.2 + 0.01 * rng.standard_normal(20)
    assert gap_closed(gap / 4, gap) == pytest.approx((0.25, 0.25, 0.25))


def test_gap_closed_is_withheld_where_there_is_no_gap(rng: np.random.Generator) -> None:
    gap = 0.02 * rng.standard_normal(20)
    assert np.isnan(gap_closed(np.ones(20), gap)).all()
    assert np.isnan(gap_closed(np.ones(20), -1 + gap)).all()


# --- Error rates and coverage, by simulation ----------------------------------------------------


@pytest.fixture
def without_garbage() -> Iterator[None]:
    """Hide what lives now from the collector, which statsmodels calls in each correction."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("without_garbage")
def test_a_family_of_true_nulls_is_rejected_in_five_of_a_hundred_studies(
    rng: np.random.Generator,
) -> None:
    studies, tests = 800, 18
    differences = 0.05 * rng.standard_normal((20, studies * tests))
    p = np.concatenate([sign_flip(part, flips=1999) for part in np.array_split(differences, 16, 1)])
    rejected = [(holm(family) < 0.05).any() for family in p.reshape(studies, tests)]
    assert np.mean(rejected) == pytest.approx(0.05, abs=0.025)


def test_skewed_nulls_are_rejected_about_as_often(rng: np.random.Generator) -> None:
    skewed = rng.exponential(size=(20, 4000)) - rng.exponential(size=(20, 4000)) * 2 + 1
    p = sign_flip(skewed, flips=999)
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.02)


def test_equivalence_of_what_lies_on_the_margin_is_claimed_in_five_of_a_hundred(
    rng: np.random.Generator,
) -> None:
    samples = 0.02 + 0.02 * rng.standard_normal((1000, 20))
    claimed = [equivalence(values, 0.02) < 0.05 for values in samples]
    assert np.mean(claimed) == pytest.approx(0.05, abs=0.025)


@pytest.mark.parametrize("n", [10, 20])
@pytest.mark.parametrize("skew", [False, True])
def test_intervals_cover_the_mean_in_95_of_a_hundred_samples(
    n: int, skew: bool, rng: np.random.Generator
) -> None:
    shape = (n, 1500)
    values = stats.skewnorm.rvs(8, size=shape, random_state=rng) if skew else rng.normal(size=shape)
    truth = stats.skewnorm.mean(8) if skew else 0
    low, high = interval_of(resampled_means(values, resamples=2000), n)
    assert np.mean((low <= truth) & (truth <= high)) == pytest.approx(0.95, abs=0.025)


def test_intervals_over_clinics_cover_the_mean_in_95_of_a_hundred_samples(
    rng: np.random.Generator,
) -> None:
    clinic = np.repeat(["amsterdam", "singapore", "utrecht"], 10)
    level = np.repeat([0.0, 2.0, 4.0], 10)[:, None]
    values = level + rng.standard_normal((30, 1500))
    low, high = interval_of(resampled_means(values, clinic, resamples=2000), 30, groups=3)
    assert np.mean((low <= 2) & (high >= 2)) == pytest.approx(0.95, abs=0.02)


def test_intervals_cover_the_gap_closed_in_95_of_a_hundred_samples(
    rng: np.random.Generator,
) -> None:
    studies = 400
    gap = 0.1 + 0.08 * rng.standard_normal((studies, 20))
    gain = 0.5 * gap + 0.04 * rng.standard_normal((studies, 20))
    intervals = np.array([gap_closed(*pair) for pair in zip(gain, gap, strict=True)])
    given = intervals[~np.isnan(intervals[:, 0])]
    assert len(given) > 0.95 * studies
    covered = (given[:, 1] <= 0.5) & (given[:, 2] >= 0.5)
    assert covered.mean() == pytest.approx(0.95, abs=0.03)
