"""Laws of two clinics of one folder: nobody is learnt from in one and tested on in the other."""

import shutil
import warnings
from pathlib import Path

import pytest

from kdlib.data.clinics import Clinics, open_clinics
from kdlib.errors import DoubtWarning, InputError
from kdlib.study.scenario import Scenario
from kdlib.study.store import Store
from tests.command import kdlib
from tests.tiny import RECIPE, write_clinics

PAIR = ("utrecht", "singapore")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Utrecht has the subjects 0, 1 and 2, and Singapore has 50, 51 and 52. The last is a test."""
    return write_clinics(tmp_path / "clinics", subjects=2)


def rename(folder: Path, old: str, new: str) -> None:
    (home,) = folder.glob(f"training/*/{old}")
    home.rename(home.parent / new)


def name_patients(folder: Path, **patients: str) -> None:
    """A table in which each subject is a patient of its own, but for these."""
    rows = [f"{n}\t{patients.get(f's{n}', f'person {n}')}\n" for n in (0, 1, 2, 50, 51, 52)]
    (folder / "participants.tsv").write_text("participant_id\tpatient\n" + "".join(rows))


def clinics_apart(folder: Path) -> Clinics:
    clinics = open_clinics(folder)
    clinics.check_apart(*PAIR)
    return clinics


def test_a_patient_whom_the_table_puts_into_both_is_refused(folder: Path) -> None:
    name_patients(folder, s1="Anna", s50="Anna")
    said = r"clinics \(singapore\): there is the patient Anna in .*clinics \(utrecht\) too; remove"
    with pytest.raises(InputError, match=said):
        clinics_apart(folder)
    name_patients(folder, s0="Anna", s1="Anna", s50="Bert")
    clinics_apart(folder)


def test_one_scan_in_both_is_refused(folder: Path) -> None:
    shutil.copy(
        folder / "training/Utrecht/1/pre/FLAIR.nii.gz",
        folder / "test/Singapore/52/pre/FLAIR.nii.gz",
    )
    with pytest.raises(InputError, match=r"52.*is the same scan as .*1.*\(utrecht\); remove it"):
        clinics_apart(folder)


@pytest.mark.parametrize("names", [("anna", "anna"), ("sub-anna_ses-1", "sub-anna_ses-2")])
def test_names_that_tell_a_person_are_a_doubt_told_once(
    folder: Path, names: tuple[str, str]
) -> None:
    for old, new in zip(("0", "50"), names, strict=True):
        rename(folder, old, new)
    with pytest.warns(DoubtWarning, match=r"a patient called (sub-)?anna in .*\(utrecht\) too"):
        clinics = clinics_apart(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clinics.check_apart(*PAIR)


def test_numbers_say_nothing(folder: Path) -> None:
    rename(folder, "50", "0")
    clinics_apart(folder)  # a warning would be an error here


def test_pooled_clinics_are_compared_one_by_one(folder: Path) -> None:
    name_patients(folder, s1="Anna", s50="Anna")
    with pytest.raises(InputError, match="the patient Anna"):
        open_clinics(folder).check_apart("utrecht+singapore", "singapore")


def test_a_run_and_a_study_refuse_them_before_anything_is_trained(
    folder: Path, tmp_path: Path
) -> None:
    name_patients(folder, s1="Anna", s50="Anna")
    scenario = Scenario(method="adabn", source=PAIR[0], target=PAIR[1], **RECIPE)
    with pytest.raises(InputError, match="the patient Anna"):
        Store(tmp_path / "runs", open_clinics(folder), "cpu").run(scenario)
    places = ("--data", folder, "--store", tmp_path / "runs", "--device", "cpu")
    for words in (
        ("run", "--method", "adabn", "--source", PAIR[0], "--target", PAIR[1]),
        ("study", "demo"),
    ):
        said = kdlib(*words, *places)
        assert (said.status, "the patient Anna" in said.err) == (2, True)
    assert not list((tmp_path / "runs").glob("*/scenario.json"))
