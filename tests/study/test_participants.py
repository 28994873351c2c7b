"""Who sees what."""

from pathlib import Path

import pytest

from kdlib.data.clinics import Clinic, Clinics, open_clinics
from kdlib.errors import InputError
from kdlib.methods import Method
from kdlib.study.participants import participants
from kdlib.study.scenario import Scenario
from tests.tiny import RECIPE, write_clinics


def scenario(method: str = "distillation", target: str | None = "singapore", **more) -> Scenario:  # type: ignore[no-untyped-def]
    return Scenario(method=method, source="utrecht", target=target, **RECIPE | more)


@pytest.mark.parametrize("method", sorted(Method.named))
@pytest.mark.parametrize("fold", [0, 1])
def test_nobody_is_tested_who_was_learnt_from(method: str, fold: int, clinics: Clinics) -> None:
    people = participants(scenario(method, fold=fold), clinics)
    assert not {*people.labelled, *people.adapted_to} & {*people.tested}


def test_two_folds_test_every_target_subject_once(clinics: Clinics) -> None:
    tested = [s for f in (0, 1) for s in participants(scenario(fold=f), clinics).tested]
    assert sorted(s.id for s in tested) == [s.id for s in clinics["singapore"].training]


@pytest.mark.parametrize("method", sorted(Method.named))
def test_a_method_with_nobody_to_learn_from_is_refused(method: str, clinics: Clinics) -> None:
    kind, (one, *_) = Method.named[method], clinics["singapore"].training
    alone = {**clinics, "singapore": Clinic("singapore", (one,))}
    untaught = {**clinics, "utrecht": Clinic("utrecht", clinics["utrecht"].test)}
    # One subject alone is the first fold. The U-bound has two clinics to learn from.
    cases = [
        (alone, kind.needs_target or method == "fine_tuning",
         "fold 1 of clinic singapore has no subjects to adapt to|the target has 0 to learn from"),
        (untaught, kind.needs_source and not kind.reads_target_labels,
         "clinic utrecht has no training subjects"),
    ]  # fmt: skip
    for people, refused, said in cases:
        here = Clinics(clinics.folder, people)
        if not refused:
            participants(scenario(method, fold=1), here)
            continue
        with pytest.raises(InputError, match=said):
            participants(scenario(method, fold=1), here)


def test_only_the_u_bound_and_fine_tuning_get_target_labels(clinics: Clinics) -> None:
    for method in Method.named:
        labelled = participants(scenario(method), clinics).labelled
        reads = method in ("supervised", "fine_tuning")
        assert ("singapore" in {s.scan.clinic for s in labelled}) == reads


def test_fine_tuning_learns_from_a_few_subjects_that_its_seed_draws(clinics: Clinics) -> None:
    def drawn(subjects: int, seed: int) -> list[str]:
        few = scenario("fine_tuning", subjects=subjects, seed=seed)
        return [s.id for s in participants(few, clinics).labelled]

    fold = [s.id for s in clinics["singapore"].folds[0]]
    assert sorted(drawn(2, 0)) == sorted(fold)
    assert all(drawn(1, seed) == drawn(2, seed)[:1] for seed in range(9))
    assert {drawn(1, seed)[0] for seed in range(9)} == set(fold)
    with pytest.raises(InputError, match="3 labelled subjects: the target has 2 to learn from"):
        drawn(3, 0)


def test_a_method_can_be_given_a_few_scans_that_its_seed_draws(clinics: Clinics) -> None:
    def drawn(**settings: object) -> list[str]:
        people = participants(scenario("mean_teacher", **settings), clinics)
        return [s.id for s in people.adapted_to]

    fold = [s.id for s in clinics["singapore"].folds[0]]
    assert drawn() == fold
    assert {drawn(target_scans=1, seed=seed)[0] for seed in range(9)} == set(fold)
    alone = clinics["singapore"].folds[1][0].id
    assert drawn(target_scans=1, subject=alone) == [alone]
    with pytest.raises(InputError, match="3 unlabelled subjects: the target has 2"):
        drawn(target_scans=3)


def test_a_source_free_method_gets_no_labelled_scan(clinics: Clinics) -> None:
    for method, kind in Method.named.items():
        assert bool(participants(scenario(method), clinics).labelled) == kind.needs_source


def test_more_training_on_the_source_sees_nothing_of_the_target_that_tests_it(
    clinics: Clinics,
) -> None:
    people = participants(scenario("continued"), clinics)
    assert (people.labelled, people.adapted_to) == (clinics["utrecht"].training, ())
    assert people.tested == clinics["singapore"].folds[1]


def test_a_curve_is_measured_on_at_most_three_test_subjects_of_the_source(tmp_path: Path) -> None:
    clinics = open_clinics(write_clinics(tmp_path))
    for name in "012":
        (tmp_path / "training/Utrecht" / name).rename(tmp_path / f"test/Utrecht/1{name}")
    many = open_clinics(tmp_path)
    held_out = [participants(scenario(), found).held_out for found in (clinics, many)]
    assert [[s.id for s in subjects] for subjects in held_out] == [["4"], ["10", "11", "12"]]
    assert all(s.split == "test" for s in held_out[1])
    (tmp_path / "training/Utrecht/3").rename(tmp_path / "test/Utrecht/13")
    (tmp_path / "training/Utrecht").rmdir()
    (tmp_path / "test/Utrecht").rename(tmp_path / "training/Utrecht")
    assert participants(scenario(), open_clinics(tmp_path)).held_out == ()
    assert participants(scenario("adabn"), many).held_out == ()


def test_a_teacher_is_tested_on_its_own_clinics_test_subjects(clinics: Clinics) -> None:
    people = participants(scenario("supervised", target=None), clinics)
    assert people.tested == clinics["utrecht"].test


def test_only_networks_adapted_to_a_whole_target_are_tested_at_home(clinics: Clinics) -> None:
    for method in ("supervised", "distillation", "adversarial", "adabn"):
        assert participants(scenario(method), clinics).at_home == clinics["utrecht"].test
    subject = clinics["singapore"].folds[1][0].id
    for alone in (scenario("unadapted"), scenario(subject=subject), scenario("supervised", None)):
        assert participants(alone, clinics).at_home == ()


def test_on_the_fly_adapts_to_the_one_tested_scan(clinics: Clinics) -> None:
    subject = clinics["singapore"].folds[1][0].id
    people = participants(scenario(subject=subject), clinics)
    assert [s.id for s in people.adapted_to] == [s.id for s in people.tested] == [subject]
    with pytest.raises(InputError, match="not tested in fold 1"):
        participants(scenario(subject=subject, fold=1), clinics)


def test_without_a_fold_all_the_target_is_adapted_to_and_tested(clinics: Clinics) -> None:
    people = participants(scenario(fold=None), clinics)
    assert people.adapted_to == people.tested == clinics["singapore"].training


def test_a_teacher_is_not_tested_on_its_own_training_scans(clinics: Clinics) -> None:
    kept = Clinic("utrecht", clinics["utrecht"].training)
    here = Clinics(clinics.folder, {"utrecht": kept, "singapore": clinics["singapore"]})
    teacher = participants(scenario().teacher, here)
    assert teacher.labelled == kept.training
    assert teacher.tested == ()
    assert participants(scenario(), here).at_home == ()
