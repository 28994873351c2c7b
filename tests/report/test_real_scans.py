"""What is said of the starter's scores: on real scans, after adapting, and on simulated people."""

import re

import numpy as np
import pandas as pd
import pytest

from kdlib.own_scans.forecast import forecast_tests
from kdlib.record.results import open_results
from kdlib.report.other_tools import ALIKE, beside_tools, beside_words, other_scores
from kdlib.report.real_scans import (
    changes,
    changes_conclusion,
    changes_words,
    range_words,
    real_figure,
    real_scores,
    real_words,
)
from kdlib.report.simulated_people import (
    chosen_people,
    distilled_words,
    example_of,
    kept_examples,
    people_figure,
    people_scores,
    people_words,
)
from kdlib.scores.metrics import THRESHOLD, dice
from kdlib.starter.people import draw_person
from kdlib.starter.population import template
from kdlib.starter.starter import WEIGHTS, load_starter
from tests.test_book import BOOK


def scores(gains: list[float], used: list[bool]) -> pd.DataFrame:
    """Scans of one site whose starter has a Dice of 0.5, and whose student gains so much."""
    rows = [
        {"site": "here", "scan": f"00{n}", "by": by, "mask": "mask", "dice": 0.5 + gain,
         "recall": 0.5, "found_ml": 2.0, "true_ml": 1.0, "adapted": kept}
        for n, (own, use) in enumerate(zip(gains, used, strict=True))
        for by, gain, kept in (("starter", 0, None), ("threshold", -0.1, None), ("adabn", own, use))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_change_is_that_of_the_students_and_of_the_masks_that_are_kept() -> None:
    found = changes(scores([0.3, -0.1, 0.1], [True, False, True])).iloc[0]
    assert found["change"] == pytest.approx(0.1)
    assert found["kept"] == pytest.approx(0.4 / 3)
    assert (found["worst"], found["best"]) == (pytest.approx(-0.1), pytest.approx(0.3))
    assert (found["better"], found["used"], found["scans"]) == (2, 2, 3)


def test_the_sentences_hold_for_scores_without_an_adapted_student() -> None:
    plain = scores([0.1], [True]).query("by != 'adabn'")
    assert changes(plain).empty
    assert "do not say" in changes_words(plain)
    assert "do not say" in changes_conclusion(plain)
    assert "mean Dice of 0.50" in real_words(plain)
    assert real_figure(plain).data()


def test_a_scan_with_two_masks_counts_once_in_the_range() -> None:
    first = scores([0.1, 0.1], [True, True]).query("by == 'starter'").copy()
    first["dice"] = [0.2, 0.6]
    said = range_words(pd.concat([first, first.assign(mask="other", dice=0.9)]))
    assert said.startswith("On 2 real scans of 1 site it has a mean Dice of 0.40, and from 0.20")


def test_a_method_is_named_for_readers_and_counts_if_it_gains_everywhere() -> None:
    gained = scores([0.3, -0.1], [True, True])
    alone = gained.query("by == 'adabn'").assign(by="adabn alone", dice=0.6)
    there = scores([-0.2, 0.1], [True, True]).assign(site="there")
    table = changes(pd.concat([gained, alone, there]))
    assert set(table["method"]) == {"AdaBN"}
    assert list(table["adapted_to"]) == ["all scans", "each scan", "all scans"]
    said = changes_conclusion(pd.concat([gained, alone, there]))
    assert said.endswith("by AdaBN (adapted to each scan).")
    assert changes_conclusion(pd.concat([gained, there])).startswith("No method of adapting raises")


def test_each_shipped_score_of_a_real_scan_has_a_starter_and_a_threshold_beside_it() -> None:
    table = real_scores().pivot_table("dice", ["site", "mask", "scan"], "by")
    assert table[["starter", "threshold"]].notna().all(axis=None)


def test_the_shipped_verdicts_are_those_of_the_forecast() -> None:
    for table in (real_scores(), open_results(BOOK / "results/real").starter):
        foretold = table["by"].str.removesuffix(" alone").isin(forecast_tests())
        assert (table["forecast"].notna() == foretold).all(), "run benchmarks/real_scans.py"


def test_other_tools_stand_beside_the_starter_on_the_same_scans_and_masks() -> None:
    others = other_scores()
    table = beside_tools(real_scores(), others)
    assert table.notna().all(axis=None)
    assert list(table["Mask"].unique()) == ["mask_allWMH", "mask"]
    for mask, part in table.groupby("Mask"):
        means = part.set_index("Tool")["Mean"]
        assert means.is_monotonic_decreasing
        same = others[others["mask"] == mask].groupby("by")["dice"].mean()
        assert means[same.index].to_dict() == pytest.approx(same.to_dict())
        own = real_scores().query("by == 'starter' and mask == @mask")
        own = own[own["scan"].isin(others["scan"])]["dice"]
        assert means["starter"] == pytest.approx(own.mean())
        assert f"(the highest is that of {same.idxmax()})" in beside_words(table)
        better = [tool for tool in same.index if same[tool] >= means["starter"] + ALIKE]
        alike = [tool for tool in same.index if abs(same[tool] - means["starter"]) < ALIKE]
        assert all(f"Within {ALIKE:g} of it: {tool}." in beside_words(part) for tool in alike)
        said = (
            f"{better[0] if better else 'None of them'} is higher than the starter by 0.01 or more."
        )
        assert said in beside_words(part)


def test_a_tool_that_is_better_than_the_starter_is_named() -> None:
    better = other_scores().assign(dice=1.0).query("by == by.iloc[0]")
    said = beside_words(beside_tools(real_scores(), better))
    assert said.count(f"{better['by'].iloc[0]} is higher than the starter by 0.01 or more.") == 2


def test_the_shipped_scores_and_slices_are_those_of_the_shipped_network() -> None:
    people = people_scores()
    number = chosen_people(people)["median"]
    person = draw_person(0, number, template(), split="validation")
    answer, _ = load_starter().answer(person.flair)
    counted = person.labels.array != 2
    again = dice(person.labels.array == 1, (answer.array >= THRESHOLD) & counted)
    # The brain is found anew here, and the scores have the mask of the simulation.
    assert again == pytest.approx(people.set_index("person")["dice"][number], abs=0.1)
    kept, remedy = kept_examples(), "run python -m kdlib.report.simulated_people"
    assert [*kept] == [*chosen_people(people).values()], remedy
    for part, now in example_of(person, answer).items():
        off = np.abs(kept[number][part].astype(int) - now)  # other machines round otherwise
        assert np.mean(off > 3) < 0.01, remedy


def test_the_chosen_people_are_in_the_order_of_their_dice() -> None:
    people = people_scores()
    chosen = people.set_index("person")["dice"][list(chosen_people(people).values())]
    assert np.all(np.diff(chosen) >= 0)
    assert "mean Dice" in people_words(people)
    falling = people.assign(lesion_ml=1 / (1 + people["dice"]), slice_mm=people["dice"])
    assert "falls with the volume of the lesions (rank correlation −1.00)" in people_words(falling)
    assert "rises with the thickness" in people_words(falling)


def test_people_without_lesions_are_named_and_do_not_spoil_the_figure() -> None:
    people = people_scores().head(6).assign(lesion_ml=[0.0, 0.5, 1, 2, 4, 8])
    said = people_words(people)
    assert f"{people['dice'][1:].mean():.2f}, from" in said
    assert "leaves out those without lesions (1). In 1 of them something is marked" in said
    assert people_figure(people).data()  # a warning would stop the test
    assert "leaves out" not in people_words(people.tail(5))


def test_what_the_student_gains_is_that_of_the_model_card() -> None:
    card = (WEIGHTS.parent / "CARD.md").read_text(encoding="utf-8")
    for gain in re.findall(r"by ([+−][0-9.]+)", distilled_words()):
        assert f"| {gain.replace('−', '-')} ± " in card
    assert len(re.findall("standard error", distilled_words())) == 3
