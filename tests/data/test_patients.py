"""Laws of patients: nobody is learnt from and tested on, in whatever way the scans are named."""

from pathlib import Path

import pytest

from kdlib.data.clinics import Clinic, open_clinics
from kdlib.errors import DoubtWarning, InputError
from tests.patients import write_bids, write_plain
from tests.tiny import write_clinics


def own(folder: Path) -> Clinic:
    return open_clinics(folder)["own"]


def halves(clinic: Clinic) -> list[set[str]]:
    return [{subject.patient for subject in fold} for fold in clinic.folds]


def table(folder: Path, *rows: str, head: str = "participant_id\tage\tpatient") -> Path:
    (folder / "participants.tsv").write_text("\n".join([head, *rows]) + "\n", "utf-8")
    return folder


def sessions(folder: Path, people: int) -> Path:
    """Two sessions of each person, as BIDS."""
    write_bids(folder, *map(str, range(people)))
    for person in range(people):
        for file in sorted(folder.rglob(f"sub-{person}_ses-1_*")):
            other = Path(str(file).replace("ses-1", "ses-2"))
            other.parent.mkdir(parents=True, exist_ok=True)
            other.write_bytes(file.read_bytes())
    return folder


def test_sessions_of_a_person_fall_into_one_half(tmp_path: Path) -> None:
    clinic = own(sessions(tmp_path, 4))
    assert len(clinic.subjects) == 8
    first, second = halves(clinic)
    assert not first & second
    assert first | second == {"sub-0", "sub-1", "sub-2", "sub-3"}
    assert [len(fold) for fold in clinic.folds] == [4, 4]


NAMES = [
    "P1_ses-1 P1_ses-2 P2_ses-1 P2_ses-2", "sub-1_run-1 sub-1_run-2", "P1_SES-1 P1_ses2 P2 P3",
    "P1_visit1 P1-Visit-2 P1 P2 P3", "P1_tp1 P1_tp2 P2_session_1 P2_session_2 P2 P3",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_sessions_and_runs_in_the_names_of_plain_folders_count(tmp_path: Path, name: str) -> None:
    first, second = halves(own(write_plain(tmp_path, *name.split())))
    assert not first & second


def test_a_table_can_say_whose_scans_they_are(tmp_path: Path) -> None:
    write_plain(tmp_path, "a", "b", "c", "d")
    table(tmp_path, "a\t50\tAnna", "b\t51\tBert", "c\t52\tAnna", "d\t53\tn/a")
    clinic = own(tmp_path)
    assert [subject.patient for subject in clinic.subjects] == ["Anna", "Bert", "Anna", "d"]
    first, second = halves(clinic)
    assert not first & second


WRITTEN = {
    "with a mark": b"\xef\xbb\xbfparticipant_id\tpatient\r\na\tAnna\r\nb\tAnna\r\n",
    "with quotes": b'"participant_id"\t"patient"\n"a"\t"Anna"\n"b"\t"Anna"',
    "with a capital": b"participant_id\tPatient\na\tAnna\nb\tAnna\n",
    "with spaces": b" participant_id \t patient\n a\tAnna \nb \t Anna\n",
    "after an empty line": b"\nparticipant_id\tpatient\n\na\tAnna\nb\tAnna\n",
    "with the lines of an old Mac": b"participant_id\tpatient\ra\tAnna\rb\tAnna\r",
    "with one row twice": b"participant_id\tpatient\na\tAnna\na\tAnna\nb\tAnna\n",
}


@pytest.mark.parametrize("case", WRITTEN)
def test_a_table_is_read_however_a_program_wrote_it(tmp_path: Path, case: str) -> None:
    (write_plain(tmp_path, "a", "b") / "participants.tsv").write_bytes(WRITTEN[case])
    assert [subject.patient for subject in own(tmp_path).subjects] == ["Anna", "Anna"]


def test_a_table_whose_name_has_capitals_is_read(tmp_path: Path) -> None:
    write_plain(tmp_path, "a", "b")
    (tmp_path / "Participants.TSV").write_text("participant_id\tpatient\na\tAnna\nb\tAnna\n")
    assert {subject.patient for subject in own(tmp_path).subjects} == {"Anna"}
    (tmp_path / "Participants.TSV").write_text("participant_id\tpatient\na\tAnna\n")
    with pytest.raises(InputError, match=r"Participants.TSV: .*no row for b"):
        own(tmp_path)


UNREAD = {
    "participants.csv": b"participant_id,patient\na,Anna\nb,Anna\n",
    "Participants.txt": "participant_id\tPatient\na\tAnna\nb\tAnna\n".encode("utf-16"),
}


@pytest.mark.parametrize("name", UNREAD)
def test_a_table_in_another_format_is_not_passed_over(tmp_path: Path, name: str) -> None:
    (write_plain(tmp_path, "a", "b") / name).write_bytes(UNREAD[name])
    with pytest.raises(InputError, match=rf"{name}: .*save it as participants.tsv") as caught:
        own(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_spreadsheet_of_participants_is_told(tmp_path: Path) -> None:
    (write_plain(tmp_path, "a", "b") / "participants.xlsx").write_bytes(b"PK")
    with pytest.warns(DoubtWarning, match=r"participants.xlsx: this table is not read; .*patient"):
        own(tmp_path)


def test_a_table_in_another_format_without_need_changes_nothing(tmp_path: Path) -> None:
    before = own(write_plain(tmp_path, "a", "b"))
    (tmp_path / "participants.csv").write_text("participant_id,age\na,60\n")
    assert own(tmp_path) == before
    table(tmp_path, "a\t\tAnna", "b\t\tAnna")
    (tmp_path / "participants.csv").write_text("participant_id,patient\na,Bert\n")
    assert {subject.patient for subject in own(tmp_path).subjects} == {"Anna"}


def test_a_letter_that_unicode_can_write_in_two_ways_is_one(tmp_path: Path) -> None:
    write_plain(tmp_path, "J\u00fcrgen", "b")
    table(tmp_path, "Ju\u0308rgen\t\tRu\u0308dt", "b\t\tR\u00fcdt")
    assert {subject.patient for subject in own(tmp_path).subjects} == {"R\u00fcdt"}


def test_a_table_that_was_not_fetched_is_one_line(tmp_path: Path) -> None:
    write_plain(tmp_path, "a", "b")
    (tmp_path / "participants.tsv").symlink_to(".git/annex/objects/gone.tsv")
    with pytest.raises(InputError, match=r"participants.tsv: this is a link; .*datalad get"):
        open_clinics(tmp_path)


def test_a_table_of_bids_names_people_with_or_without_sub(tmp_path: Path) -> None:
    table(write_bids(tmp_path, "1", "2"), "sub-1\t50\tX", "2\t60\tX")
    assert {subject.patient for subject in own(tmp_path).subjects} == {"X"}


def test_a_table_without_patients_changes_nothing(tmp_path: Path) -> None:
    before = own(write_plain(tmp_path, "a", "b"))
    after = own(table(tmp_path, "x\t3", head="participant_id\tage"))
    assert after == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"participant_id\tpatient\na\tX\n", "no row for b"),
        (b"name\tpatient\na\tX\n", "no column participant_id"),
        ("participant_id\tpatient\nä\tX\n".encode("utf-16"), "cannot be read"),
        (b"participant_id,patient\na,X\nb,X\n", "with tabs between the columns"),
        (b"participant_id;patient\na;X\nb;X\n", "with tabs between the columns"),
        (b"participant_id  patient\na  X\nb  X\n", "with tabs between the columns"),
        (b"participant_id\tpatient\na\tX\na\tY\nb\tX\n", "a has two rows with different pat"),
        (b"age\tparticipant_id\tpatient\n9\ta\tX\n9\tb\tX\n9\n", "has no participant_id"),
        (b'participant_id\tpatient\na\t"X\nb\tX\n', "no row for b"),
        (b"/annex/objects/MD5E-s1--0.tsv\n", "only a pointer to a file; .*datalad get"),
    ],
)
def test_a_wrong_table_is_one_line(tmp_path: Path, text: bytes, said: str) -> None:
    (write_plain(tmp_path, "a", "b") / "participants.tsv").write_bytes(text)
    with pytest.raises(InputError, match=said) as caught:
        open_clinics(tmp_path)
    assert "participants.tsv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nobody_is_in_training_and_in_test(tmp_path: Path) -> None:
    write_clinics(tmp_path, subjects=2)
    rows = [f"{n}\t\t{'X' if n in (1, 2) else n}" for n in (0, 1, 2, 50, 51, 52)]
    (fault,) = open_clinics(table(tmp_path, *rows))["utrecht"].subject("2").faults
    assert "patient X is in the training set too" in fault


def test_the_name_of_a_run_depends_on_the_patients(tmp_path: Path) -> None:
    write_plain(tmp_path, "a", "b", "c")
    alone = own(tmp_path).fingerprint
    table(tmp_path, "a\t\tA", "b\t\tB", "c\t\tC")
    assert own(tmp_path).fingerprint == alone
    table(tmp_path, "a\t\tA", "b\t\tB", "c\t\tA")
    assert own(tmp_path).fingerprint != alone


def test_scans_of_as_many_patients_are_dealt_out_as_before(tmp_path: Path) -> None:
    """One scan of each patient: ordered by lesion volume, then A B B A A B B A."""
    clinic = open_clinics(write_clinics(tmp_path))["singapore"]
    ordered = [s.id for s in sorted(clinic.studied, key=lambda s: (s.lesion_ml, s.id))]
    first, second = ([s.id for s in fold] for fold in clinic.folds)
    assert first == [ordered[0], ordered[3]]
    assert second == [ordered[1], ordered[2]]
