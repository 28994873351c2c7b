"""What the book says of the length of trainings is what their curves say."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from kdlib.record.results import Results
from kdlib.report.length import last_third, learning_curves, length_words
from tests.known_effects import ARMS


def curves(end: float) -> pd.DataFrame:
    """Two teachers that reach 0.6 after two thirds of the training, and an arm that does not."""
    dice = {"teacher": {50: 0.5, 100: 0.6, 150: 0.6 + end}, "KD": {50: 0.1, 100: 0.2, 150: 0.9}}
    return pd.DataFrame(
        {"arm": arm, "source": "utrecht", "seed": seed}
        | dict.fromkeys(("target", "fold", "teaches", "setting", "value"), "")
        | {"step": step, "dice": value}
        for arm, points in dice.items()
        for seed in (0, 1)
        for step, value in points.items()
    )


def told(folder: Path, table: pd.DataFrame | None, steps: int = 1500) -> str:
    recipe = {"steps": steps, "batch_size": 16}
    arms = {name: {"method": arm.method} for name, arm in ARMS.items()}
    study = {"name": "standard", "recipe": recipe, "arms": arms}
    (folder / "provenance.json").write_text(json.dumps({"study": study}))
    if table is not None:
        table.to_csv(folder / "curves.csv", index=False)
    return length_words(Results(folder))


@pytest.mark.parametrize(
    ("end", "verdict"), [(0.002, "it is long enough"), (0.05, "it is not long enough")]
)
def test_long_enough_is_said_of_the_teachers_last_third(
    tmp_path: Path, end: float, verdict: str
) -> None:
    assert last_third(curves(end)) == pytest.approx(end)
    said = told(tmp_path, curves(end))
    assert verdict in said
    assert said.endswith(
        "still rose at home: KD +0.700. A longer training could change what they reach."
    )


def test_a_curve_that_begins_too_late_says_nothing_of_its_end() -> None:
    late = curves(0.01)
    assert math.isnan(last_third(late[late["step"] > 100]))


def test_without_a_curve_nothing_is_called_long_enough(tmp_path: Path) -> None:
    assert "No learning curve" in told(tmp_path, None)


def test_results_that_the_study_has_outgrown_are_called_so(tmp_path: Path) -> None:
    assert "now asks for" in told(tmp_path, None, steps=200)
    assert "now asks for" not in told(tmp_path, None)


def test_there_is_a_line_for_the_teachers_and_each_arm_with_a_curve(tmp_path: Path) -> None:
    told(tmp_path, curves(0.01))
    picture = learning_curves(Results(tmp_path))
    assert picture is not None
    (legend,) = picture.figure.legends
    assert {text.get_text() for text in legend.get_texts()} == {"teacher", "KD"}


def test_without_a_curve_there_is_no_figure(tmp_path: Path) -> None:
    told(tmp_path, None)
    assert learning_curves(Results(tmp_path)) is None
