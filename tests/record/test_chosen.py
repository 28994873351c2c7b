"""What recorded studies choose is written into the files of others, and nothing else changes."""

import json
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kdlib.errors import InputError
from kdlib.evidence.choosing import MOST_VALUES, chosen_value, home_dice
from kdlib.record.chosen import best_arms, choose
from kdlib.record.results import Results, open_results
from kdlib.record.whole import LAST
from kdlib.study.study import Study, arm_scenario, load_study, refuse_undecided
from tests.command import kdlib
from tests.decided import decided

Scores = Callable[..., pd.DataFrame]
RECORD = Path(__file__).parents[2] / "book" / "results"
WAITING = Path(__file__).parent / "waiting"
PAIR = (("utrecht", "singapore"),)
# Gains in landscape. Those with labels, on another image and on the fly must not be taken up.
GAINS = {
    "fine-tuning on 10": 0.2, "T1 student": 0.18, "tent on the fly": 0.17, "KD": 0.16,
    "strong augmentation": 0.12, "tent": 0.1, "histogram matching": 0.05,
}  # fmt: skip
# The arms of each study that landscape does not choose.
STANDARD = tuple(load_study("standard").arms)
OWN = {
    "samples": ("L-bound", "U-bound", "AdaBN", "KD", "fine-tuning"),
    "real": (*STANDARD, "fine-tuning on 1", "fine-tuning on 2", "fine-tuning on 5"),
}


def recorded(folder: Path, name: str, scores: pd.DataFrame, seeds: int = 2) -> None:
    """Results of a study as far as a choice reads them."""
    folder.mkdir(parents=True)
    scores.to_csv(folder / "scores.csv", index=False)
    made: dict[str, Any] = {str(seed): {} for seed in range(seeds)}
    study = decided(name).model_dump(mode="json")
    (folder / "provenance.json").write_text(json.dumps({"study": study, "seeds": made}))


@pytest.fixture
def settings(study: Scores) -> pd.DataFrame:
    """Scores of the study settings, in which all but the lowest two values lose much at home."""
    return pd.concat(
        study({sweep.arm: -0.1 * (place >= 2)}, pairs=PAIR, seeds=2).assign(
            setting=sweep.setting, value=value, evaluated_on="source"
        )
        for sweep in load_study("settings").sweeps
        for place, value in enumerate(sorted(sweep.values))
    )


@pytest.fixture
def landscape(study: Scores) -> pd.DataFrame:
    arms = dict.fromkeys(load_study("landscape").arms, 0.0) | GAINS
    return study(arms, pairs=PAIR, seeds=2, noise=0.001)


def file_of(name: str, folder: Path) -> Path:
    """The file of a study as it was while it waited for others."""
    return Path(shutil.copy(WAITING / f"{name}.toml", folder))


def test_settings_are_written_and_nothing_else(tmp_path: Path, settings: pd.DataFrame) -> None:
    file = file_of("landscape", tmp_path)
    before = file.read_text().splitlines()
    recorded(tmp_path / "results" / "settings", "settings", settings)
    done = kdlib("choose", file, "--results", tmp_path / "results")
    assert (done.status, done.out.count("\n")) == (0, len(load_study("settings").sweeps))
    after = file.read_text().splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert "learning_rate = 0.0001" in changed
    assert len(changed) == len(load_study("settings").sweeps)
    study = load_study(str(file))
    refuse_undecided(study)
    for sweep in load_study("settings").sweeps:
        assert study.arms[sweep.arm].settings[sweep.setting] == sorted(sweep.values)[1]


def test_arms_are_taken_up_with_their_names_and_settings(
    tmp_path: Path, landscape: pd.DataFrame
) -> None:
    recorded(tmp_path / "landscape", "landscape", landscape)
    real, samples = (file_of(name, tmp_path) for name in ("real", "samples"))
    said = choose(real, tmp_path)
    assert said == ["best of landscape: strong augmentation", "second best of landscape: tent"]
    arms, theirs = load_study(str(real)).arms, decided("landscape").arms
    for name in ("strong augmentation", "tent"):
        assert arms[name].settings == theirs[name].settings
        assert (arms[name].teacher, arms[name].label) == (theirs[name].teacher, theirs[name].label)
    choose(samples, tmp_path)
    study = load_study(str(samples))
    assert arm_scenario(study, "tent", study.pairs[0], 0, 1).settings.scans_of_target == 20
    assert "tent" in {sweep.arm for sweep in study.sweeps}
    assert "best of landscape" not in study.arms


def test_a_method_that_cannot_take_fewer_scans_has_a_twin(
    tmp_path: Path, landscape: pd.DataFrame
) -> None:
    landscape.loc[landscape["arm"].eq("histogram matching"), "dice"] += 0.3
    recorded(tmp_path / "landscape", "landscape", landscape)
    file = file_of("samples", tmp_path)
    choose(file, tmp_path)
    assert load_study(str(file)).arms["histogram matching"].method == "histogram_matching_of_few"
    assert best_arms(open_results(tmp_path / "landscape"), load_study("real"))[0] == (
        "histogram matching"
    )


def test_a_study_that_waits_is_refused_with_one_line(tmp_path: Path) -> None:
    study = file_of("samples", tmp_path)
    done = kdlib("study", study, "--data", tmp_path, "--store", tmp_path / "runs")
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert "is chosen by the results of the study landscape" in done.err
    assert "kdlib choose" in done.err


def test_nothing_is_chosen_from_half_of_a_study(tmp_path: Path, settings: pd.DataFrame) -> None:
    file = file_of("landscape", tmp_path)
    with pytest.raises(InputError, match="the study settings is not recorded"):
        choose(file, tmp_path)
    recorded(tmp_path / "settings", "settings", settings[settings["seed"].eq(0)], seeds=1)
    with pytest.raises(InputError, match="has no seed 1"):
        choose(file, tmp_path)
    with pytest.raises(InputError, match="nothing in it is to be chosen"):
        choose(
            Path(shutil.copy(str(files("kdlib") / "studies" / "standard.toml"), tmp_path)), tmp_path
        )
    assert file.read_text() == file_of("landscape", tmp_path).read_text()


def test_at_most_five_values_of_each_setting_are_tried() -> None:
    """For each method of landscape whose setting waits, and the authors' own is among them."""
    study, landscape = load_study("settings"), load_study("landscape")
    for sweep in study.sweeps:
        own, there = study.arms[sweep.arm], landscape.arms[sweep.arm]
        assert len(set(sweep.values)) == len(sweep.values) <= MOST_VALUES
        assert sweep.pairs is None
        assert (own.method, own.teacher) == (there.method, there.teacher)
        rest = there.settings.keys() - {sweep.setting}
        assert {own.settings[name] == there.settings[name] for name in rest} == {True}
        if sweep.setting == "adversarial_weight":
            assert 0.003 in sweep.values


def whole_record(name: str) -> Results | None:
    """The results of record of a study. None while a seed of it, or a part of one, is missing."""
    if not (RECORD / name / LAST).exists():
        return None
    results = open_results(RECORD / name)
    return results if set(results.seeds) >= set(load_study(name).seeds) else None


def test_the_studies_have_what_the_records_choose() -> None:
    """Until a study is recorded with all its seeds those that take something up wait for it."""
    landscape = load_study("landscape").arms
    tried = whole_record("settings")
    for sweep in load_study("settings").sweeps:
        value = landscape[sweep.arm].settings[sweep.setting]
        if tried is None:
            assert value == "chosen by settings"
        else:
            assert value == chosen_value(home_dice(tried.all_scores, sweep.arm, sweep.setting))
    for name, own in OWN.items():
        study = load_study(name)
        taken = [arm for arm in study.arms if arm not in own]
        assert set(own) < set(study.arms)
        assert len(taken) == (2 if name == "real" else 1)
        if (found := whole_record("landscape")) is not None:
            more = {"target_scans": 20} if name == "samples" else {}
            asking = {"asking": {"role": "other", "method": "chosen by landscape"} | more}
            arms = {arm: study.arms[arm] for arm in own} | asking
            before = Study(**study.model_dump() | {"arms": arms, "sweeps": ()})
            assert taken == best_arms(found, before)[: len(taken)]
        else:
            assert {study.arms[arm].method for arm in taken} == {"chosen by landscape"}
