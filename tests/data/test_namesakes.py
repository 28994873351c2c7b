"""Scans that may be of one patient are told, if nothing says whose they are."""

from pathlib import Path

import pytest

from kdlib.data.clinics import open_clinics
from kdlib.data.namesakes import namesakes, refuse_one_file
from kdlib.data.subjects import Scan, Subject
from kdlib.errors import DoubtWarning, InputError
from tests.command import kdlib
from tests.patients import write_bids, write_plain


def alike(names: str, *, by_time: bool = True) -> list[tuple[str, str]]:
    scans = (Scan("own", name, Path("FLAIR.nii.gz"), None) for name in names.split())
    subjects = [Subject(scan, None, "training", (), patient=scan.subject) for scan in scans]
    return namesakes(subjects, by_time=by_time)


ONE = (
    "anna Anna", "p07 P7", "p1-2 p1_02", "P1-01 P1-02", "P1_1 P1_2 P1_3", "P1 P1-02", "P1_b P1_a",
    "7_20200101 7_20210502", "P1-2020-01-03 P1-2021-01-03", "P1_baseline P1_followup2",
    "P1_m0 P1-M12", "anna_2019 anna_2023 anna_2021", "J\u00fcrgen ju\u0308rgen",
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


TWO_FOLDERS = [("Anna", "anna"), ("p07", "P7"), ("P1-01", "P1-02"), ("J\u00fcrgen", "Ju\u0308rgen")]


@pytest.mark.parametrize(("one", "other"), TWO_FOLDERS)
def test_names_that_may_be_of_one_patient_are_told_of_two_folders_too(
    tmp_path: Path, one: str, other: str
) -> None:
    write_plain(tmp_path / "a", one, "bert")
    write_plain(tmp_path / "b", other, "carl", first=2)
    said = rf"b: there is a patient called {other}, and one called {one} in .*a; if it is one"
    with pytest.warns(DoubtWarning, match=said):
        open_clinics(tmp_path / "a", f"{tmp_path / 'b'}:other")


def test_counted_patients_of_two_folders_are_no_namesakes(tmp_path: Path) -> None:
    write_plain(tmp_path / "a", "Sub-01", "2")
    write_plain(tmp_path / "b", "sub-1", "02", first=2)
    open_clinics(tmp_path / "a", f"{tmp_path / 'b'}:other")  # a warning would be an error here


def test_tables_of_two_folders_are_believed_but_for_their_capitals(tmp_path: Path) -> None:
    for folder, name, first in (("a", "Anna", 0), ("b", "ANNA", 2)):
        write_plain(tmp_path / folder, "1", first=first)
        table = f"participant_id\tpatient\n1\t{name}\n"
        (tmp_path / folder / "participants.tsv").write_text(table)
    with pytest.warns(DoubtWarning, match="called ANNA, and one called Anna in"):
        open_clinics(tmp_path / "a", f"{tmp_path / 'b'}:other")


def test_clinics_whose_names_differ_in_capitals_are_refused(tmp_path: Path) -> None:
    write_plain(tmp_path / "a", "anna")
    write_plain(tmp_path / "b", "bert", first=2)
    with pytest.raises(InputError, match=r"clinic 'Paris', and .*a has a clinic 'paris'; give it"):
        open_clinics(f"{tmp_path / 'a'}:paris", f"{tmp_path / 'b'}:Paris")


def test_names_of_one_file_are_refused_with_the_remedy() -> None:
    refuse_one_file(["anna", "bert", "anna2"], "rename one")
    with pytest.raises(InputError, match=r"Anna and anna: these names differ so little .*; rename"):
        refuse_one_file(["Anna", "bert", "anna"], "rename one")


@pytest.mark.parametrize("command", ["predict", "adapt", "strip", "bids"])
def test_no_result_is_written_over_that_of_a_name_with_other_capitals(
    tmp_path: Path, command: str
) -> None:
    out = tmp_path / "out"
    if command == "bids":
        call = ("bids", write_bids(tmp_path / "a", "anna", "Anna"), out, "participant")
    elif command == "predict":
        places = write_plain(tmp_path / "a", "Anna"), write_plain(tmp_path / "b", "anna", first=1)
        call = ("predict", *places, "--out", out)
    else:
        scans = write_plain(tmp_path / "a", "Anna", "anna")
        call = ("adapt", "--target", scans, "--out", out) if command == "adapt" else (
            "strip", scans, out
        )  # fmt: skip
    done = kdlib(*call)
    assert done.status == 2, done.err
    assert "differ so little that some disks take them for one; " in done.err.splitlines()[-1]
    assert not out.exists()
