"""Laws of a study."""

from pathlib import Path

import pytest

from kdlib.data.clinics import Clinics
from kdlib.errors import InputError
from kdlib.export import export_study
from kdlib.report.tables import results_table
from kdlib.study import Study, built_in_studies, load_study, missing, plan, run_study, study_scores
from tests.tiny import RECIPE


@pytest.fixture(scope="module")
def tiny_study() -> Study:
    """The demo's arms on the tiny clinics."""
    demo = load_study("demo")
    return Study(**demo.model_dump() | {"recipe": RECIPE, "on_the_fly_subjects": 1})


def test_the_built_in_studies_are_those_of_the_paper_and_ours() -> None:
    assert built_in_studies() == ["demo", "paper", "standard"]


@pytest.mark.parametrize(
    ("name", "pairs", "folds", "seeds"),
    [("demo", 1, 1, 1), ("standard", 6, 2, 3), ("paper", 6, 2, 1)],
)
def test_studies_have_their_extent(name: str, pairs: int, folds: int, seeds: int) -> None:
    study = load_study(name)
    assert (len(set(study.pairs)), len(study.folds), len(study.seeds)) == (pairs, folds, seeds)
    assert len(study.arms) >= 7


def test_the_paper_study_has_the_papers_recipe() -> None:
    recipe = load_study("paper").recipe
    assert (recipe.width, recipe.depth, recipe.learning_rate) == (32, 4, 1e-4)
    assert (recipe.schedule, recipe.start, recipe.loss) == ("linear", "scratch", "cross-entropy")


@pytest.mark.parametrize("name", ["demo", "standard", "paper"])
def test_every_arm_trains_for_the_same_steps(name: str, clinics: Clinics) -> None:
    study = load_study(name).model_copy(update={"pairs": (("utrecht", "singapore"),)})
    scenarios = [item.scenario for item in plan(study, clinics)]
    pooled = {s.updates for s in scenarios if s.method_type.trains and s.subject is None}
    assert pooled == {study.recipe.steps}
    assert {s.teacher.updates for s in scenarios if s.teacher} == {study.recipe.steps}


def test_a_study_runs_what_is_missing_and_no_more(
    tiny_study: Study, clinics: Clinics, store: Path
) -> None:
    scenarios = [item.scenario for item in plan(tiny_study, clinics)]
    half = len(missing(scenarios, clinics, store))
    assert half > 0
    run_study(tiny_study, clinics, store=store)
    assert missing(scenarios, clinics, store) == []


def test_scores_hold_every_arm_and_tested_subject(
    tiny_study: Study, clinics: Clinics, store: Path
) -> None:
    scores = study_scores(run_study(tiny_study, clinics, store=store))
    counts = scores.groupby("arm").size().to_dict()
    fly = {"ADA on the fly": 1, "KD on the fly": 1}
    assert counts == {arm: fly.get(arm, 2) for arm in tiny_study.arms}
    assert "KD on the fly" in results_table(scores).to_string()


def test_an_export_is_small_and_complete(
    tiny_study: Study, clinics: Clinics, store: Path, tmp_path: Path
) -> None:
    runs = run_study(tiny_study, clinics, store=store)
    export_study(tiny_study, runs, clinics, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"scores.csv", "teachers.csv", "examples.npz", "provenance.json"} <= names
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    export_study(tiny_study, runs, clinics, tmp_path)
    again = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert first == again


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pairs = [", "not readable as TOML"),
        ("about='x'\npairs=[['a','b']]\nfolds=[0]\nseeds=[0]\narms={}\n[recipe]\nwdth=3", "width"),
        ("about='x'\npears=[]", "pears"),
    ],
)
def test_a_wrong_study_file_says_what_is_wrong(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(InputError, match=said):
        load_study(str(tmp_path / "mine.toml"))


def test_an_unknown_arm_as_a_teacher_is_named(clinics: Clinics) -> None:
    study = load_study("demo")
    arms = study.arms | {"ADA then KD": {"method": "distillation", "teacher": "ADAA"}}
    with pytest.raises(InputError, match="did you mean 'ADA'"):
        plan(study.model_copy(update={"arms": arms}), clinics)
