"""The chapter on real scans, on made-up results whose truth is known."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdlib.evidence.carried_gains import gains_on_both
from kdlib.record.arrays import Key, write_arrays
from kdlib.record.results import open_results
from kdlib.report.carried import (
    Carried,
    carried,
    carried_conclusion,
    carried_words,
    chosen_patients,
    findings_table,
    gains_table,
    not_run_words,
    patient_examples,
    real_change_words,
)
from kdlib.report.carried_figures import gains_by_method, gains_scatter
from tests.decided import decided
from tests.known_effects import known_effects
from tests.report.test_gap_parts import gap
from tests.test_book import BOOK, run_cells

PAIR = (("utrecht+singapore+amsterdam", "real"),)
PATIENTS = 13
SIMULATED = {
    "L-bound": 0.0, "U-bound": 0.15, "AdaBN": 0.1, "KD": 0.05, "ADA": 0.0, "ADA then KD": 0.06,
    "ADA on the fly": -0.06, "KD on the fly": -0.05,
}  # fmt: skip
REAL = SIMULATED | {"AdaBN": 0.08, "KD": -0.06, "fine-tuning on 5": 0.12}


def write_results(folder: Path, name: str, scores: pd.DataFrame) -> Path:
    """A folder of results as the chapters read it, of these scores."""
    folder = folder / name
    folder.mkdir(parents=True)
    scores.to_csv(folder / "scores.csv", index=False)
    scores.iloc[:0].to_csv(folder / "teachers.csv", index=False)
    subjects = sorted(scores["subject"].unique())
    owners = ["P" if one in ("000", "002") else one for one in subjects]  # of two scans
    people = {"clinic": scores["target"].iloc[0], "subject": subjects, "patient": owners}
    pd.DataFrame(people).to_csv(folder / "clinics.csv", index=False)
    write_arrays(folder / "examples.npz", examples(scores))
    for archive in ("clinics.npz", "explorers.npz"):
        write_arrays(folder / archive, {})
    study = decided(name).model_dump(mode="json", exclude_none=True) | {"name": name}
    record = {"study": study, "seeds": {"0": {"runs": [{"name": "a"}]}}}
    (folder / "provenance.json").write_text(json.dumps(record))
    return folder


def examples(scores: pd.DataFrame) -> dict[Key, np.ndarray]:
    """For each subject a bright square with a lesion, and arms that answer it."""
    flair, truth = np.zeros((2, 24, 24), np.uint8)
    flair[4:20, 4:20], truth[8:12, 8:12] = 120, 1
    answers = dict.fromkeys(scores["arm"].unique(), truth * 255)
    owners = scores[["source", "target", "subject"]].drop_duplicates()
    return {
        Key(tuple(owner), part): array
        for owner in owners.itertuples(index=False, name=None)
        for part, array in ({"flair": flair, "truth": truth} | answers).items()
    }


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
    raised, lowered = real_change_words(found).split("It is lower after")
    assert "It is higher after AdaBN (+0.0" in raised
    assert "KD (−0.0" in lowered
    last = carried_conclusion(found)
    assert "AdaBN changes the mean Dice there by +0.0" in last
    assert last.endswith(f"the answer of {PATIENTS} patients and 3 seeds.")
    assert (gains_table(found)["Patients"] == PATIENTS).all()


def test_a_verdict_that_takes_more_seeds_says_so(tmp_path: Path) -> None:
    few = known_effects(REAL, PAIR, subjects=PATIENTS + 1, noise=0.005, number=1, seeds=2)
    write_results(tmp_path, "real", few)
    write_results(tmp_path, "standard", known_effects(SIMULATED, noise=0.005))
    found = Carried(open_results(tmp_path / "real"), open_results(tmp_path / "standard"))
    assert found.verdict.findings == ()
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
