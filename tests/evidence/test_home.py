"""The student against its teacher at home."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
import pytest

from kdlib.evidence.evidence import Evidence
from kdlib.evidence.home import gains_at_home, judge_at_home
from kdlib.evidence.paper import CLINICS

Study = Callable[..., pd.DataFrame]


def at_home(
    gain: float, noise: float, clinics: tuple[str, ...] = CLINICS, seeds: int = 3
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """KD's sweep over T scored on the source, and the teachers' scores."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        product(clinics, range(seeds), [f"{n:02}" for n in range(8)]),
        columns=["source", "seed", "subject"],
    )
    teachers = rows.assign(dice=0.7 + 0.02 * rows["subject"].astype(int))
    shared = {"arm": "KD", "target": "elsewhere", "fold": 0, "setting": "temperature"}
    students = teachers.assign(**shared, evaluated_on="source")
    students["dice"] += noise * rng.standard_normal(len(rows))
    own = students.assign(value=2.0, dice=students["dice"] + gain)
    return pd.concat([own, students.assign(value=10.0, dice=0.0)]), teachers


@pytest.mark.parametrize(
    ("gain", "noise", "verdict"),
    [
        (0.01, 0.002, "reproduced"),
        (-0.01, 0.002, "contradicted"),
        (0.0, 0.01, "contradicted"),
        (0.0, 0.3, "undecided"),
    ],
)
def test_the_student_is_compared_at_the_papers_temperature(
    gain: float, noise: float, verdict: str
) -> None:
    scores, teachers = at_home(gain, noise)
    found = judge_at_home(Evidence(scores, teachers=teachers))
    assert found.verdict == verdict
    assert "n = 24" in found.why


def test_a_gain_is_of_one_subject_at_home() -> None:
    gains = gains_at_home(*at_home(0.05, 0.0))
    assert gains.shape == (24, 3)
    np.testing.assert_allclose(gains, 0.05)


def test_all_sources_three_seeds_and_the_teachers_are_needed(study: Study) -> None:
    scores, teachers = at_home(0.05, 0.002, CLINICS[:2])
    assert "2 sources" in judge_at_home(Evidence(scores, teachers=teachers)).why
    scores, teachers = at_home(0.05, 0.002, seeds=2)
    assert "2 seeds" in judge_at_home(Evidence(scores, teachers=teachers)).why
    assert judge_at_home(Evidence(scores)).why.startswith("not run")
    assert judge_at_home(Evidence(study(), teachers=teachers)).verdict == "undecided"
