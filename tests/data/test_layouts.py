"""Laws of the layouts: which files are whose."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from kdlib.data.layouts import find_subjects
from kdlib.data.subject_files import LONGEST_ID
from kdlib.errors import InputError
from tests.data.touched import faults, own, touched
from tests.faults import as_nobody


def test_plain_folders_are_subjects(tmp_path: Path) -> None:
    ten, two = own(touched(tmp_path, "2/FLAIR.nii", "10/FLAIR.nii.gz", "10/T1.nii.gz"))[::-1]
    assert (two.id, ten.id) == ("2", "10")
    assert ten.scan.t1 == tmp_path / "10/T1.nii.gz"
    assert ten.label is None


@pytest.mark.parametrize("name", ["mask.nii.gz", "wmh.nii.gz", "mask.nii"])
def test_a_mask_lies_beside_the_scan(tmp_path: Path, name: str) -> None:
    subject = own(touched(tmp_path, "a/FLAIR.nii.gz", f"a/{name}"))[0]
    assert subject.label == tmp_path / "a" / name


def test_a_subjects_own_folder_and_a_single_file_are_one_subject(tmp_path: Path) -> None:
    touched(tmp_path, "a/FLAIR.nii.gz")
    assert [s.id for s in own(tmp_path / "a")] == ["a"]
    assert [s.id for s in own(tmp_path / "a/FLAIR.nii.gz")] == ["a"]
    touched(tmp_path, "a/T1.nii.gz", "a/mask.nii.gz")
    (alone,), (whole,) = own(tmp_path / "a/FLAIR.nii.gz"), own(tmp_path / "a")
    assert (alone.label, alone.scan.t1) == (whole.label, whole.scan.t1) != (None, None)
    (tmp_path / "a/T1.nii.gz").unlink()
    (tmp_path / "a/T1.nii.gz").symlink_to("lost.nii.gz")
    (alone,) = own(tmp_path / "a/FLAIR.nii.gz")
    assert (alone.scan.t1, alone.faults) == (None, ())
    touched(tmp_path, "b/pre/flair.nii", "sub-1_FLAIR.nii", "stored.nii")
    (tmp_path / "c").mkdir()
    (tmp_path / "c/FLAIR.nii").symlink_to(tmp_path / "stored.nii")
    for name, subject in (("b/pre/flair", "b"), ("sub-1_FLAIR", "sub-1_FLAIR"), ("c/FLAIR", "c")):
        assert [(s.id, s.faults) for s in own(tmp_path / f"{name}.nii")] == [(subject, ())]


@pytest.mark.parametrize("name", ["anna_FLAIR.nii.gz", "5_t2_FLAIR_sag.nii.gz", "pre/t2flair.nii"])
def test_the_only_image_that_is_called_a_flair_is_taken(tmp_path: Path, name: str) -> None:
    others = "anna_FLAIR_mask.nii", "FLAIR_brain.nii", "flair-seg.nii", "FLAIR_lesion_mask.nii.gz"
    touched(tmp_path, f"a/{name}", "a/T1.nii", "a/mask.nii")
    touched(tmp_path / "a" / Path(name).parent, *others)
    (subject,) = own(tmp_path)
    assert (subject.scan.flair, subject.faults) == (tmp_path / "a" / name, ())
    touched((tmp_path / "a" / name).parent, "another_FLAIR.nii")
    assert "2 files may be its FLAIR" in faults(tmp_path)
    touched((tmp_path / "a" / name).parent, "FLAIR.nii")
    assert [s.scan.flair.name for s in own(tmp_path)] == ["FLAIR.nii"]


def test_the_challenges_own_folders_are_read_by_their_own_names_alone(tmp_path: Path) -> None:
    touched(tmp_path, "training/Utrecht/0/pre/FLAIR.nii", "training/Utrecht/1/pre/my_FLAIR.nii")
    good, bad = find_subjects(tmp_path, "own")["utrecht"]
    assert (good.faults, "there is no FLAIR here" in bad.faults[0]) == ((), True)


def test_a_flat_folder_of_images_says_how_to_name_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"'kdlib predict {tmp_path}/\*\.nii', or give each"):
        find_subjects(touched(tmp_path, "a_FLAIR.nii", "b_FLAIR.nii"), "own")


def test_a_site_of_the_challenge_is_plain_too(tmp_path: Path) -> None:
    site = touched(tmp_path / "Utrecht", "0/pre/FLAIR.nii.gz", "0/pre/T1.nii.gz", "0/wmh.nii.gz")
    subject = own(site)[0]
    assert subject.scan.t1 == site / "0/pre/T1.nii.gz"
    assert subject.label == site / "0/wmh.nii.gz"


FAULTS = {
    "no FLAIR": (["a/mask.nii.gz"], "a: there is no FLAIR"),
    "no FLAIR in BIDS": (["sub-1/anat/sub-1_T1w.nii.gz"], "sub-1: there is no FLAIR"),
    "no images of the head in BIDS": (
        ["sub-1/anat/sub-1_FLAIR.nii", "sub-2/func/sub-2_bold.nii"], "sub-2: there is no FLAIR"
    ),
    "one scan twice": (["a/FLAIR.nii", "a/FLAIR.nii.gz"], "a: 2 files may be its FLAIR"),
    "two masks": (["a/FLAIR.nii", "a/mask.nii", "a/wmh.nii"], "a: 2 files may be its mask"),
    "two subjects with one id": (
        ["sub-1/anat/sub-1_FLAIR.nii", "sub-1/anat/sub-1_FLAIR.nii.gz"], "two subjects have this id"
    ),
    "a long name": ([f"{'é' * 110}/FLAIR.nii"], "too long"),
    "an unprintable name": (["a\nb/FLAIR.nii"], r"a\?b: its name"),
    "a name in another encoding": (["J\udcfcrgen/FLAIR.nii"], r"J\?rgen: .*PYTHONUTF8=1"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_wrong_by_name_is_said(tmp_path: Path, case: str) -> None:
    files, said = FAULTS[case]
    assert re.search(said, faults(touched(tmp_path, *files)))


def test_a_subject_with_a_fault_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no FLAIR"):
        _ = own(touched(tmp_path, "a/mask.nii.gz"))[0].fingerprint


def test_a_link_out_of_the_folder_is_a_fault_that_does_not_tell_where_to(tmp_path: Path) -> None:
    secret = touched(tmp_path / "secret", "FLAIR.nii.gz")
    folder = touched(tmp_path / "scans", "a/FLAIR.nii.gz")
    (folder / "b").mkdir()
    (folder / "b/FLAIR.nii.gz").symlink_to(secret / "FLAIR.nii.gz")
    (folder / "c").symlink_to(secret)
    found = faults(folder)
    assert found.count("this link leads out of the folder") == 2
    assert "secret" not in found


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    touched(tmp_path, ".git/annex/1.nii.gz").joinpath("a").mkdir()
    (tmp_path / "a/FLAIR.nii.gz").symlink_to("../.git/annex/1.nii.gz")
    assert [(s.id, s.faults) for s in own(tmp_path)] == [("a", ())]


OWN_REPORT = '{"scans": [], "left_out": [], "notice": "For research only."}'


def test_masks_written_into_the_folder_are_no_subject(tmp_path: Path) -> None:
    touched(tmp_path, "a/FLAIR.nii", "masks/a_lesion_mask.nii.gz", "b_lesion_probability.nii.gz")
    (tmp_path / "masks/report.json").write_text(OWN_REPORT)
    assert [subject.id for subject in own(tmp_path)] == ["a"]


@pytest.mark.parametrize("report", [OWN_REPORT, "{}", "of a radiologist"])
def test_a_report_beside_a_scan_hides_no_patient(tmp_path: Path, report: str) -> None:
    touched(tmp_path, "a/FLAIR.nii", "b/FLAIR.nii", "b/b_lesion_mask.nii.gz")
    (tmp_path / "b/report.json").write_text(report)
    assert [(s.id, s.faults) for s in own(tmp_path)] == [("a", ()), ("b", ())]


@pytest.mark.parametrize("report", ["{}", "[]", "of a radiologist"])
def test_somebody_elses_report_makes_no_folder_kdlibs_own(tmp_path: Path, report: str) -> None:
    touched(tmp_path, "a/FLAIR.nii", "b/report.json")
    (tmp_path / "b/report.json").write_text(report)
    assert "b: there is no FLAIR here" in faults(tmp_path)


READ = ["FLAIR.NII.GZ", "flair.nii", "FLAIR.mgz", "FLAIR.MGH"]


@pytest.mark.parametrize("name", READ)
def test_names_are_read_in_upper_and_lower_case(tmp_path: Path, name: str) -> None:
    (subject,) = own(touched(tmp_path, f"a/{name}", "a/MASK.nii"))
    assert (subject.scan.flair.name, subject.faults) == (name, ())
    assert subject.label == tmp_path / "a/MASK.nii"


def test_a_pair_of_files_is_one_image(tmp_path: Path) -> None:
    (subject,) = own(touched(tmp_path, "a/FLAIR.hdr", "a/FLAIR.img"))
    assert (subject.scan.flair.name, subject.faults) == ("FLAIR.img", ())


def test_what_a_mac_writes_beside_files_is_no_scan(tmp_path: Path) -> None:
    touched(tmp_path, "sub-1/anat/sub-1_FLAIR.nii", "sub-1/anat/._sub-1_FLAIR.nii")
    assert [(s.id, s.faults) for s in own(tmp_path)] == [("sub-1", ())]


def test_an_empty_folder_says_that_it_may_have_to_be_fetched(tmp_path: Path) -> None:
    touched(tmp_path, "a/FLAIR.nii")
    (tmp_path / "b").mkdir()
    assert "b: there is no FLAIR here; it is empty; fetch or add" in faults(tmp_path)


def test_a_folder_in_the_folder_of_a_scan_is_a_patient_if_it_has_a_scan(tmp_path: Path) -> None:
    touched(tmp_path, "FLAIR.nii", "P02/FLAIR.nii", "pre/T1.nii", "figures/x.png")
    assert [s.id for s in own(tmp_path)][1:] == ["P02"]


@pytest.mark.parametrize("name", ["Jürgen_Ωλ", "日本", "é" * (LONGEST_ID // 2)])
def test_names_in_any_script_are_ids(tmp_path: Path, name: str) -> None:
    assert [(s.id, s.faults) for s in own(touched(tmp_path, f"{name}/FLAIR.nii"))] == [(name, ())]


def test_a_place_without_scans_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sub-\*/anat"):
        find_subjects(touched(tmp_path, "notes.txt"), "own")
    with pytest.raises(InputError, match="no such folder"):
        find_subjects(tmp_path / "nowhere", "own")


def test_observers_have_annotated_the_challenge_alone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="observers"):
        find_subjects(touched(tmp_path, "a/FLAIR.nii"), "own", observer="o3")


@pytest.mark.parametrize("closed", ["b", "b/pre", "sub-2", "sub-2/ses-1", "sub-2/ses-1/anat"])
def test_a_folder_that_may_not_be_read_is_a_fault_of_its_own(closed: str) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        if closed.startswith("sub"):
            touched(folder, *(f"sub-{n}/ses-1/anat/sub-{n}_ses-1_FLAIR.nii" for n in "12"))
        else:
            touched(folder, "a/pre/FLAIR.nii", "b/pre/FLAIR.nii")
        (folder / closed).chmod(0)
        with as_nobody():
            good, bad = own(folder)
        (folder / closed).chmod(0o755)
    assert not good.faults
    assert f"{closed}: no permission" in bad.faults[0]
