"""Laws of what is found before anything is adapted: who takes part, and who cannot."""

import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from kdlib.data.clinics import Clinics
from kdlib.errors import DoubtWarning, InputError
from kdlib.own_scans.adapt import plan_adaptation, scans_at
from tests.patients import write_bids, write_plain
from tests.tiny import RECIPE

NAMES = ("p1", "p2")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scans of a scanner of their own."""
    return write_plain(tmp_path_factory.mktemp("own"), *NAMES)


def test_a_scan_without_a_slice_to_learn_from_is_said_or_left_out(
    clinics: Clinics, target: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(target, tmp_path / "own")
    array = np.random.default_rng(0).normal(100, 20, (4, 3, 3)).astype(np.float32)
    (folder / "tiny").mkdir()
    nib.save(nib.Nifti1Image(array, np.diag([4, 4, 6, 1])), folder / "tiny/FLAIR.nii")
    settings = {name: RECIPE[name] for name in ("size", "width", "depth")} | {"voxel_mm": None}
    with pytest.raises(InputError, match=r"  tiny/FLAIR\.nii: there is nothing to learn from"):
        plan_adaptation(clinics.folder, folder, settings=settings)
    plan = plan_adaptation(clinics.folder, folder, settings=settings, skip_bad=True)
    assert [finding.subject for finding in plan.left_out] == ["tiny"]
    assert "tiny" not in [subject.id for subject in plan.subjects]


def test_a_source_without_masks_is_refused(clinics: Clinics, target: Path, tmp_path: Path) -> None:
    source = write_plain(tmp_path / "source", "a", mask=False, first=7)
    with pytest.raises(InputError, match="a: there is no mask"):
        plan_adaptation(source, target)
    with pytest.raises(InputError, match="did you mean 'steps'"):
        plan_adaptation(clinics.folder, target, settings={"step": 3})


def test_a_target_that_is_in_the_source_is_refused(clinics: Clinics, target: Path) -> None:
    for source, part in ((target, target), (clinics.folder, clinics.folder / "training/Singapore")):
        with pytest.raises(InputError, match="are in the source too"):
            plan_adaptation(source, part)


def test_a_patient_of_the_source_is_refused_as_a_target(target: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(target / "p1", tmp_path / "source/renamed")
    with pytest.raises(InputError, match=r"p1.*is the same scan as renamed"):
        plan_adaptation(copied.parent, target)
    sessions = {"first": "anna_ses-1", "later": "anna_ses-2"}
    for number, (folder, name) in enumerate(sessions.items()):
        write_plain(tmp_path / folder, name, first=number)
    with pytest.warns(DoubtWarning, match="a patient called anna"):
        plan_adaptation(tmp_path / "first", tmp_path / "later")
    for folder, name in sessions.items():
        table = f"participant_id\tpatient\n{name}\tX1\n"
        (tmp_path / folder / "participants.tsv").write_text(table)
    with pytest.raises(InputError, match="there is the patient X1"):
        plan_adaptation(tmp_path / "first", tmp_path / "later")


def test_a_link_to_itself_is_one_bad_file(clinics: Clinics, target: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(target, tmp_path / "own")
    (folder / "loop").mkdir()
    (folder / "loop/FLAIR.nii").symlink_to(folder / "loop/FLAIR.nii")
    with pytest.raises(InputError, match=r"loop/FLAIR\.nii: ") as caught:
        plan_adaptation(clinics.folder, folder)
    assert len(str(caught.value).splitlines()) == 2


def test_two_scans_of_one_name_are_not_written_over_each_other(
    target: Path, tmp_path: Path
) -> None:
    copied = shutil.copytree(target / "p1", tmp_path / "p1")
    with pytest.raises(InputError, match="p1: two scans have this name"):
        scans_at([folder / "FLAIR.nii.gz" for folder in (target / "p1", copied)])


def test_masks_of_the_target_are_read_only_to_score_against_them(
    clinics: Clinics, tmp_path: Path
) -> None:
    plain, bids = write_plain(tmp_path / "a", *NAMES), write_bids(tmp_path / "b", *NAMES)
    (plain / "p1/mask.nii.gz").write_bytes(b"")
    shutil.copyfile(plain / "p2/mask.nii.gz", plain / "p2/wmh.nii.gz")
    (mask,) = bids.glob("derivatives/lesions/sub-p1/**/*.nii.gz")
    mask.with_name("sub-p1_ses-1_desc-lesion_mask.nii.gz").write_bytes(b"")
    mask.rename(mask.with_name("sub-p1_ses-01_label-lesion_mask.nii.gz"))
    for folder in (plain, bids):
        subjects, left_out = scans_at([folder], skip_bad=True)
        assert ([subject.label for subject in subjects], left_out) == ([None, None], [])
        plan = plan_adaptation(clinics.folder, folder, skip_bad=True)
        assert ([subject.label for subject in plan.subjects], plan.left_out) == ([None, None], [])
        with pytest.raises(InputError, match="of 2 subjects cannot be used"):
            scans_at([folder], scored=True)


@pytest.mark.filterwarnings("ignore:Anna and anna count as two patients")
def test_two_scans_that_differ_in_capitals_are_not_written_over_each_other(
    clinics: Clinics, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="Anna and anna: these names differ so little"):
        plan_adaptation(clinics.folder, write_plain(tmp_path, "Anna", "anna", first=90))


def test_a_t1_belongs_to_a_single_scan(clinics: Clinics, target: Path) -> None:
    scan = clinics["utrecht"].subject("0").scan
    assert scan.t1 is not None
    subjects, _ = scans_at([scan.flair], t1=scan.t1, inputs="flair+t1")
    assert subjects[0].scan.t1 == scan.t1
    with pytest.raises(InputError, match="this is one T1 for 2 scans"):
        scans_at([target], t1=scan.t1, inputs="flair+t1")
    with pytest.raises(InputError, match="the network reads no T1, but FLAIR alone; leave --t1"):
        scans_at([scan.flair], t1=scan.t1)
