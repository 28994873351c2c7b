"""Laws of a scenario."""

import pickle
import subprocess
import sys
from typing import Any

import pytest

from kdlib.errors import InputError
from kdlib.study.scenario import Scenario
from tests.methods.pseudo_labels import PseudoLabels

KD: dict[str, Any] = {"method": "distillation", "source": "utrecht", "target": "singapore"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"temprature": 2}, "did you mean 'temperature'"),
        ({"temperature": 0}, "temperature=0"),
        ({"temperature": float("nan")}, "temperature=nan"),
        ({"method": "destillation"}, "did you mean 'distillation'"),
        ({"target": "utrecht"}, "name 'utrecht' twice; name each clinic once"),
        ({"target": "singapore+utrecht"}, "name 'utrecht' twice"),
        ({"target": "singapore+singapore"}, "name 'singapore' twice"),
        ({"source": "utrecht+utrecht"}, "name 'utrecht' twice"),
        ({"target": None}, "needs a target; name a clinic"),
        ({"adversarial_weight": 1}, "unknown setting of distillation"),
        ({"size": (97, 112)}, "multiples of 8"),
        ({"fold": 2}, "fold=2"),
        ({"steps": 0}, "steps=0"),
        ({"method": "supervised", "subject": "50"}, "give it no subject"),
        ({"method": "continued", "subject": "50"}, "give it no subject"),
        ({"true_labels": 0.5, "scans": "target"}, "true_labels are those of the source"),
    ],
)
def test_what_has_no_meaning_is_refused_in_one_line(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        Scenario(**KD | wrong)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_kd_names_a_supervised_teacher_of_its_source() -> None:
    teacher = Scenario(**KD, width=8, seed=3).teacher
    assert teacher == Scenario(method="supervised", source="utrecht", width=8, seed=3)


def test_students_of_any_temperature_target_and_fold_share_their_teacher() -> None:
    others = [{"temperature": 9.0}, {"target": "amsterdam"}, {"fold": 1}, {"start": "teacher"}]
    assert len({Scenario(**KD | other).teacher for other in others}) == 1


def test_a_scenario_survives_json() -> None:
    ada = Scenario(**KD | {"method": "adversarial"}, voxel_mm=(2, 2, 3))
    scenario = Scenario(**KD, temperature=4, teacher=ada, voxel_mm=(2, 2, 3))
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario


def test_a_changed_scenario_can_have_another_setting_of_its_method() -> None:
    changed = Scenario(**KD, answers="hard").changed(temperature=3.0)
    assert changed == Scenario(**KD, answers="hard", temperature=3.0)


def test_another_process_learns_a_users_method_with_its_scenario() -> None:
    teacher = Scenario(**KD | {"method": PseudoLabels.name}, pseudo_weight=0.5)
    scenario = Scenario(**KD, teacher=teacher)
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer).model_dump_json())"
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(scenario), capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == scenario.model_dump_json()


def test_a_scenario_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Scenario(**KD).seed = 1  # type: ignore[misc]


@pytest.mark.parametrize("change", [{"temperature": 3}, {"seed": 1}, {"fold": 1}, {"width": 16}])
def test_whatever_changes_the_numbers_changes_the_digest(change: dict[str, Any]) -> None:
    assert Scenario(**KD).digest("data") != Scenario(**KD | change).digest("data")
    assert Scenario(**KD).digest("data") != Scenario(**KD).digest("other data")


def test_on_the_fly_starts_from_the_teacher_and_pooled_from_scratch() -> None:
    assert not Scenario(**KD).starts_from_teacher
    assert Scenario(**KD, subject="50").starts_from_teacher
    assert Scenario(**KD, subject="50", on_the_fly_steps=7).updates == 7


@pytest.mark.parametrize("other", [{"width": 8}, {"voxel_mm": (2, 2, 3)}, {"source": "amsterdam"}])
def test_a_teacher_that_does_not_fit_its_student_is_refused(other: dict[str, Any]) -> None:
    teacher = Scenario(**{"method": "supervised", "source": "utrecht"} | other)
    with pytest.raises(InputError, match="its teacher has"):
        Scenario(**KD, teacher=teacher)


def taught_by(method: str, **other: Any) -> Scenario:
    return Scenario(**KD, teacher=Scenario(**KD | {"method": method} | other))


@pytest.mark.parametrize(
    "other", [{"fold": 1}, {"fold": None}, {"target": "amsterdam"}, {"subject": "50"}]
)
def test_a_teacher_that_met_the_scans_of_the_test_is_refused(other: dict[str, Any]) -> None:
    assert taught_by("adversarial").teacher is not None
    for method in ("adversarial", "distillation"):
        with pytest.raises(InputError, match=f"its teacher has {next(iter(other))}=.*equal"):
            taught_by(method, **other)


def test_what_the_teachers_teacher_met_counts_too() -> None:
    first = Scenario(**KD | {"method": "adversarial", "fold": 1})
    for second in ({}, {"target": None}):
        with pytest.raises(InputError, match="its teacher has"):
            Scenario(**KD | {"method": "continued"} | second, teacher=first)


def test_a_student_on_the_fly_may_have_a_teacher_of_its_fold_or_of_its_scan() -> None:
    alone = {"subject": "50"}
    for met in ({}, alone):
        teacher = Scenario(**KD | {"method": "adversarial"} | met)
        assert Scenario(**KD | alone, teacher=teacher).teacher == teacher


@pytest.mark.parametrize("method", ["supervised", "fine_tuning"])
def test_a_teacher_that_read_labels_of_the_target_is_refused(method: str) -> None:
    with pytest.raises(InputError, match=f"method='{method}', which reads labels of the target"):
        taught_by(method)
