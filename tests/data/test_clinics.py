"""Laws of the loader."""

import shutil
from pathlib import Path

import pytest

from kdlib.data.clinics import Clinics, LabelledScan, Scan, open_clinics
from kdlib.errors import InputError
from tests.tiny import write_clinics


def test_the_challenges_folders_become_clinics(clinics: Clinics) -> None:
    assert list(clinics) == ["utrecht", "singapore"]
    assert [s.id for s in clinics["utrecht"].training] == ["0", "1", "2", "3"]
    assert [s.id for s in clinics["singapore"].test] == ["54"]


def test_the_2017_layout_is_read_too(tmp_path: Path) -> None:
    write_clinics(tmp_path / "new")
    shutil.move(tmp_path / "new" / "training", tmp_path / "old")
    assert next(s.id for s in open_clinics(tmp_path / "old")["singapore"].studied) == "50"


def test_a_scan_has_no_label_to_read(clinics: Clinics) -> None:
    subject = clinics["utrecht"].training[0]
    assert not [name for name in vars(subject.scan) if "label" in name]
    assert isinstance(subject.labelled, LabelledScan)
    assert not issubclass(LabelledScan, Scan)


def test_no_subject_is_in_two_folds(clinics: Clinics) -> None:
    first, second = clinics["singapore"].folds
    assert not {s.id for s in first} & {s.id for s in second}
    assert {*first, *second} == set(clinics["singapore"].training)
    assert len(first) == len(second)


def test_folds_have_like_lesion_volumes(clinics: Clinics) -> None:
    volumes = sorted(s.lesion_ml for s in clinics["singapore"].training)
    first, second = (sum(s.lesion_ml for s in fold) for fold in clinics["singapore"].folds)
    assert abs(first - second) <= volumes[-1] - volumes[0]


def test_pooled_clinics_hold_every_subject(clinics: Clinics) -> None:
    pooled = clinics["utrecht+singapore"]
    assert len(pooled.subjects) == 10
    assert {s.scan.clinic for s in pooled.subjects} == {"utrecht", "singapore"}


def test_the_fingerprint_follows_every_byte(tmp_path: Path) -> None:
    folder = write_clinics(tmp_path)
    before = open_clinics(folder)["utrecht"].fingerprint
    assert open_clinics(folder)["utrecht"].fingerprint == before
    label = folder / "training/Utrecht/0/wmh.nii.gz"
    label.write_bytes(label.read_bytes() + b"\x00")
    assert open_clinics(folder)["utrecht"].fingerprint != before


def test_a_folder_without_scans_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="training/Utrecht"):
        open_clinics(tmp_path)


def test_an_unknown_clinic_or_subject_names_those_there_are(clinics: Clinics) -> None:
    with pytest.raises(InputError, match="utrecht, singapore"):
        clinics["paris"]
    with pytest.raises(InputError, match="0, 1, 2, 3, 4"):
        clinics["utrecht"].subject("99")


def test_a_missing_label_or_t1_is_named(tmp_path: Path) -> None:
    folder = write_clinics(tmp_path)
    (folder / "training/Utrecht/0/wmh.nii.gz").unlink()
    (folder / "training/Utrecht/0/pre/T1.nii.gz").unlink()
    subject = open_clinics(folder)["utrecht"].subject("0")
    with pytest.raises(InputError, match=r"wmh\.nii\.gz"):
        _ = subject.labelled
    with pytest.raises(InputError, match="T1"):
        subject.scan.read("flair+t1")
