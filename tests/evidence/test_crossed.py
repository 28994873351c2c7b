"""Subjects and trainings both random: the statistics by hand, and their error rates simulated."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from kdlib.evidence.components import components
from kdlib.evidence.crossed import Part, crossed, jackknifed, ratio, tail_of_sum

ROOT = Path(__file__).parents[2]
TABLE = 0.5 + np.random.default_rng(7).standard_normal((20, 3))
FOLDS = np.repeat([0, 1], 10)


@pytest.fixture
def rng() -> np.random.Generator:
    """The same draws whichever tests run."""
    return np.random.default_rng(9)


def part(error: float, freedom: int) -> Part:
    return Part(np.asarray(error), freedom)


@pytest.mark.parametrize("other", [0.05, 0.5, 1.0, 10.0])
def test_the_tail_of_two_t_variables_is_their_integral(other: float) -> None:
    x = 4 * (1 + other)
    expected, _ = integrate.quad(
        lambda t: stats.t.pdf(t, 18) * stats.t.sf((x - t) / other, 2), -np.inf, np.inf, limit=500
    )
    assert tail_of_sum(np.asarray(x), part(1, 18), part(other, 2)) == pytest.approx(expected, 3e-3)


def test_one_seed_is_the_t_test_over_subjects() -> None:
    one = crossed(TABLE[:, :1])
    expected = stats.ttest_1samp(TABLE[:, 0], 0)
    assert one.p() == pytest.approx(expected.pvalue)
    assert one.interval()[1:] == pytest.approx(tuple(expected.confidence_interval()), abs=1e-6)


def test_equivalence_and_detection_with_one_seed_agree_with_statsmodels() -> None:
    one, sd = crossed(TABLE[:, :1]), TABLE[:, 0].std(ddof=1)
    assert one.equivalence(1.2) == pytest.approx(
        ttost_paired(TABLE[:, 0], 0 * TABLE[:, 0], -1.2, 1.2)[0]
    )
    expected = sd * TTestPower().solve_power(nobs=20, alpha=0.05, power=0.8)
    assert one.detectable() == pytest.approx(expected, rel=0.01)


def test_seeds_that_disagree_are_the_t_test_over_seeds() -> None:
    seeds = np.array([0.3, 0.5, 1.0])
    found = crossed(np.tile(seeds, (20, 1)) + 1e-6 * TABLE)
    assert found.p() == pytest.approx(stats.ttest_1samp(seeds, 0).pvalue, rel=1e-3)


def test_the_interval_is_where_the_test_is_at_five_percent() -> None:
    mean, low, high = crossed(TABLE, FOLDS).interval()
    assert mean == pytest.approx(TABLE.mean())
    for end in (low, high):
        assert crossed(TABLE - end, FOLDS).p() == pytest.approx(0.05, abs=1e-4)


def test_nothing_is_surer_than_subjects_alone_or_seeds_alone(rng: np.random.Generator) -> None:
    for _ in range(50):
        table = rng.standard_normal((12, 3)) + rng.standard_normal(3)
        both, over_seeds = crossed(table).p(), stats.ttest_1samp(table.mean(axis=0), 0).pvalue
        over_subjects = stats.ttest_1samp(table.mean(axis=1), 0).pvalue
        assert both >= max(over_subjects, over_seeds) - 1e-9


def test_what_a_fold_does_to_all_of_its_subjects_is_no_difference_of_subjects() -> None:
    moved = TABLE + 5 * FOLDS[:, None]
    apart, together = crossed(moved, FOLDS), crossed(moved)
    assert apart.subjects.error == pytest.approx(crossed(TABLE, FOLDS).subjects.error)
    assert together.subjects.error > 2 * apart.subjects.error


@pytest.mark.parametrize(
    "table", [TABLE[:2], np.zeros((5, 3)), np.full((5, 3), 0.1), np.full((9, 1), 0.1)]
)
def test_without_subjects_or_spread_nothing_is_tested(table: np.ndarray) -> None:
    found = crossed(table)
    tests = [found.p(), found.above(-1), found.below(1), found.equivalence(1), found.detectable()]
    assert np.isnan([*tests, *found.interval()[1:]]).all()


def test_a_ratio_by_hand_and_withheld_without_a_gap() -> None:
    gap = 5 + TABLE
    share, low, high = ratio(gap / 4 + 0.01 * TABLE[::-1], gap)
    assert low < share < high
    assert share == pytest.approx(0.25, abs=0.02)
    assert np.isnan(ratio(gap, TABLE - TABLE.mean())).all()
    assert np.isnan(ratio(gap, -gap)).all()


def test_the_jackknife_of_a_mean_has_the_errors_of_the_mean() -> None:
    of_subjects = np.array([np.delete(TABLE, i, 0).mean() for i in range(20)])
    of_seeds = np.array([np.delete(TABLE, i, 1).mean() for i in range(3)])
    found, expected = jackknifed(TABLE.mean(), [of_subjects], of_seeds), crossed(TABLE)
    assert found.subjects.error == pytest.approx(expected.subjects.error)
    assert found.trainings.error == pytest.approx(expected.trainings.error)


def test_components_are_found_again_in_what_is_drawn_from_them(rng: np.random.Generator) -> None:
    true = components(rng.standard_normal((20, 3, 2)), FOLDS)
    drawn = true.draw(seeds=3, studies=400, rng=rng)
    again = [components(np.moveaxis(study, 0, -1), FOLDS).rest for study in drawn]
    np.testing.assert_allclose(np.mean(again, axis=0), true.rest, atol=0.05)
    assert drawn.mean() == pytest.approx(0, abs=0.05)


def with_seeds_drawn(scores: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The first seed of ``scores``, and two more: what a training moves is added to its numbers."""
    first = scores[scores["seed"] == 0]
    of_training = first.groupby(["arm", "source", "target", "fold"])["dice"]

    def drawn(seed: int) -> pd.DataFrame:
        moved = of_training.transform(lambda dice: dice + 0.01 * rng.standard_normal())
        return first.assign(seed=seed, dice=moved + 0.02 * rng.standard_normal(len(first)))

    return pd.concat([first, drawn(1), drawn(2)])


def test_the_papers_study_seldom_errs_where_nothing_differs(rng: np.random.Generator) -> None:
    error_rates = runpy.run_path(str(ROOT / "benchmarks" / "error_rates.py"))["error_rates"]
    scores = pd.read_csv(ROOT / "book" / "results" / "standard" / "scores.csv")
    rates = error_rates(with_seeds_drawn(scores, rng), seeds=3, studies=200)
    assert (rates["any called better or worse"] < 0.08).all()
    assert (rates["coverage"] > 0.92).all()
    assert (rates["coverage"] < 0.99).all()


def test_subjects_alone_would_err_in_most_of_these_families(rng: np.random.Generator) -> None:
    trainings = 0.02 * rng.standard_normal((300, 1, 3)) + 0.02 * rng.standard_normal((300, 20, 3))
    alone = stats.ttest_1samp(trainings.mean(axis=2), 0, axis=1).pvalue
    assert np.mean(alone < 0.05) > 0.3
    assert np.mean(crossed(trainings).p() < 0.05) < 0.08


def test_what_lies_on_the_margin_is_seldom_called_the_same(rng: np.random.Generator) -> None:
    seeds, rest = 0.01 * rng.standard_normal((500, 1, 3)), 0.02 * rng.standard_normal((500, 20, 3))
    assert np.mean(crossed(0.02 + seeds + rest).equivalence(0.02) < 0.05) < 0.08
