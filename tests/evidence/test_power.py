"""What a design would answer if the paper were right."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from kdlib.evidence import decisions, paper, power
from kdlib.evidence.claims import judge
from kdlib.evidence.components import components_of
from kdlib.evidence.crossed import crossed
from kdlib.evidence.evidence import Evidence
from kdlib.evidence.power import Expected, expected

Study = Callable[..., pd.DataFrame]


def test_drawn_statistics_are_those_of_drawn_tables(study: Study) -> None:
    evidence = Evidence(study(noise=0.1))
    parts = components_of(evidence.differences("KD", "ADA", paper.PAIRS))
    short = parts.statistics(0.01, 3, 2000, np.random.default_rng(0))
    tables = crossed(parts.draw(3, 2000, np.random.default_rng(1))[:, 0] + 0.01, parts.block)
    for one, other in (
        (short.mean, tables.mean),
        (short.subjects.error, tables.subjects.error),
        (short.excess.error, tables.excess.error),
        (short.trainings.error, tables.trainings.error),
    ):
        assert one.mean() == pytest.approx(other.mean(), rel=0.08)
        assert one.std() == pytest.approx(other.std(), rel=0.1)


def test_a_quiet_study_would_reproduce_what_is_true_and_a_noisy_one_decides_nothing(
    study: Study,
) -> None:
    claim = {"1": decisions.beats("KD", "L-bound")}
    quiet, noisy = (expected(Evidence(study(noise=noise)), claim)["1"] for noise in (0.01, 1.0))
    assert quiet.reproduced > 0.95 * power.STUDIES
    assert quiet.seeds == "3"
    assert noisy.undecided > 0.8 * power.STUDIES
    assert noisy.seeds != "3"
    assert sum(noisy[:3]) == power.STUDIES


def test_what_was_not_run_is_undecided_and_nothing_is_expected_of_it(study: Study) -> None:
    rulings = {one.claim.number: one for one in judge(study(seeds=1))}
    assert rulings["1"].expected is None
    assert rulings["1"].verdict == "undecided"
    assert rulings["1"].if_true == rulings["1"].seeds == ""


def test_a_claim_that_the_design_leaves_open_is_undecidable_here(study: Study) -> None:
    rulings = {one.claim.number: one for one in judge(study(noise=0.1))}
    assert rulings["2"].verdict == "undecidable here"
    assert rulings["E1"].verdict == "contradicted"


def test_a_study_with_one_subject_in_each_fold_is_judged(study: Study) -> None:
    rulings = {one.claim.number: one for one in judge(study(subjects=2))}
    assert rulings["15"].verdict in ("undecided", "undecidable here")


def test_a_contrast_asked_in_the_other_direction_is_the_same_drawn_one(study: Study) -> None:
    drawn = power.Drawn(Evidence(study()), 3, 50, {})
    one = drawn.contrast("KD", "ADA", paper.PAIRS)
    other = drawn.contrast("ADA", "KD", paper.PAIRS)
    assert (other.difference, other.p) == (-one.difference, one.p)


def test_half_of_the_studies_decide() -> None:
    assert Expected(3, 5, 2, "3").decides
    assert not Expected(3, 6, 1, "3").decides
