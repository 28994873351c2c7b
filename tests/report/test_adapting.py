"""The chapter on what adapts shows what small real studies say, and what was not run."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from kdlib.data.clinics import Clinics
from kdlib.evidence.adapting import by_number, levels_where_swept
from kdlib.record.export import export_study
from kdlib.record.minutes import as_time, minutes_of_arms
from kdlib.record.results import Results, open_results
from kdlib.report.adapting import (
    adapting_conclusion,
    landscape_words,
    not_run,
    results_named,
    settings_table,
    waiting_words,
)
from kdlib.report.dials import dials_map, dials_words
from kdlib.report.gains import gains, pooled
from kdlib.report.landscape import Landscape, percent
from kdlib.report.number_figures import number_curves
from kdlib.report.number_words import samples_in_short, samples_words
from kdlib.simulator.dials import DIALS
from kdlib.study.arm import BOUNDS
from kdlib.study.plan import run_study
from kdlib.study.store import Store
from kdlib.study.study import Study, load_study
from tests.test_book import BOOK, run_cells
from tests.tiny import RECIPE

ARMS = {
    "L-bound": {"method": "unadapted"},
    "U-bound": {"method": "supervised"},
    "AdaBN": {"method": "mixed_adabn", "share": 1.0, "target_scans": 2},
    "CORAL": {"method": "deep_coral"},
    "fine-tuning": {"method": "fine_tuning", "subjects": 2},
}
# Without normalisation another gain of the scanner leaves a gap that even a short training shows.
GAP = RECIPE | {"normalisation": "none"}
FIRST = {"pairs": [["utrecht", "singapore"]], "folds": [0]}
SWEEPS = [
    {"arm": "AdaBN", "setting": "target_scans", "values": [1, 2], **FIRST},
    {"arm": "fine-tuning", "setting": "subjects", "values": [1, 2], **FIRST},
]


@pytest.fixture(scope="module")
def results(clinics: Clinics, store: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A study of two pairs, which stands for each of the three studies."""
    study = Study(
        name="landscape", about="", pairs=(("utrecht", "singapore"), ("singapore", "utrecht")),
        folds=(0, 1), seeds=(0,), recipe=GAP, arms=ARMS, sweeps=SWEEPS,
    )  # fmt: skip
    runs = Store(store, clinics, "cpu")
    folder = tmp_path_factory.mktemp("adapting") / "landscape"
    export_study(study, run_study(study, runs), runs, folder)
    return open_results(folder)


def test_methods_stand_by_their_gain_with_subjects_and_minutes(results: Results) -> None:
    picture = Landscape(results).figure()
    assert picture is not None
    axes = picture.figure.axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert sorted(names) == ["AdaBN", "CORAL", "fine-tuning"]
    assert [len(line.get_xdata()) for line in axes.lines].count(8) == 3  # subjects of both targets
    assert sum(text.get_text().endswith((" s", " min")) for text in axes.texts) == 3
    table = Landscape(results).table()
    assert table["Method"].tolist() == names
    found = pooled(gains(results), results)
    ranked = sorted((row["difference"] for row in found.values()), reverse=True)
    shown = table["All pairs"].str.replace("−", "-").astype(float)
    assert shown.tolist() == pytest.approx(ranked, abs=6e-4)


def test_a_method_is_above_or_below_with_its_whole_interval(results: Results) -> None:
    words, found = Landscape(results).words(), pooled(gains(results), results)
    for arm in ("AdaBN", "CORAL"):
        for said, clear in (
            ("interval is above no adaptation", found[arm]["low"] > 0),
            ("interval is below it", found[arm]["high"] < 0),
        ):
            told = re.search(rf"{said} for ([^.]*)\.", words)
            assert (told is not None and arm in told[1]) == clear
    assert "With labels, fine-tuning changes it by " in words
    none = not any(found[arm]["low"] > 0 for arm in ("AdaBN", "CORAL"))
    assert (
        "2 ways to adapt without labels, none has a whole interval above"
        in landscape_words(results)
    ) == none


def test_a_share_that_rounds_to_nothing_has_no_sign() -> None:
    assert [percent(share) for share in (-0.001, 0.0, -0.25, None)] == [
        "0 %", "0 %", "−25 %", "withheld",
    ]  # fmt: skip


def test_minutes_are_those_of_each_arms_own_runs(results: Results) -> None:
    minutes = minutes_of_arms(results)
    assert set(minutes) == set(ARMS)
    own = [run for run in results.runs if "adabn-" in run["run"]]
    seeds = {run["run"].rpartition("-")[0].rpartition("-seed")[2] for run in own}
    medians = [
        np.median([run["seconds"] for run in own if f"-seed{seed}-" in run["run"]])
        for seed in seeds
    ]
    assert minutes["AdaBN"] == pytest.approx(min(medians) / 60)
    assert minutes["U-bound"] != minutes["AdaBN"]
    assert [as_time(spent) for spent in (0.2, 5.5)] == ["12 s", "5.5 min"]


def test_the_map_has_a_cell_for_each_dial_and_arm(results: Results) -> None:
    picture = dials_map(results)
    assert picture is not None
    assert sum(len(axes.texts) for axes in picture.figure.axes) == 2 * (1 + 4)
    assert "Fine-tuning is shown to raise the Dice" in dials_words(results)


def test_curves_have_a_line_for_each_swept_arm(results: Results) -> None:
    picture = number_curves(results)
    assert picture is not None
    labelled = [line for line in picture.figure.axes[0].lines if line.get_label()[0] != "_"]
    assert {line.get_label(): line.get_linestyle() for line in labelled} == {
        "AdaBN": "-", "fine-tuning": "--",
    }  # fmt: skip
    said = samples_words(results)
    assert re.search(r"Of scans without labels, AdaBN reaches 0\.\d{3} with 2", said)
    plain = levels_where_swept(results.all_scores)["L-bound"]
    assert said.startswith(f"Without adaptation the mean Dice is {plain:.3f}. Learning from labels")


@pytest.mark.parametrize(("shift", "told"), [(-1.0, True), (1.0, False)])
def test_labels_that_are_worse_than_none_are_told(
    results: Results, tmp_path: Path, shift: float, told: bool
) -> None:
    shutil.copytree(results.folder, tmp_path / "samples")
    scores = results.all_scores
    moved = np.where(scores["arm"].eq("fine-tuning"), shift, 0)
    scores.assign(dice=scores["dice"] + moved).to_csv(tmp_path / "samples/scores.csv", index=False)
    said = samples_words(open_results(tmp_path / "samples"))
    means = by_number(scores, "AdaBN", "target_scans").mean(axis=1)
    most = f"reach {means.max():.3f} at most (AdaBN with {means.idxmax():g})"
    assert most in samples_in_short(open_results(tmp_path / "samples"))
    assert ("With 1 and 2 it stays below no adaptation" in said) is told
    assert ("are more than were tried for AdaBN" in said) is told


def test_a_mean_far_below_the_bounds_is_a_number_at_the_end_of_the_axis(
    results: Results, tmp_path: Path
) -> None:
    shutil.copytree(results.folder, tmp_path / "samples")
    scores = results.all_scores
    few = scores["arm"].eq("fine-tuning") & scores["setting"].notna()
    dice = scores["dice"].where(~few, 0.05).where(scores["arm"].ne("U-bound"), 0.9)
    dice = dice.where(scores["arm"].ne("L-bound"), 0.8)
    scores.assign(dice=dice).to_csv(tmp_path / "samples/scores.csv", index=False)
    picture = number_curves(open_results(tmp_path / "samples"))
    assert picture is not None
    axes = picture.figure.axes[0]
    assert axes.get_ylim()[0] == pytest.approx(0.65)
    assert [text.get_text() for text in axes.texts].count("0.05") == 2


def test_the_chapter_shows_the_studies_that_were_run(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("landscape", "dials", "samples"):
        shutil.copytree(results.folder, tmp_path / "results" / name)
    (tmp_path / "page").mkdir()
    monkeypatch.chdir(tmp_path / "page")
    assert results_named("dials") is not None
    run_cells(BOOK / "what_adapts.md")


def test_a_study_that_was_not_run_says_how_it_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert results_named("landscape") is None
    assert "`make record STUDY=dials SEEDS=0`" in not_run("dials")


def test_a_study_that_waits_says_for_what() -> None:
    waiting, plain = load_study("dials"), load_study("dials")
    tables = waiting.model_dump(exclude_none=True)["arms"]
    tables["AdaBN"]["method"] = "chosen by landscape"
    waiting = Study(**waiting.model_dump() | {"arms": tables})
    assert waiting_words(plain) == ""
    assert "waits for the results of the study *landscape*" in waiting_words(waiting)
    assert "`kdlib choose kdlib/studies/dials.toml`" in waiting_words(waiting)


def test_of_each_swept_arm_one_value_is_chosen_at_home(results: Results) -> None:
    table = settings_table(results)
    assert (
        table.groupby("Arm")["Chosen"].apply(list).map(lambda marks: marks.count("yes")).eq(1).all()
    )
    assert table[["Home Dice", "Target Dice"]].notna().all(axis=None)


def test_the_chapter_has_every_rule_and_every_dial() -> None:
    page = (BOOK / "what_adapts.md").read_text()
    assert "for rule in RULES" in page
    assert all(f"*{dial}*" in page for dial in DIALS)


def test_the_chapter_says_what_the_authors_of_every_arm_could_object() -> None:
    page = (BOOK / "what_adapts.md").read_text()
    told = re.findall(r"^\| ([^|]+) \|", page, re.MULTILINE)
    named = {name for names in told for name in names.split(", ")}
    arms = load_study("landscape").arms.items()
    assert {name for name, arm in arms if arm.role not in BOUNDS} <= named


def test_the_last_line_says_what_was_run_and_what_was_not(results: Results) -> None:
    said = adapting_conclusion({"landscape": results, "dials": None, "samples": None})
    assert said.startswith(landscape_words(results))
    assert said.endswith("The studies dials and samples have not been run yet.")
    assert "Until then" in adapting_conclusion({"landscape": None, "dials": None})
