"""The explorer of dials has the scans, answers and differences that the study of dials kept."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from kdlib.errors import InputError
from kdlib.evidence.adapting import dial_gains
from kdlib.record.results import Results, open_results
from kdlib.report.widgets import DialsExplorer, dials_explorer
from kdlib.report.widgets.base import still_html
from kdlib.report.widgets.dials import ABOUT
from kdlib.simulator.dials import DIALLED, DIALS
from tests.dialled import STUDY, SUBJECTS, write_dialled
from tests.report.test_widgets import unpacked

LEVEL_1 = {name for name, made in DIALLED.items() if made.level == 1}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return write_dialled(tmp_path_factory.mktemp("dialled") / "dials")


@pytest.fixture(scope="module")
def explorer(results: Results) -> DialsExplorer:
    return dials_explorer(results)


def test_every_dial_has_its_levels_in_their_order(explorer: DialsExplorer) -> None:
    dials = explorer.facts["dials"]
    assert [dial["name"] for dial in dials] == list(DIALS) == list(ABOUT)
    for dial in dials:
        name = f"utrecht~{dial['name']}"
        assert dial["levels"] == [[0, "utrecht-again"], [1, f"{name}1"], [2, f"{name}2"]]


def test_a_level_without_runs_has_a_scan_and_no_scores(explorer: DialsExplorer) -> None:
    facts = explorer.facts
    assert set(facts["scans"]) - set(facts["scores"]) == LEVEL_1
    for clinic, scans in facts["scans"].items():
        parts = {"flair", "truth"} | (set() if clinic in LEVEL_1 else set(STUDY.arms))
        assert all(set(scan) == parts for scan in scans.values())


def test_the_subjects_are_those_whom_every_level_shows(explorer: DialsExplorer) -> None:
    facts = explorer.facts
    assert facts["subjects"] == list(SUBJECTS[1:])
    assert all(list(scans) == facts["subjects"] for scans in facts["scans"].values())


def test_the_differences_are_those_of_the_map(results: Results, explorer: DialsExplorer) -> None:
    scores = explorer.facts["scores"]
    gains = dial_gains(results.scores, ["AdaBN", "ADA"], "L-bound")
    assert len(gains) == 2 * len(STUDY.pairs)
    for row in gains.itertuples():
        found = scores[row.target][row.arm]
        shown = [found[name] for name in ("difference", "low", "high")]
        assert shown == pytest.approx([row.difference, row.low, row.high], abs=1e-5)
    assert {one["L-bound"]["difference"] for one in scores.values()} == {None}


def test_pictures_are_the_studys_and_each_arm_has_its_own_colour(
    results: Results, explorer: DialsExplorer
) -> None:
    arrays, facts = unpacked(explorer), explorer.facts
    assert facts["arms"] == [[n, arm.label, arm.colour] for n, arm in results.arms.items()]
    example = results.example("utrecht", "utrecht~noise2", "6")
    names = facts["scans"]["utrecht~noise2"]["6"]
    for part in ("truth", "KD"):
        assert arrays[names[part]].sum() == (example[part] > 0).sum()
    # All levels of a subject have one frame, so that nothing jumps when a dial is turned.
    shapes = {arrays[scans["6"]["flair"]].shape for scans in facts["scans"].values()}
    assert len(shapes) == 1


def test_scans_of_full_size_fit_into_the_page(tmp_path: Path) -> None:
    explorer = dials_explorer(write_dialled(tmp_path / "dials", plane=(240, 240)))
    assert len(explorer.packed) <= explorer.budget
    assert np.multiply(len(explorer.packed), 4 / 3) + len(still_html(explorer)) < 2.5e6


def test_a_study_that_turned_no_dial_has_no_such_explorer(results: Results, tmp_path: Path) -> None:
    other = shutil.copytree(results.folder, tmp_path / "other")
    results.scores[results.scores["target"].eq("utrecht-again")].to_csv(other / "scores.csv")
    with pytest.raises(InputError, match="record the study dials"):
        dials_explorer(open_results(other))
