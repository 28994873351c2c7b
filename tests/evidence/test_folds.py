"""How much it matters which target scans a network was adapted to."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from kdlib.evidence.comparisons import PAIR, differences
from kdlib.evidence.evidence import Evidence
from kdlib.evidence.folds import fold_variance, judge_dependence
from kdlib.evidence.statistics import MARGIN

Study = Callable[..., pd.DataFrame]


def moved(scores: pd.DataFrame, sd: float, arms: tuple[str, ...] = ("KD",)) -> pd.DataFrame:
    """The scores, the two networks of each pair moved apart to an SD of ``sd``."""
    apart = sd * 2**0.5 * (scores["fold"] - 0.5) * scores["arm"].isin(arms)
    signs = np.where(scores.groupby(PAIR).ngroup() % 2, 1, -1)
    return scores.assign(dice=scores["dice"] + apart * signs)


def test_the_variance_is_that_between_the_networks(study: Study) -> None:
    scores = moved(study(noise=0.001), 0.03)
    found = fold_variance(differences(scores, "KD", "L-bound"))
    assert found.value == pytest.approx(0.03**2, rel=0.05)
    assert found.low < found.value < found.high


def test_what_subjects_differ_by_is_taken_off(study: Study) -> None:
    many = [
        fold_variance(differences(study(noise=0.05, number=n), "KD", "L-bound")).value
        for n in range(20)
    ]
    assert abs(np.mean(many)) < 3 * np.std(many) / len(many) ** 0.5
    assert min(many) < 0 < max(many)


@pytest.mark.parametrize(
    ("sd", "verdict"), [(0.0, "reproduced"), (0.75, "reproduced"), (1.25, "contradicted")]
)
@pytest.mark.parametrize("arm", ["KD", "ADA"])
def test_dependence_ends_at_the_margin(study: Study, sd: float, verdict: str, arm: str) -> None:
    scores = moved(study(noise=0.002), sd * MARGIN, (arm,))
    assert judge_dependence(Evidence(scores)).verdict == verdict


def test_noise_and_one_fold_leave_it_open(study: Study) -> None:
    assert judge_dependence(Evidence(study(noise=0.2))).verdict == "undecided"
    scores = study()
    alone = judge_dependence(Evidence(scores[scores["fold"] == 0]))
    assert (alone.verdict, alone.why) == ("undecided", "run with one fold; it takes 2")
