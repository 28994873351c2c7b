"""The chapter on real scans, on made-up results whose truth is known."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from kdlib.evidence.carried_gains import gains_on_both
from kdlib.record.results import open_results
from kdlib.report.carried import (
    Carried,
    carried,
    chosen_patients,
    findings_table,
    gains_table,
    patient_examples,
)
from kdlib.report.carried_figures import gains_by_method, gains_scatter
from kdlib.report.carried_words import (
    carried_conclusion,
    carried_words,
    not_run_words,
    order_words,
    real_change_words,
    real_headline,
    within_words,
)
from tests.known_effects import known_effects
from tests.report.made_results import write_results
from tests.report.test_gap_parts import gap
from tests.report.test_starter_gains import starter_rows
from tests.test_book import BOOK, run_cells

PAIR = (("utrecht+singapore+amsterdam", "real"),)
PATIENTS = 13
SIMULATED = {
    "L-bound": 0.0, "U-bound": 0.15, "AdaBN": 0.1, "KD": 0.05, "ADA": 0.0, "ADA then KD": 0.06,
    "ADA on the fly": -0.06, "KD on the fly": -0.05,
}  # fmt: skip
REAL = SIMULATED | {"AdaBN": 0.08, "KD": -0.06, "fine-tuning on 5": 0.12}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("carried") / "results"
    real = known_effects(REAL, PAIR, subjects=PATIENTS + 1, noise=0.005, number=1)
    write_results(folder, "real", real)
    write_results(folder, "standard", known_effects(SIMULATED, noise=0.005))
    return folder


@pytest.fixture
def found(folder: Path) -> Carried:
    return Carried(open_results(folder / "real"), open_results(folder / "standard"))


def test_gains_on_both_sides_are_those_that_were_made(found: Carried) -> None:
    table = found.gains.set_index("arm")
    assert set(table.index) == set(SIMULATED) - {"L-bound", "U-bound"}
    for arm in table.index:
        assert table.loc[arm, "simulated_gain"] == pytest.approx(SIMULATED[arm], abs=0.01)
        assert table.loc[arm, "real_gain"] == pytest.approx(REAL[arm], abs=0.01)
        lengths = [len(table.loc[arm, f"{name}"]) for name in ("simulated_parts", "real_parts")]
        assert lengths == [6, PATIENTS]
        assert len(table.loc[arm, "real_seeds"]) == 3


def test_a_pair_without_a_gap_has_no_part_in_the_gains() -> None:
    flat = (("singapore", "amsterdam"),)
    simulated = pd.concat([
        known_effects(SIMULATED, PAIR, noise=0.005),
        known_effects(dict.fromkeys(SIMULATED, 0.0) | {"KD": 0.3}, flat, noise=0.005),
    ])  # fmt: skip
    table = gains_on_both(known_effects(REAL, PAIR), simulated).set_index("arm")
    assert table.loc["KD", "simulated_gain"] == pytest.approx(SIMULATED["KD"], abs=0.01)
    assert len(table.loc["KD", "simulated_parts"]) == 1


def test_arms_that_only_the_landscape_has_are_shown_and_it_changes_no_other() -> None:
    few = {name: SIMULATED[name] for name in ("L-bound", "U-bound", "KD")}
    landscape = known_effects(few | {"KD": -0.2, "tent": 0.12}, noise=0.005)
    real, standard = known_effects(few | {"tent": 0.1}, PAIR), known_effects(few, noise=0.005)
    table = gains_on_both(real, standard, landscape=landscape).set_index("arm")
    assert table.loc["tent", "simulated_gain"] == pytest.approx(0.12, abs=0.01)
    assert table.loc["KD", "simulated_gain"] == pytest.approx(0.05, abs=0.01)


def test_the_sentences_say_what_was_made(found: Carried) -> None:
    assert found.verdict.answer == "in part"
    said = carried_words(found)
    assert said.startswith("Some of what the simulated bench found holds")
    fates = findings_table(found)["Verdict"].value_counts()
    assert f"{fates['carries over']} carry over and {fates['does not carry over']} do not" in said
    kd = findings_table(found).set_index("Comparison").loc["KD - L-bound"]
    for side, gain in (("Simulated", SIMULATED["KD"]), ("Real", REAL["KD"])):
        assert re.match(r"[+−]0\.0\d\d \[.*\]$", kd[f"{side} difference"])
        assert float(kd[f"{side} difference"].split()[0].replace("−", "-")) == pytest.approx(
            gain, abs=0.01
        )
    raised, lowered = real_change_words(found).split("It is lower after")
    assert "It is higher after AdaBN (+0.0" in raised
    assert "KD (−0.0" in lowered
    last = carried_conclusion(found)
    assert f"the results of {PATIENTS} patients and 3 seeds. AdaBN gains most there" in last
    simulated = re.search(r"Over the 6 pairs .* by ([+−][0-9.]+) \(", last)
    assert simulated
    assert float(simulated[1]) == pytest.approx(SIMULATED["AdaBN"], abs=0.01)
    assert "the largest gain is that of 5 labels: +0.12" in last
    assert "is higher after AdaBN (+0.0" in real_headline(found)
    assert "KD (" not in real_headline(found).replace("then KD (", "")
    assert (gains_table(found)["Patients"] == PATIENTS).all()


def test_what_the_order_rests_on_is_told(found: Carried) -> None:
    shares, slope = found.verdict.shares, found.verdict.slope
    assert slope is not None
    assert shares["KD"] == pytest.approx(SIMULATED["KD"] / SIMULATED["U-bound"], abs=0.1)
    assert f"rests on {len(shares)} methods" in order_words(found)
    assert "none of them" not in order_words(found)


def test_what_is_within_the_margin_on_both_sides_is_told_although_undecided(tmp_path: Path) -> None:
    little = known_effects(REAL | {"KD": 0.012}, PAIR, noise=0.003)
    write_results(tmp_path, "real", little)
    write_results(tmp_path, "standard", known_effects(SIMULATED | {"KD": 0.0}, noise=0.005))
    found = Carried(open_results(tmp_path / "real"), open_results(tmp_path / "standard"))
    assert "on both sides KD - L-bound" in within_words(found)
    assert within_words(Carried(found.standard, found.standard)) == ""


def test_what_another_threshold_would_change_stands_beside_the_methods(tmp_path: Path) -> None:
    scores = known_effects(REAL, PAIR, subjects=PATIENTS + 1, noise=0.005, number=1)
    folder = write_results(tmp_path, "real", scores)
    gap(8.0).assign(clinic_threshold=0.07).to_csv(folder / "gap_parts.csv", index=False)
    write_results(tmp_path, "standard", known_effects(SIMULATED, noise=0.005))
    found = Carried(open_results(folder), open_results(tmp_path / "standard"))
    assert "would change the mean Dice by +0.070 without" in carried_conclusion(found)


def test_a_verdict_that_takes_more_seeds_says_so(tmp_path: Path) -> None:
    few = known_effects(REAL, PAIR, subjects=PATIENTS + 1, noise=0.005, number=1, seeds=2)
    write_results(tmp_path, "real", few)
    write_results(tmp_path, "standard", known_effects(SIMULATED, noise=0.005))
    found = Carried(open_results(tmp_path / "real"), open_results(tmp_path / "standard"))
    assert found.verdict.findings == ()
    assert real_headline(found) == ""
    assert "2 seeds" in carried_words(found)


def test_the_figures_show_every_method_with_its_pairs_patients_and_seeds(found: Carried) -> None:
    scatter, panels = gains_scatter(found), gains_by_method(found)
    assert scatter is not None
    assert panels is not None
    colours = {found.real.arms[arm].colour for arm in found.gains["arm"]}
    dots = [line for line in scatter.figure.axes[0].lines if line.get_marker() == "o"]
    assert {line.get_color() for line in dots} == colours
    shown = [axes for axes in panels.figure.axes if axes.get_visible()]
    assert len(shown) == len(found.gains)
    sizes = sorted(len(line.get_xdata()) for line in shown[0].lines if line.get_marker() == ".")
    assert sizes == [6, PATIENTS]


def test_the_patients_are_chosen_by_their_dice_without_adaptation(found: Carried) -> None:
    plain = found.real.scores[found.real.scores["arm"] == "L-bound"]
    owner = plain["subject"].map(lambda one: found.real.patients.get(("real", one), one))
    ranked = list(plain.groupby(owner)["dice"].mean().sort_values().index)
    chosen = chosen_patients(found)
    scans = [found.real.patients.get(("real", one), one) for one in chosen.values()]
    assert scans == [ranked[0], ranked[len(ranked) // 2], ranked[-1]]
    assert [name.split(":")[0] for name in patient_examples(found)] == ["worst", "median", "best"]


def test_the_chapter_shows_the_results(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, tmp_path / "results")
    gap(8.0).to_csv(tmp_path / "results/real/gap_parts.csv", index=False)
    second = known_effects(REAL | {"U-bound": -0.1}, PAIR, subjects=4)
    second.to_csv(tmp_path / "results/real/scores_second.csv", index=False)
    starter_rows().to_csv(tmp_path / "results/real/starter.csv", index=False)
    cases = known_effects(SIMULATED, (("real", "other"),), subjects=2)
    write_results(tmp_path / "results", "real_reverse", cases)
    (tmp_path / "page").mkdir()
    monkeypatch.chdir(tmp_path / "page")
    assert carried() is not None
    run_cells(BOOK / "on_real_scans.md")


def test_without_results_the_chapter_says_what_will_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert carried() is None
    assert "has not been run yet" in not_run_words()
    assert "not been run" in carried_conclusion(None)
    run_cells(BOOK / "on_real_scans.md")
