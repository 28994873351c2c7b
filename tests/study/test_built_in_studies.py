"""Laws of the built-in studies."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from kdlib.cli.options import method_names
from kdlib.data.clinics import Clinics, open_clinics
from kdlib.data.layouts import CONTROL_FOLDERS
from kdlib.study.cost import cost
from kdlib.study.participants import participants
from kdlib.study.plan import plan, run_study, study_scores
from kdlib.study.scenario import Scenario
from kdlib.study.store import Store
from kdlib.study.study import Study, arm_scenario, built_in_studies, load_study
from tests.decided import decided
from tests.tiny import RECIPE, write_subject

OTHERS = ("demo", "paper", "real", "real_reverse")  # studies with recipes of their own
# Of the landscape, when its protocol was frozen. A method that came later need not be in it.
LANDSCAPE = {
    "unadapted", "supervised", "adabn", "mixed_adabn", "histogram_matching", "tent", "adversarial",
    "adda", "deep_coral", "mean_teacher", "distillation", "target_distillation",
    "data_distillation", "cycada", "cross_modal", "fine_tuning",
}  # fmt: skip


def test_the_built_in_studies_are_those_of_the_paper_and_ours() -> None:
    assert {"controls", "demo", "mechanism", "paper", "standard"} <= set(built_in_studies())


@pytest.mark.parametrize(
    ("name", "pairs", "folds", "seeds"),
    [
        ("demo", 1, 1, 1),
        ("standard", 6, 2, 3),
        ("mechanism", 2, 1, 3),
        ("controls", 3, 2, 3),
        ("paper", 6, 2, 3),
        ("landscape", 3, 1, 2),
        ("real", 1, 2, 3),
        ("real_reverse", 1, 2, 1),
    ],
)
def test_studies_have_their_extent(name: str, pairs: int, folds: int, seeds: int) -> None:
    study = load_study(name)
    assert (len(set(study.pairs)), len(study.folds), len(study.seeds)) == (pairs, folds, seeds)
    assert len(study.arms) >= 6


def test_the_paper_study_has_the_papers_recipe() -> None:
    recipe = load_study("paper").recipe
    assert (recipe.width, recipe.depth, recipe.learning_rate) == (32, 4, 1e-4)
    assert (recipe.schedule, recipe.start, recipe.loss) == ("linear", "scratch", "cross-entropy")


AS_ITS_AUTHORS = {"tent in one pass"}  # the arms that end earlier, as the method's paper has it


@pytest.mark.parametrize("name", built_in_studies())
def test_every_arm_trains_for_the_same_steps(name: str, clinics: Clinics) -> None:
    study = decided(name)
    short = {arm for arm, table in study.arms.items() if "steps" in table.settings}
    assert short <= AS_ITS_AUTHORS
    arms = {arm: table for arm, table in study.arms.items() if arm not in short}
    study = study.model_copy(update={"pairs": (("utrecht", "singapore"),), "arms": arms})
    scenarios = [item.scenario for item in plan(study, clinics)]
    pooled = {s.updates for s in scenarios if s.method_type.trains and s.subject is None}
    assert pooled == {study.recipe.steps}
    teachers = [s.teacher for s in scenarios if s.teacher]
    assert {t.updates for t in teachers if t.method_type.trains} == {study.recipe.steps}


def test_the_fair_studies_have_one_recipe_and_students_from_scratch() -> None:
    recipes = [load_study(name).recipe for name in built_in_studies() if name not in OTHERS]
    assert len(recipes) > 1
    assert all(recipe == recipes[0] for recipe in recipes)
    assert recipes[0].start == "scratch"
    assert load_study("standard").on_the_fly_subjects is None


def test_the_study_of_real_scans_is_the_standard_with_fewer_steps_and_labelled_arms() -> None:
    study, standard = load_study("real"), load_study("standard")
    assert study.recipe == standard.recipe.model_copy(update={"steps": study.recipe.steps})
    for name, arm in standard.arms.items():
        assert study.arms[name].settings == arm.settings
    landscape = load_study("landscape").arms
    few = [name for name, arm in study.arms.items() if arm.method == "fine_tuning"]
    assert [study.arms[name].settings["subjects"] for name in few] == [1, 2, 5]
    assert all(
        study.arms[name].settings == landscape[name].settings for name in {*few} & {*landscape}
    )


def test_the_reverse_of_the_real_study_has_its_recipe_and_tests_each_of_two_scans_once(
    clinics: Clinics, tmp_path: Path
) -> None:
    study, real = load_study("real_reverse"), load_study("real")
    assert study.recipe == real.recipe
    assert all(arm.settings == real.arms[name].settings for name, arm in study.arms.items())
    for number in range(2):
        made, folder = tmp_path / f"made/{number}", tmp_path / f"other/{number}"
        write_subject(made, np.random.default_rng(number), gain=0.3, contrast=1.5)
        folder.mkdir(parents=True)
        shutil.copy(made / "pre/FLAIR.nii.gz", folder / "FLAIR.nii.gz")
        shutil.copy(made / "wmh.nii.gz", folder / "mask.nii.gz")
    both = open_clinics(clinics.folder, f"{tmp_path / 'other'}:other")
    planned = plan(study.model_copy(update={"pairs": (("utrecht", "other"),)}), both)
    tested = [
        (item.arm, subject.id)
        for item in planned
        for subject in participants(item.scenario, both).tested
    ]
    assert len(tested) == len(set(tested)) == 2 * len(study.arms)


def test_the_controls_lead_from_utrecht_to_every_control_clinic() -> None:
    study = load_study("controls")
    assert study.pairs == tuple(("utrecht", clinic) for clinic in CONTROL_FOLDERS)
    standard = load_study("standard").arms
    for name in ("L-bound", "U-bound", "AdaBN", "ADA", "KD"):
        assert study.arms[name].settings == standard[name].settings
    assert study.arms["histogram matching"].role == "control"


def test_arms_of_the_mechanism_have_the_teachers_that_they_need() -> None:
    study = load_study("mechanism")
    made = {arm: arm_scenario(study, arm, ("amsterdam", "singapore"), 0, 1) for arm in study.arms}
    assert all(s.teacher is None or s.teacher.norm == s.norm for s in made.values())
    assert made["teacher continued then AdaBN"].teacher == made["teacher continued"]
    assert made["KD from AdaBN"].teacher == made["AdaBN"]
    assert made["teacher continued"].teacher == made["L-bound"].teacher
    assert made["teacher of another seed"].teacher is None


def test_the_landscape_has_the_methods_of_its_freezing_and_fair_settings_for_each() -> None:
    study = decided("landscape")
    assert {arm.method for arm in study.arms.values()} == LANDSCAPE <= {*method_names()}
    standard = load_study("standard").arms
    for name in ("L-bound", "U-bound", "AdaBN", "ADA", "KD"):
        assert study.arms[name].settings == standard[name].settings
    made = {arm: arm_scenario(study, arm, ("amsterdam", "singapore"), 0, 1) for arm in study.arms}
    plain = made["KD"].teacher
    own = {"strong augmentation", "white-matter peak", "instance norm", "U-bound"}
    assert all(made[arm].lineage[-1] in (plain, made[arm]) for arm in made if arm not in own)


def test_the_studies_of_what_adapts_take_at_most_ten_hours_on_two_cores() -> None:
    """If they share their runs."""
    names = ("landscape", "dials", "samples")
    hours = cost([run for name in names for run in pooled_runs(decided(name))]).hours
    assert hours is not None
    assert hours + sum(hours_on_the_fly(decided(name), 10) for name in names) < 10


@pytest.mark.parametrize("name", ["settings", "landscape", "dials", "samples", "real"])
def test_a_study_says_what_it_costs(name: str) -> None:
    study = decided(name)
    found = re.search(r"(\d+) trainings, about ([\d.]+) hours on two cores", study.about)
    assert found is not None
    known = cost(pooled_runs(study))
    assert int(found[1]) == known.trainings
    assert known.hours is not None
    hours = known.hours + hours_on_the_fly(study, 7 if name == "real" else 10)
    assert float(found[2]) == pytest.approx(hours, abs=0.06)


def pooled_runs(study: Study) -> list[Scenario]:
    """All runs but those on the fly, with their teachers."""
    pooled = {name: arm for name, arm in study.arms.items() if not arm.on_the_fly}
    planned = plan(study.model_copy(update={"arms": pooled}), Clinics(Path(), {}))
    return [run for item in planned for run in item.scenario.lineage]


def hours_on_the_fly(study: Study, tested: int) -> float:
    """The hours of the runs on the fly, of so many tested subjects in each fold."""
    whole = study.recipe.on_the_fly_steps
    own = [
        arm.settings.get("on_the_fly_steps", whole) for arm in study.arms.values() if arm.on_the_fly
    ]
    places = len(study.pairs) * len(study.folds) * len(study.seeds)
    step = study.scenario(method="supervised", source="any", steps=1)
    one_step = cost([step]).hours
    assert one_step is not None
    return sum(own) * places * tested * one_step


@pytest.mark.parametrize("name", ["settings", "landscape", "dials", "samples", "real"])
def test_every_arm_and_sweep_of_what_adapts_runs(
    name: str, clinics: Clinics, tmp_path: Path
) -> None:
    """On tiny clinics, which have two subjects to learn from, with two steps and one value."""
    whole = decided(name).model_dump(exclude_none=True)
    small = {
        "folds": (0,),
        "pairs": (("utrecht", "singapore"),),
        "seeds": (0,),
        "recipe": RECIPE | {"steps": 2},
    }
    for arm in whole["arms"].values():
        arm |= {of: 2 for of in ("subjects", "target_scans") if of in arm}
    sweeps = [one | {"values": one["values"][:1], "pairs": None} for one in whole["sweeps"]]
    study = Study(**whole | small | {"sweeps": sweeps})
    scores = study_scores(run_study(study, Store(tmp_path, clinics)))
    assert set(scores["arm"]) == set(study.arms)
    swept = scores["arm"][scores["setting"].fillna("").ne("")] if sweeps else []
    assert set(swept) == {one["arm"] for one in sweeps}
