"""Results that grow by seed, as a user types it."""

from pathlib import Path

import pandas as pd
import pytest

from kdlib.data.clinics import Clinics
from tests.command import kdlib
from tests.tiny import study_text

ARMS = """
[arms.L-bound]
role = "lower bound"
method = "unadapted"

[arms.KD]
role = "paper"
method = "distillation"
"""


@pytest.fixture
def own_study(tmp_path: Path) -> Path:
    """The file of a study of two arms and two seeds."""
    (tmp_path / "mine.toml").write_text(study_text(ARMS, seeds=(0, 1)))
    return tmp_path / "mine.toml"


def test_seeds_alone_are_run_and_exported(
    own_study: Path, clinics: Clinics, store: Path, tmp_path: Path
) -> None:
    done = kdlib(
        "study", own_study, "--seeds", 1, "--data", clinics.folder, "--store", store / "seeds",
        "--export", tmp_path / "out", "--workers", 1,
    )  # fmt: skip
    assert done.status == 0, done.err
    assert set(pd.read_csv(tmp_path / "out" / "scores.csv")["seed"]) == {1}
    assert not list((store / "seeds").glob("*seed0*"))


def test_a_plan_says_what_would_be_run_and_runs_nothing(
    own_study: Path, clinics: Clinics, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    done = kdlib("study", own_study, "--plan", "--data", clinics.folder, "--store", runs)
    assert (done.status, runs.exists()) == (0, False)
    assert done.out.splitlines()[0] == "mine: 4 trainings and 2 runs without training"
    assert done.out.splitlines()[1].endswith("yet: 4 trainings and 2 runs without training")


def test_a_record_grows_by_seeds(
    own_study: Path, clinics: Clinics, store: Path, tmp_path: Path
) -> None:
    for seed in (1, 0):
        kdlib(
            "study", own_study, "--seeds", seed, "--data", clinics.folder, "--store",
            store / "seeds", "--export", tmp_path / str(seed), "--workers", 1,
        )  # fmt: skip
        done = kdlib("record", "mine", tmp_path / str(seed), "--out", tmp_path / "out")
        assert done.status == 0, done.err
    assert "now has the seeds 0, 1" in done.out
    refused = kdlib("record", "other", tmp_path / "0", "--out", tmp_path / "out")
    assert (refused.status, "of the study 'mine'" in refused.err) == (2, True)


@pytest.mark.parametrize("seeds", ["", "0,", "-1", "one"])
def test_a_wrong_list_of_seeds_says_how_to_write_it(seeds: str, own_study: Path) -> None:
    done = kdlib("study", own_study, f"--seeds={seeds}")
    assert done.status == 2
    assert "such as --seeds 0,1" in done.err
