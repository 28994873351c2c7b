"""Scans that may be of one patient are told, if nothing says whose they are."""

from pathlib import Path

import pytest

from kdlib.data.clinics import open_clinics
from kdlib.data.namesakes import namesakes
from kdlib.data.subjects import Scan, Subject
from tests.command import kdlib
from tests.patients import write_plain


def alike(names: str, *, by_time: bool = True) -> list[tuple[str, str]]:
    scans = (Scan("own", name, Path("FLAIR.nii.gz"), None) for name in names.split())
    subjects = [Subject(scan, None, "training", (), patient=scan.subject) for scan in scans]
    return namesakes(subjects, by_time=by_time)


ONE = (
    "anna Anna", "p07 P7", "p1-2 p1_02", "P1-01 P1-02", "P1_1 P1_2 P1_3", "P1 P1-02", "P1_b P1_a",
    "7_20200101 7_20210502", "P1-2020-01-03 P1-2021-01-03", "P1_baseline P1_followup2",
    "P1_m0 P1-M12", "anna_2019 anna_2023 anna_2021",
)  # fmt: skip
SEVERAL = (
    "case-01 case-02 case-03", "anna bert", "P1 P2 P10", "1 2 10", "sub-01 sub-02", "anna_b bert_b",
    "site_a_1 site_a_2", "20200101 20200102", "P1-01 P2-02", "50 500",
)  # fmt: skip


@pytest.mark.parametrize("names", ONE)
def test_names_that_may_be_of_one_patient(names: str) -> None:
    assert alike(names) == [tuple(names.split()[:2])]


@pytest.mark.parametrize("names", SEVERAL)
def test_names_that_count_patients(names: str) -> None:
    assert not alike(names)


def test_a_table_of_patients_is_believed_but_for_its_capitals() -> None:
    assert not alike("P1-01 P1-02", by_time=False)
    assert alike("Anna anna", by_time=False) == [("Anna", "anna")]


def test_check_names_the_pair_and_the_remedy(tmp_path: Path) -> None:
    folder = write_plain(tmp_path, "P1-01", "P1-02", "P2-01", "P2-02")
    done = kdlib("check", folder)
    said = " ".join(done.out.split())
    assert done.status == 0
    assert "P1-01 and P1-02 (and 1 more such names) count as two patients" in said
    assert "the column patient of participants.tsv" in said
    rows = [f"{name}\t{name[:2]}" for name in ("P1-01", "P1-02", "P2-01", "P2-02")]
    (folder / "participants.tsv").write_text("\n".join(["participant_id\tpatient", *rows]))
    assert "count as two patients" not in kdlib("check", folder).out
    first, second = ({s.patient for s in fold} for fold in open_clinics(folder)["own"].folds)
    assert not first & second
