"""Laws of a study."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kdlib.data.clinics import Clinics
from kdlib.errors import InputError
from kdlib.evidence.comparisons import main_scores
from kdlib.record.explorers import STUDENT
from kdlib.record.export import export_study
from kdlib.record.results import Results
from kdlib.report.tables import results_table
from kdlib.study.plan import SWEPT, plan, run_study, study_curves, study_findings, study_scores
from kdlib.study.store import Store
from kdlib.study.study import Study, arm_scenario, load_study
from tests.tiny import RECIPE


@pytest.fixture(scope="module")
def tiny_study() -> Study:
    """The demo's arms on the tiny clinics."""
    demo = load_study("demo")
    return Study(**demo.model_dump() | {"recipe": RECIPE, "on_the_fly_subjects": 1})


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
