"""The study that makes the starter, at a tiny size."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from kdlib.cli.command import app
from kdlib.simulator.simulation import VERSION
from kdlib.starter import people
from kdlib.starter.card import numbers, summary
from kdlib.starter.starter import WEIGHTS, load_starter, read_starter
from kdlib.starter.study import FINER, StarterStudy, make_starter

TINY = StarterStudy(
    seed=3, brain_steps=(1,), people=2, validation=1, steps=(2, 2), student_steps=2, centring=1,
    wider_people=2, finer_steps=2, finer_centring=1,
)  # fmt: skip


@contextmanager
def told(name: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


def test_it_ends_with_a_network_its_scores_and_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "FINEST_MM", people.COARSEST_MM)  # for speed
    monkeypatch.setattr(people, "SLICES_MM", [(7, 8)] * 3)
    finished = (
        tmp_path / "work" / f"brain-3-1-simulator{VERSION}"
    )  # the brain network has tests of its own
    finished.mkdir(parents=True)
    for ending in ("safetensors", "json"):
        shutil.copy(WEIGHTS / f"brain.{ending}", finished)
    scores = make_starter(TINY, tmp_path / "work", tmp_path / "out", told)
    assert list(scores.network) == ["teacher-1", "teacher-2", "ensemble", "student", FINER]
    assert summary(scores).loc["teacher-1", "difference"] == 0
    assert "| refined student |" in numbers(scores, FINER)
    starter = read_starter(tmp_path / "out")
    assert set(starter.provenance["thresholds_before_centring"]) == {
        "teacher-1", "teacher-2", "student", FINER,
    }  # fmt: skip
    assert starter.provenance["people"] == 2
    assert (tmp_path / "out" / "brain.safetensors").exists()
    weights = (tmp_path / "out" / "lesion.safetensors").read_bytes()
    began: list[str] = []

    @contextmanager
    def watched(name: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda done, total: began.append(f"{name} {done}")

    make_starter(TINY, tmp_path / "work", tmp_path / "out", watched)  # nothing is trained again
    centring = [f"threshold of {name} 1" for name in ("teacher-1", "teacher-2", "student", FINER)]
    assert began == ["people 2", "wider people 2", *centring, "validation 1"]
    assert (tmp_path / "out" / "lesion.safetensors").read_bytes() == weights


def test_it_has_one_seed() -> None:
    done = CliRunner().invoke(app, ["study", "starter", "--seeds", "0,1"])
    assert done.exception is not None
    assert "one seed" in str(done.exception)


def test_the_model_card_has_the_numbers_of_the_shipped_network() -> None:
    scores = pd.read_csv(WEIGHTS / "validation.csv")
    card = (WEIGHTS.parent / "CARD.md").read_text(encoding="utf-8")
    shipped = load_starter().provenance["network"]
    assert numbers(scores, shipped) in card
    found = scores[scores.network == shipped].dice.mean()
    assert load_starter().provenance["validation_dice"][shipped] == pytest.approx(found, abs=1e-3)
