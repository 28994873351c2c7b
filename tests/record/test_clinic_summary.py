"""Laws of the summary of clinics."""

from pathlib import Path

from kdlib.data.clinics import open_clinics
from kdlib.record.clinic_summary import clinic_summary
from kdlib.record.results import Results
from tests.patients import write_plain
from tests.tiny import write_clinics


def test_a_clinic_without_any_label_is_passed_over(tmp_path: Path) -> None:
    folder = write_clinics(tmp_path, 1)
    for label in folder.glob("*/Singapore/*/wmh.nii.gz"):
        label.unlink()
    table, arrays = clinic_summary(open_clinics(folder))
    assert set(table.clinic) == {"utrecht"}
    assert {key.owner[0] for key in arrays if key.owner} == {"utrecht"}


def test_results_know_who_has_several_scans(tmp_path: Path) -> None:
    write_plain(tmp_path / "own", "001", "002", "003")
    rows = "001\t07\n002\t7\n003\t07\n"
    (tmp_path / "own" / "participants.tsv").write_text("participant_id\tpatient\n" + rows)
    table, _ = clinic_summary(open_clinics(tmp_path / "own"))
    table.to_csv(tmp_path / "clinics.csv", index=False)
    (tmp_path / "scores.csv").write_text("source,target,subject\nutrecht,own,001\n")
    assert Results(tmp_path).patients == {("own", "001"): "07", ("own", "003"): "07"}
