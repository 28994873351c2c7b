"""Laws of a study's arms."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from kdlib.errors import InputError
from kdlib.study.arm import (
    BOUNDS,
    PALETTE,
    Arm,
    SavedArms,
    adapting,
    featured,
    lower_bound,
    upper_bound,
)
from kdlib.study.study import built_in_studies, load_study
from tests.colours import linear

RECORD = Path(__file__).parents[2] / "book" / "results"
# How the paper's arms were coloured before a study could say so.
PAPER = {
    "L-bound": "#8c8c8c",
    "ADA": "#d55e00",
    "KD": "#0072b2",
    "U-bound": "#222222",
    "KD on the fly": "#56b4e9",
    "ADA on the fly": "#e69f00",
    "ADA then KD": "#009e73",
}
# Machado et al. 2009: what each kind of colour blindness sees of linear red, green and blue.
BLIND = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(axis=1)


def arms_of(**tables: Any) -> dict[str, Arm]:
    return SavedArms(arms=tables).arms


def seen(colour: str, kind: np.ndarray) -> np.ndarray:
    """A colour in CIE L*a*b*, as eyes of that ``kind`` see it."""
    x, y, z = np.cbrt(TO_XYZ @ (kind @ linear(to_rgb(colour))).clip(0, 1) / WHITE)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("name", built_in_studies())
def test_the_papers_arms_have_their_colours_and_roles(name: str) -> None:
    arms = load_study(name).arms
    shown = [name for name in arms if name in PAPER]
    assert [arms[name].colour for name in shown] == [PAPER[name] for name in shown]
    assert (lower_bound(arms), upper_bound(arms)) == ("L-bound", "U-bound")
    first = [name for name in ("ADA", "KD") if name in arms]
    assert featured(arms) == (first or adapting(arms))


@pytest.mark.parametrize("name", ["demo", "standard"])
def test_a_record_made_before_arms_had_roles_reads_as_the_study_does_now(name: str) -> None:
    record = json.loads((RECORD / name / "provenance.json").read_text())["study"]["arms"]
    known, arms = load_study(name).arms, SavedArms(arms=record).arms
    assert arms == {arm: known[arm] for arm in arms}


def test_what_is_saved_of_arms_is_read_again() -> None:
    arms = arms_of(a={"method": "unadapted"}, b={"method": "x", "temperature": 3, "label": "B"})
    assert SavedArms(arms=json.loads(SavedArms(arms=arms).model_dump_json())["arms"]).arms == arms


def test_what_is_no_field_of_an_arm_is_a_setting_of_its_scenarios() -> None:
    arm = arms_of(a={"method": "distillation", "temperature": 3, "on_the_fly": True})["a"]
    assert arm.settings == {"method": "distillation", "temperature": 3}


def test_a_bounds_role_goes_to_one_arm() -> None:
    twice = arms_of(a={"method": "unadapted"}, b={"method": "unadapted"})
    assert [arm.role for arm in twice.values()] == ["lower bound", "other"]
    given = arms_of(a={"method": "unadapted"}, b={"method": "x", "role": "lower bound"})
    assert (lower_bound(given), adapting(given)) == ("b", ["a"])


@pytest.mark.parametrize("kind", BLIND)
def test_every_colour_is_told_from_every_other_by_colour_blind_readers(kind: str) -> None:
    eyes = np.array(BLIND[kind])
    assert len(set(PALETTE)) == len(PALETTE)
    apart = [np.linalg.norm(seen(a, eyes) - seen(b, eyes)) for a, b in combinations(PALETTE, 2)]
    assert min(apart) > 15


def test_the_palette_fills_in_what_no_arm_has_chosen() -> None:
    tables = {str(n): {"method": "x"} for n in range(len(PALETTE) + 2)}
    tables["3"]["colour"] = PALETTE[0]
    arms = arms_of(**tables)
    first = [arm.colour for arm in arms.values()][: len(PALETTE)]
    assert sorted(first) == sorted(PALETTE)
    assert not {arm.colour for arm in arms.values()} & set(BOUNDS.values())


def test_a_study_without_the_papers_methods_features_what_it_has() -> None:
    other, fly = {"method": "x"}, {"method": "x", "on_the_fly": True}
    assert featured(arms_of(low={"method": "unadapted"}, mine=other, fly=fly)) == ["mine"]
    assert featured(arms_of(low={"method": "unadapted"}, fly=fly)) == ["fly"]
    assert featured(arms_of(mine=other, kd={"method": "distillation"})) == ["kd"]


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"a": {"temperature": 2}}, "method"),
        ({"a": 3}, "give it a table"),
        ({"a": {"method": "x", "role": "bound"}}, "role='bound'"),
        ({"a": {"method": "x", "colour": "red"}}, "colour='red'"),
        ({"a": {"method": "x", "label": "b"}, "b": {"method": "x"}}, "labelled 'b'"),
        ({"a": {"method": "x", "label": "\x1b[31m"}}, "can be printed"),
        ({"a": {"method": "x", "label": " "}}, "can be printed"),
        ({"a": {"method": "x", "teacher": "a"}}, "its own teacher"),
        ({a: {"method": "x", "teacher": b} for a, b in ("ab", "bc", "ca")}, "its own teacher"),
        ({"truth": {"method": "x"}}, "stands for a picture"),
        ({n: {"method": "x", "role": "upper bound"} for n in "ab"}, "the role 'upper bound'"),
    ],
)
def test_arms_that_could_not_be_shown_are_refused_in_one_line(
    tables: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said) as error:
        SavedArms(arms=tables)
    assert "\n" not in str(error.value)
