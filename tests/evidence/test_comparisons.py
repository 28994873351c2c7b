"""From a study's rows to the units that are compared."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kdlib.evidence.comparisons import (
    compare,
    comparisons,
    complete,
    differences,
    gaps_closed,
    pooled,
    seed_variation,
    study_comparisons,
    subject_scores,
    summary,
)
from kdlib.evidence.paper import DECLARED
from kdlib.evidence.statistics import holm

Study = Callable[..., pd.DataFrame]
BOUNDS = ("L-bound", "U-bound")


def test_a_subject_is_one_unit_however_many_seeds(study: Study) -> None:
    scores = study(seeds=3)
    table = subject_scores(scores)
    assert len(table) == 6 * 20
    first = scores[scores["subject"].eq("000") & scores["arm"].eq("KD")]
    one = first[first["source"].eq("utrecht") & first["target"].eq("singapore")]
    assert table.loc[("utrecht", "singapore", "000"), "KD"] == pytest.approx(one["dice"].mean())


def test_a_seed_run_twice_changes_no_interval(study: Study) -> None:
    once = study(seeds=1)
    twice = pd.concat([once, once.assign(seed=1)])
    tables = [
        comparisons(scores, DECLARED).drop(columns=["seeds", "by_seed"]) for scores in (once, twice)
    ]
    pd.testing.assert_frame_equal(*tables)


def test_a_lucky_seed_widens_the_interval_and_is_told(study: Study) -> None:
    scores = study()
    lucky = scores.copy()
    lucky.loc[scores["arm"].eq("KD") & scores["seed"].eq(0), "dice"] += 0.1
    before, after = (comparisons(s, (("KD", "ADA"),)).iloc[0] for s in (scores, lucky))
    assert after["high"] - after["low"] > 5 * (before["high"] - before["low"])
    assert after["by_seed"][0] == pytest.approx(before["by_seed"][0] + 0.1)
    assert before["seeds"] == 3


def test_a_seed_that_has_few_subjects_yet_is_left_out(study: Study) -> None:
    scores = study(seeds=4)
    early = scores["seed"].eq(3) & scores["subject"].gt("004")
    growing = compare(differences(scores[~early], "KD", "ADA"))
    assert (growing["seeds"], growing["n"]) == (3, 120)
    assert (
        growing["difference"]
        == compare(differences(scores.query("seed < 3"), "KD", "ADA"))["difference"]
    )


def test_a_mean_over_sources_is_of_the_same_sources_in_every_seed(study: Study) -> None:
    scores = study()
    lost = scores["source"].eq("utrecht") & scores["seed"].eq(1) & scores["subject"].eq("000")
    table = pooled(differences(scores[~lost], "KD", "ADA"))
    assert table[1].isna().sum() == 2
    assert len(complete(table)) == 58


def test_pooled_subjects_are_averaged_over_their_sources(study: Study) -> None:
    by_pair = differences(study(), "KD", "ADA")
    assert len(by_pair) == 120
    assert len(pooled(by_pair)) == 60
    assert pooled(by_pair).mean().mean() == pytest.approx(by_pair.mean().mean())


def test_a_subject_without_one_arm_is_left_out(study: Study) -> None:
    scores = study()
    scores = scores[~(scores["arm"].eq("KD") & scores["subject"].eq("003"))]
    assert len(differences(scores, "KD", "ADA")) == 6 * 19


def test_rows_of_sweeps_and_of_source_subjects_are_left_out(study: Study) -> None:
    scores = study()
    sweep = scores.assign(setting="temperature", value=4.0, dice=0.0)
    on_source = scores.assign(evaluated_on="source", dice=0.0)
    pd.testing.assert_frame_equal(
        summary(pd.concat([scores, sweep, on_source], ignore_index=True)), summary(scores)
    )


def test_means_and_spreads_are_over_subjects(study: Study) -> None:
    scores = study(seeds=2)
    table = summary(scores).set_index(["arm", "source", "target"])
    kd = scores.query("arm == 'KD' and source == 'utrecht' and target == 'amsterdam'")
    values = kd.groupby("subject")["dice"].mean()
    row = table.loc[("KD", "utrecht", "amsterdam")]
    assert (row["mean"], row["sd"], row["n"]) == pytest.approx((values.mean(), values.std(), 20))
    assert table.loc[("KD", "all", "all"), "n"] == 60


def test_holm_spans_all_pairs_and_comparisons(study: Study) -> None:
    table = comparisons(study(effects={"L-bound": 0, "ADA": 0.01, "KD": 0.005}), DECLARED)
    by_pair = table[table["source"] != "all"]
    assert len(by_pair) == 18
    np.testing.assert_allclose(by_pair["p_holm"], holm(by_pair["p"].to_numpy()))
    over_all = table[table["source"] == "all"]
    np.testing.assert_allclose(over_all["p_holm"], holm(over_all["p"].to_numpy()))


def test_a_comparison_gives_the_papers_test(study: Study) -> None:
    scores = study(effects={"ADA": 0, "KD": 0.005}, pairs=(("utrecht", "singapore"),))
    kd, ada = subject_scores(scores)[["KD", "ADA"]].to_numpy().T
    row = comparisons(scores, family=(("KD", "ADA"),)).iloc[0]
    assert row["p_t"] == pytest.approx(stats.ttest_rel(kd, ada).pvalue)
    assert row["made_worse"] == np.mean(kd < ada)


def test_a_study_without_the_arms_has_no_comparison(study: Study) -> None:
    assert comparisons(study(effects={"L-bound": 0}), DECLARED).empty


def test_other_arms_leave_the_declared_tests_as_they_are(study: Study) -> None:
    scores = study(effects={"L-bound": 0, "ADA": 0.01, "KD": 0.005, "Mine": 0.02, "Yours": 0})
    table = study_comparisons(scores, "L-bound", ["ADA", "KD", "Mine", "Yours"])
    declared = comparisons(scores, DECLARED)
    pd.testing.assert_frame_equal(table.iloc[: len(declared)], declared)
    others = table.iloc[len(declared) :]
    assert set(zip(others["arm"], others["baseline"], strict=True)) == {
        ("Mine", "L-bound"),
        ("Yours", "L-bound"),
    }
    by_pair = others[others["source"] != "all"]
    np.testing.assert_allclose(by_pair["p_holm"], holm(by_pair["p"].to_numpy()))


def test_a_study_without_a_lower_bound_has_the_declared_comparisons_alone(study: Study) -> None:
    scores = study(effects={"ADA": 0.01, "KD": 0.005, "Mine": 0.02})
    table = study_comparisons(scores, None, ["ADA", "KD", "Mine"])
    pd.testing.assert_frame_equal(table, comparisons(scores, (("KD", "ADA"),)))


def test_gap_closed_recovers_the_effect(study: Study) -> None:
    table = gaps_closed(study(noise=0.005), ("ADA", "KD"), *BOUNDS).set_index(["arm", "source"])
    assert table.loc[("KD", "all"), "gap_closed"].item() == pytest.approx(0.5, abs=0.03)
    assert table.loc[("ADA", "all"), "gap_closed"].item() == pytest.approx(0.25, abs=0.03)


def test_gap_closed_is_withheld_without_a_gap(study: Study) -> None:
    scores = study(effects={"L-bound": 0.1, "KD": 0.1, "U-bound": 0.05})
    table = gaps_closed(scores, ("KD",), *BOUNDS)
    assert table["gap_closed"].isna().all()
    assert table["gap"].notna().all()


def test_seed_variation_is_told_apart_from_subjects(study: Study) -> None:
    scores = study(effects={"KD": 0}, seeds=30, noise=0.0)
    shift = 0.02 * np.random.default_rng(0).standard_normal(30)
    scores["dice"] += shift[scores["seed"]]
    row = seed_variation(scores).iloc[0]
    assert row["seed_sd"] == pytest.approx(np.std(shift, ddof=1))
    assert row["subject_sd"] == pytest.approx(0.1, abs=0.05)


def test_subjects_that_a_seed_lacks_do_not_pass_for_its_variation(study: Study) -> None:
    whole = study(effects={"KD": 0}, seeds=3, noise=0.0)  # subjects differ, seeds do not
    lacks = whole["seed"].eq(2) & whole["subject"].isin(sorted(whole["subject"].unique())[:3])
    assert seed_variation(whole[~lacks])["seed_sd"].max() == pytest.approx(0, abs=1e-9)


def test_one_seed_has_no_variation_over_seeds(study: Study) -> None:
    assert seed_variation(study(seeds=1))["seed_sd"].isna().all()
