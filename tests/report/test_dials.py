"""What the book says of the study of dials is what its scores hold."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdlib.record.results import Results, open_results
from kdlib.report.dials import dial_names, dials_map, dials_words, mended_words, predicted_words
from tests.dialled import STUDY, SUBJECTS, dice_of, write_dialled


@pytest.fixture
def dialled(tmp_path: Path) -> Results:
    """Results in which every method but ADA clearly mends every dial."""
    results = write_dialled(tmp_path / "dials")
    loads = [(clinic, one) for _, clinic in STUDY.pairs for one in SUBJECTS]
    table = pd.DataFrame(loads, columns=["clinic", "subject"]).assign(lesion_ml=5.0)
    table.to_csv(results.folder / "clinics.csv", index=False)
    rng = np.random.default_rng(0)

    def clear(scores: pd.DataFrame) -> pd.DataFrame:
        dice = [dice_of(row.arm, row.target) for row in scores.itertuples()]
        return scores.assign(dice=dice + rng.normal(0, 1e-3, len(dice)))

    return changed(results, clear)


def changed(results: Results, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Results:
    """The same results with other scores."""
    path = results.folder / "scores.csv"
    change(pd.read_csv(path)).to_csv(path, index=False)
    return open_results(results.folder)


def without_gain(arm: str, target: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """An arm does on one target what the lower bound does."""

    def change(scores: pd.DataFrame) -> pd.DataFrame:
        there = scores["target"].eq(target)
        lower = scores.loc[there & scores["arm"].eq("L-bound"), "dice"]
        scores.loc[there & scores["arm"].eq(arm), "dice"] = lower.to_numpy()
        return scores

    return change


def test_a_clinic_is_called_by_its_dial_and_the_level_where_there_are_several(
    dialled: Results,
) -> None:
    names = dial_names(dialled)
    assert names["utrecht-again"] == "level 0"
    assert names["utrecht~contrast2"] == "contrast"
    names = dial_names(changed(dialled, lambda t: t.replace("utrecht~view2", "utrecht~contrast1")))
    assert names["utrecht~contrast1"] == "contrast at level 1"
    assert names["utrecht~contrast2"] == "contrast at level 2"


def test_the_words_name_what_is_mended_and_harmed(dialled: Results) -> None:
    said = dials_words(dialled)
    assert "Histogram matching is shown to raise the Dice where the contrast differs (+0.0" in said
    assert (
        "ADA is shown to raise the Dice nowhere, and to lower it where the contrast differs" in said
    )
    assert "of 24 differences holds zero" in said


def test_the_first_page_names_each_part_with_its_methods(dialled: Results) -> None:
    said = mended_words(dialled)
    assert "raise the Dice: AdaBN, histogram matching and KD where the contrast differs; " in said
    assert "draws other borders. Methods that are shown to lower the Dice: ADA where" in said
    nothing = changed(dialled, lambda table: table[table["arm"].isin(["L-bound", "U-bound"])])
    for does in ("raise", "lower"):
        assert f"No method is shown to {does} the Dice for any part." in mended_words(nothing)


def test_an_arm_that_changes_nothing_has_no_interval_and_is_not_counted(dialled: Results) -> None:
    same = changed(dialled, without_gain("AdaBN", "utrecht~view2"))
    assert "of 23 differences holds zero" in dials_words(same)


def test_a_prediction_is_held_against_the_results(dialled: Results) -> None:
    said = predicted_words(dialled)
    assert "contrast is shown to be mended by AdaBN and histogram matching, and" in said
    assert said.endswith("the reader by AdaBN, histogram matching and KD.")
    dialled = changed(dialled, without_gain("AdaBN", "utrecht~contrast2"))
    for arm in ("AdaBN", "histogram matching", "KD"):
        dialled = changed(dialled, without_gain(arm, "utrecht~reader2"))
    said = predicted_words(dialled)
    assert "contrast is shown to be mended by histogram matching, and" in said
    assert said.endswith("the reader by none of these methods.")


def test_a_study_of_other_clinics_has_no_such_prediction(dialled: Results) -> None:
    few = changed(dialled, lambda table: table[table["target"].ne("utrecht~reader2")])
    assert predicted_words(few) == ""


def test_the_cost_stands_beside_every_difference(dialled: Results) -> None:
    picture = dials_map(dialled)
    assert picture is not None
    left, right = picture.figure.axes
    assert [len(axes.texts) for axes in (left, right)] == [7, 7 * 5]
    assert left.texts[0].get_text() == "+0.00"  # level 0 costs nothing
