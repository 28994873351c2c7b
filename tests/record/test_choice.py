"""Which study the book shows, and whose results these are."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kdlib.errors import InputError
from kdlib.record.choice import (
    CHOSEN,
    Saved,
    choose,
    results_to_show,
    saved_studies,
    shown_study,
)
from kdlib.record.results import open_results
from kdlib.record.whole import ARCHIVES
from kdlib.report.whose import saved_table, scenario_pages, whose
from tests.known_effects import known_effects

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """A maker of saved results: of record or one's own, with as many seeds as are asked for."""

    def save(name: str, *, own: bool = False, seeds: int = 1, **settings: bool) -> Path:
        folder = tmp_path / ("own" if own else "record") / name
        folder.mkdir(parents=True)
        scores = known_effects(pairs=(("utrecht", "singapore"),), seeds=seeds, subjects=4)
        for table in ("scores", "teachers", "clinics"):
            scores.to_csv(folder / f"{table}.csv", index=False)
        for archive in ARCHIVES:
            np.savez_compressed(folder / archive, picture=np.arange(999))
        arms = {"none": {"method": "unadapted"}}
        study = {"name": name, "arms": arms} | settings
        record = {"study": study, "seeds": {"0": {"runs": [{}]}}}
        (folder / "provenance.json").write_text(json.dumps(record))
        return folder

    return save


@pytest.fixture
def found(tmp_path: Path) -> Callable[[], list[Saved]]:
    return lambda: saved_studies(tmp_path / "record", tmp_path / "own")


def test_the_study_with_the_most_trials_is_shown_whatever_its_name(save: Save, found) -> None:
    save("demo", seeds=2)
    larger = save("zebra", seeds=3)
    assert choose(found()).folder == larger
    assert choose(found()).trials == 3 * 4


def test_a_small_study_of_ones_own_hides_no_larger_one_of_record(save: Save, found) -> None:
    save("demo"), save("demo", own=True)
    larger = save("standard", seeds=3)
    assert choose(found()).folder == larger


def test_ones_own_results_take_the_place_of_the_record_of_their_study(save: Save, found) -> None:
    save("standard", seeds=3)
    own = save("standard", own=True)
    save("demo")
    assert choose(found()).folder == own
    assert choose(found(), "standard").folder == own


def test_of_two_equal_studies_ones_own_is_shown(save: Save, found) -> None:
    save("a"), save("z")
    own = save("mine", own=True)
    assert choose(found()).folder == own


def test_a_supporting_study_is_shown_only_by_its_name(save: Save, found) -> None:
    controls = save("controls", seeds=3, supporting=True)
    with pytest.raises(InputError, match="only saved results are of supporting studies"):
        choose(found())
    main = save("standard", supporting=False)
    assert choose(found()).folder == main
    assert choose(found(), "controls").folder == controls


def test_a_name_chooses_any_study(save: Save, found, monkeypatch: pytest.MonkeyPatch) -> None:
    small = save("demo")
    save("standard", seeds=3)
    monkeypatch.setenv("BOOK_STUDY", "demo")
    assert shown_study(found()).folder == small
    with pytest.raises(InputError, match="unknown saved study 'stadnard'; did you mean"):
        choose(found(), "stadnard")


def test_chapters_show_what_the_build_has_chosen_without_looking_again(
    save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = save("demo")
    monkeypatch.setenv(CHOSEN, str(chosen))
    monkeypatch.setattr("kdlib.record.choice.saved_studies", lambda: pytest.fail("looked again"))
    assert results_to_show().folder == chosen


@pytest.mark.parametrize(
    ("file", "harm", "reason"),
    [
        ("provenance.json", lambda path: path.unlink(), "provenance.json is missing"),
        ("provenance.json", lambda path: path.write_text("[]"), ""),
        ("provenance.json", lambda path: path.write_text('{"study": {"name'), ""),
        ("scores.csv", lambda path: path.write_text(""), ""),
        ("scores.csv", lambda path: path.write_text("arm,dice\nKD,0.5\n"), "source"),
        ("examples.npz", lambda path: path.write_bytes(path.read_bytes()[:-60]), "zip"),
        ("examples.npz", lambda path: _flip_a_bit(path), "picture.npy"),
    ],
)  # fmt: skip
def test_a_damaged_folder_is_left_out_and_named_in_one_line(
    file: str, harm: Callable[[Path], None], reason: str, save: Save, found
) -> None:
    harm(save("demo", own=True, seeds=3) / file)
    of_record = save("demo")
    assert choose(found()).folder == of_record
    fault = found()[0].fault
    assert fault.startswith("results/demo: left out")
    assert len(fault.splitlines()) == 1
    assert reason in fault
    assert "'make study STUDY=demo'" in fault


def _flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_without_any_whole_folder_the_fault_or_the_remedy_is_told(save: Save, found) -> None:
    with pytest.raises(InputError, match="no saved results; 'make study' makes some"):
        choose(found())
    (save("demo") / "scores.csv").unlink()
    with pytest.raises(InputError, match=r"scores\.csv is missing.*'make record STUDY=demo'"):
        choose(found())
    with pytest.raises(InputError, match=r"scores\.csv is missing"):
        choose(found(), "demo")
    with pytest.raises(InputError, match="no saved results; 'kdlib study demo --export"):
        open_results(save("standard").parent / "paper")


def test_the_book_says_whose_results_it_shows(save: Save, found) -> None:
    save("demo", own=True), save("demo"), save("standard", seeds=3)
    shown = choose(found())
    assert "results of record of the study 'standard'" in whose(shown)
    own = choose(found(), "demo")
    assert "the study 'demo' were made on the machine that built this book" in whose(own)


def test_the_table_of_saved_results_says_what_became_of_each(save: Save, found) -> None:
    save("demo", own=True), save("demo"), save("standard", seeds=3)
    (save("half", own=True) / "clinics.csv").unlink()
    studies = found()
    table = saved_table(studies, choose(studies)).set_index("Folder")["In_this_book"]
    assert table.to_dict() == {
        "results/demo": "not shown",
        "book/results/demo": "replaced by results/demo",
        "book/results/standard": "shown",
    }


def test_the_pages_of_scenarios_say_which_study_they_are_of(tmp_path: Path) -> None:
    assert "without pages of executed scenarios" in scenario_pages(tmp_path)
    for number, study in enumerate(["demo", "demo", "mine/own.toml"]):
        metadata = {"papermill": {"parameters": {"study": study}}}
        (tmp_path / f"{number}.ipynb").write_text(json.dumps({"metadata": metadata}))
    assert "the studies 'demo' and 'own', which were run" in scenario_pages(tmp_path)
