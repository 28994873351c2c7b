"""Laws of the summary of clinics."""

from pathlib import Path

from kdlib.data.clinics import open_clinics
from kdlib.record.clinic_summary import clinic_summary
from tests.tiny import write_clinics


def test_a_clinic_without_any_label_is_passed_over(tmp_path: Path) -> None:
    folder = write_clinics(tmp_path, 1)
    for label in folder.glob("*/Singapore/*/wmh.nii.gz"):
        label.unlink()
    table, arrays = clinic_summary(open_clinics(folder))
    assert set(table.clinic) == {"utrecht"}
    assert {key.owner[0] for key in arrays if key.owner} == {"utrecht"}
