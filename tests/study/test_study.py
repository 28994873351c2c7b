"""Laws of a study."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kdlib.cli.options import method_names
from kdlib.data.clinics import Clinics, open_clinics
from kdlib.data.layouts import CONTROL_FOLDERS
from kdlib.errors import InputError
from kdlib.evidence.comparisons import main_scores
from kdlib.record.explorers import STUDENT
from kdlib.record.export import export_study
from kdlib.record.results import Results
from kdlib.report.tables import results_table
from kdlib.study.cost import cost
from kdlib.study.participants import participants
from kdlib.study.plan import SWEPT, plan, run_study, study_curves, study_findings, study_scores
from kdlib.study.scenario import Scenario
from kdlib.study.store import Store
from kdlib.study.study import Study, arm_scenario, built_in_studies, load_study
from tests.decided import decided
from tests.tiny import RECIPE, write_subject

OTHERS = ("demo", "paper", "real", "real_reverse")  # studies with recipes of their own


@pytest.fixture(scope="module")
def tiny_study() -> Study:
    """The demo's arms on the tiny clinics."""
    demo = load_study("demo")
    return Study(**demo.model_dump() | {"recipe": RECIPE, "on_the_fly_subjects": 1})


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


@pytest.mark.parametrize("name", built_in_studies())
def test_every_arm_trains_for_the_same_steps(name: str, clinics: Clinics) -> None:
    study = decided(name).model_copy(update={"pairs": (("utrecht", "singapore"),)})
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


def test_the_landscape_has_every_method_and_fair_settings_for_each() -> None:
    """All but a control, and twins of methods that are given a few scans in the study samples."""
    study = decided("landscape")
    every = {name for name in method_names() if not name.endswith("_of_few")} - {"continued"}
    assert {arm.method for arm in study.arms.values()} == every
    standard = load_study("standard").arms
    for name in ("L-bound", "U-bound", "AdaBN", "ADA", "KD"):
        assert study.arms[name].settings == standard[name].settings
    made = {arm: arm_scenario(study, arm, ("amsterdam", "singapore"), 0, 1) for arm in study.arms}
    plain = made["KD"].teacher
    own = {"strong augmentation", "white-matter peak", "instance norm", "U-bound"}
    assert all(made[arm].lineage[-1] in (plain, made[arm]) for arm in made if arm not in own)


def test_the_studies_of_what_adapts_take_at_most_ten_hours_on_two_cores() -> None:
    """With the study of their settings, and if they share their runs."""
    names = ("settings", "landscape", "dials", "samples")
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
    arms = sum(arm.on_the_fly for arm in study.arms.values())
    places = len(study.pairs) * len(study.folds) * len(study.seeds)
    step = study.scenario(method="supervised", source="any", steps=1)
    one_step = cost([step]).hours
    assert one_step is not None
    return arms * places * tested * study.recipe.on_the_fly_steps * one_step


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


def test_a_study_runs_what_is_missing_and_no_more(
    tiny_study: Study, clinics: Clinics, store: Path
) -> None:
    scenarios = [item.scenario for item in plan(tiny_study, clinics)]
    runs = Store(store, clinics)
    assert runs.missing(scenarios)
    run_study(tiny_study, runs)
    assert runs.missing(scenarios) == []


def test_scores_hold_every_arm_and_tested_subject(
    tiny_study: Study, clinics: Clinics, store: Path
) -> None:
    scores = study_scores(run_study(tiny_study, Store(store, clinics)))
    counts = scores.groupby("arm").size().to_dict()
    fly = {"ADA on the fly": 1, "KD on the fly": 1}
    assert counts == {arm: fly.get(arm, 2) for arm in tiny_study.arms}
    assert "KD on the fly" in results_table(scores, tiny_study.arms).to_string()


def test_curves_and_findings_of_a_study_stand_by_arm(
    tiny_study: Study, clinics: Clinics, store: Path
) -> None:
    runs = run_study(tiny_study, Store(store, clinics))
    curves, findings = study_curves(runs), study_findings(runs)
    points = curves.groupby(["arm", "teaches"]).size().to_dict()
    learning = ("U-bound", "ADA", "KD", "ADA then KD")
    assert points == {(arm, ""): 20 for arm in learning} | {("teacher", "L-bound"): 20}
    assert curves.loc[curves["arm"].eq("teacher"), "fold"].isna().all()
    assert findings["arm"].tolist() == ["KD", "ADA then KD"]
    assert (findings["above_floor"] > 0).all()
    for table in (curves, findings, study_curves([]), study_findings([])):
        assert [*table][:7] == ["arm", "source", "target", "fold", "seed", "setting", "value"]


def test_an_export_is_small_and_complete(
    tiny_study: Study, clinics: Clinics, store: Path, tmp_path: Path
) -> None:
    place = Store(store, clinics)
    runs = run_study(tiny_study, place)
    export_study(tiny_study, runs, place, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"scores.csv", "teachers.csv", "examples.npz", "provenance.json"} <= names
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    export_study(tiny_study, runs, place, tmp_path)
    again = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert first == again


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pairs = [", "not valid TOML"),
        ("about='x'\npairs=[['a','b']]\nfolds=[0]\nseeds=[0]\narms={}\n[recipe]\nwdth=3", "width"),
        ("about='x'\npears=[]", "pears"),
    ],
)
def test_a_wrong_study_file_says_what_is_wrong(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(InputError, match=said):
        load_study(str(tmp_path / "mine.toml"))


SWEEP = {"arm": "KD", "setting": "temperature", "values": [5, 1], "folds": [0]}


@pytest.fixture(scope="module")
def swept_study(tiny_study: Study) -> Study:
    """Two arms, of which one is swept."""
    arms = {arm: tiny_study.arms[arm] for arm in ("L-bound", "KD")}
    return Study(**tiny_study.model_dump() | {"arms": arms, "sweeps": [SWEEP]})


def test_a_sweep_comes_last_with_the_arms_own_value_among_its(
    swept_study: Study, clinics: Clinics
) -> None:
    items = plan(swept_study, clinics)
    assert [(item.arm, item.setting) for item in items[:2]] == [("L-bound", ""), ("KD", "")]
    assert [item.value for item in items[2:]] == [1, 2, 5]
    temperatures = [item.scenario.settings.temperature for item in items[2:]]  # type: ignore[attr-defined]
    assert temperatures == [1, 2, 5]
    assert items[3].scenario == items[1].scenario


def test_the_scores_of_a_sweep_stand_beside_the_studys(
    swept_study: Study, clinics: Clinics, store: Path
) -> None:
    scores = study_scores(run_study(swept_study, Store(store, clinics)))
    plain = study_scores(
        run_study(swept_study.model_copy(update={"sweeps": ()}), Store(store, clinics))
    )
    assert main_scores(scores).drop(columns=SWEPT).equals(plain)
    of_sweep = scores[scores["setting"].eq("temperature")]
    assert set(of_sweep["arm"]) == {"KD"}
    tested = {"target": clinics["singapore"].folds[1], "source": clinics["utrecht"].test}
    for (place, _), rows in of_sweep.groupby(["evaluated_on", "value"]):
        assert set(rows["subject"]) == {subject.id for subject in tested[place]}
    assert sorted(of_sweep.query("evaluated_on == 'source'")["value"].unique()) == [1, 2, 5]


def test_a_sweep_changes_nothing_else_that_is_exported(
    swept_study: Study, clinics: Clinics, store: Path, tmp_path: Path
) -> None:
    place = Store(store, clinics)
    for name, sweeps in (("plain", ()), ("swept", swept_study.sweeps)):
        study = swept_study.model_copy(update={"sweeps": sweeps})
        export_study(study, run_study(study, place), place, tmp_path / name)
    for file in ("teachers.csv", "examples.npz", "clinics.csv"):
        assert (tmp_path / "plain" / file).read_bytes() == (tmp_path / "swept" / file).read_bytes()
    plain, swept = Results(tmp_path / "plain"), Results(tmp_path / "swept")
    pictures, more = ((*r.explored("soft").items(),) for r in (plain, swept))
    for (name, arrays), (same, shown) in zip(pictures, more, strict=True):
        students = {part for part in shown if part.startswith(STUDENT)}
        assert name == same
        assert students == {f"{STUDENT}{value}" for value in (1, 2, 5)}
        assert all(np.array_equal(array, shown[part]) for part, array in arrays.items())
    assert swept.scores[list(plain.scores)].equals(plain.scores)
    assert "setting" not in plain.all_scores
    assert len(swept.all_scores) > len(swept.scores)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"arm": "KDD"}, "did you mean 'KD'"),
        ({"setting": "temprature"}, "did you mean 'temperature'"),
        ({"setting": "answers"}, "sweep a setting that is a number"),
        ({"values": [0]}, "temperature=0"),
    ],
)
def test_a_wrong_sweep_says_what_is_wrong(
    changed: dict[str, Any], said: str, swept_study: Study, clinics: Clinics
) -> None:
    study = Study(**swept_study.model_dump() | {"sweeps": [SWEEP | changed]})
    with pytest.raises(InputError, match=said):
        plan(study, clinics)


def test_an_unknown_arm_as_a_teacher_is_named(clinics: Clinics) -> None:
    demo = load_study("demo")
    arms = demo.arms | {"ADA then KD": {"method": "distillation", "teacher": "ADAA"}}
    with pytest.raises(InputError, match="did you mean 'ADA'"):
        plan(Study(**demo.model_dump() | {"arms": arms}), clinics)


def test_a_scenario_is_called_by_its_arms_label_and_else_by_its_method() -> None:
    demo = load_study("demo")
    arms = demo.model_dump()["arms"] | {"KD": {"method": "distillation", "label": "soft labels"}}
    study = Study(**demo.model_dump() | {"arms": arms})
    pair, where = ("utrecht", "singapore"), {"source": "utrecht", "target": "singapore"}
    assert {n: study.label(arm_scenario(study, n, pair, 0, 3)) for n in study.arms} == {
        n: {"KD": "soft labels", "ADA on the fly": "ADA", "KD on the fly": "soft labels"}.get(n, n)
        for n in study.arms
    }
    fly = study.scenario(method="adversarial", subject="51", **where)
    assert study.label(fly) == "ADA on the fly"
    assert study.label(study.scenario(method="distillation", temperature=7.0, **where)) == (
        "distillation"
    )
    hot = fly.changed(adversarial_weight=0.5)
    assert study.label(hot) == "adversarial on the fly"
    taught = arm_scenario(study, "ADA then KD", pair, 0, 0).changed(temperature=7.0)
    assert study.label(taught) == "distillation from adversarial"
