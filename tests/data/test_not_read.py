"""Laws of the layouts: what is not read is named, so that no patient is missed."""

from pathlib import Path

import pytest

from kdlib.data.layouts import find_subjects
from tests.data.touched import faults, own, touched

OTHERS = {
    "FLAIR.nrrd": "NRRD; convert it",
    "FLAIR.mha": "MetaImage; convert it",
    "FLAIR.mnc": "MINC; convert it to .nii.gz with mnc2nii",
    "series/IM0001.dcm": "DICOM; convert it with dcm2niix",
    "FLAIR.PAR": "PAR/REC; convert it with dcm2niix",
    "FLAIR.nii.bz2": "packed; unpack it",
    "FLAIR.hdr": "half of a pair; put the .img file beside it",
    "T2.nii.gz": "it has T2.nii.gz; name the FLAIR",
    "one/two/three/FLAIR.nii.gz": "it has one/two/three/FLAIR.nii.gz",
    "notes.txt": "or leave the folder out",
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("layout", ["{}", "sub-{}/anat"])
def test_a_patient_without_a_usable_scan_is_named_with_the_reason(
    tmp_path: Path, name: str, layout: str
) -> None:
    good = "a/FLAIR.nii" if layout == "{}" else "sub-a/anat/sub-a_FLAIR.nii"
    touched(tmp_path, good, f"{layout.format('b')}/{name}")
    found = faults(tmp_path)
    assert "b: there is no FLAIR here; " in found
    assert OTHERS[name].split("; ")[0].split(" has ")[-1] in found


def test_dicom_files_without_an_ending_are_named(tmp_path: Path) -> None:
    touched(tmp_path, "a/FLAIR.nii", "b/IM0001")
    (tmp_path / "b/IM0001").write_bytes(bytes(128) + b"DICM")
    assert "b: there is no FLAIR here; IM0001 is DICOM; convert it with dcm2niix" in faults(
        tmp_path
    )


@pytest.mark.parametrize(
    "link", ["a/FLAIR.nii.gz", "sub-1/anat/sub-1_FLAIR.nii.gz", "a/mask.nii.gz"]
)
def test_a_link_whose_content_was_not_fetched_says_how_to_fetch_it(
    tmp_path: Path, link: str
) -> None:
    touched(tmp_path, "a/FLAIR.nii" if "mask" in link else "b/FLAIR.nii")
    (tmp_path / link).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / link).symlink_to("../.git/annex/objects/Z1/MD5E-s1.nii.gz")
    assert f"{link}: this is a link; its content is not here; fetch it" in faults(tmp_path)
    assert "datalad get" in faults(tmp_path)


@pytest.mark.parametrize("link", ["b", "sub-2", "sub-1/ses-2", "training/Utrecht/1"])
def test_a_folder_whose_content_was_not_fetched_is_named(tmp_path: Path, link: str) -> None:
    good = {"b": "a/FLAIR.nii", "training/Utrecht/1": "training/Utrecht/0/pre/FLAIR.nii"}
    touched(tmp_path, good.get(link, "sub-1/ses-1/anat/sub-1_ses-1_FLAIR.nii"), "notes.txt")
    (tmp_path / link).symlink_to(".git/modules/gone")
    for name in ("README", "LICENSE"):
        (tmp_path / name).symlink_to(".git/annex/objects/gone")
    found = [s for clinic in find_subjects(tmp_path, "own").values() for s in clinic]
    (said,) = (fault for subject in found for fault in subject.faults)
    assert f"{link}: this is a link; its content is not here; fetch it" in said
    assert len(found) == 2


LOOSE = {
    "P02.nii.gz": "this image lies beside the patients' folders",
    "P03.nrrd": "NRRD; convert it to .nii.gz",
    "P04.dcm": "DICOM; convert it with dcm2niix",
    "P05.zip": "packed; unpack it",
    "P06.hdr": "half of a pair",
}


@pytest.mark.parametrize("name", LOOSE)
@pytest.mark.parametrize("home", ["a", "sub-1/anat", "training/Utrecht/0/pre"])
def test_files_beside_the_patients_folders_are_named(tmp_path: Path, name: str, home: str) -> None:
    flair = "sub-1_FLAIR.nii" if "sub" in home else "FLAIR.nii"
    beside = "training/Utrecht" if "training" in home else "."
    touched(tmp_path, f"{home}/{flair}", f"{beside}/{name}", f"{beside}/._{name}")
    found = [s for clinic in find_subjects(tmp_path, "own").values() for s in clinic]
    (said,) = (fault for subject in found for fault in subject.faults)
    assert said.startswith(f"{name}: ")
    assert LOOSE[name] in said


OVERLOOKED = {
    "sub-1/anat/sub-1_ses1_FLAIR.nii": "this FLAIR is not read; call it anat/sub-",
    "sub-1/sub-1_run-2_FLAIR.nii": "this FLAIR is not read; call it anat/sub-",
    "sub-1/later/anat/sub-1_FLAIR.nii": "this FLAIR is not read; call it anat/sub-",
    "sub-1/anat/sub-1_run-2_flair.nii.gz": "this FLAIR is not read; call it anat/sub-",
    "sub-1/anat/sub-1_run-2_FLAIR.nrrd": "this FLAIR is NRRD; convert it",
    "sub-1/anat/sub-1_run-2_FLAIR.nii.bz2": "this FLAIR is packed; unpack it",
}


@pytest.mark.parametrize("name", OVERLOOKED)
def test_a_flair_that_is_not_read_is_named_though_the_person_has_another(
    tmp_path: Path, name: str
) -> None:
    touched(tmp_path, "sub-1/anat/sub-1_FLAIR.nii", "sub-1/anat/sub-1_FLAIR.json", name)
    (said,) = (fault for subject in own(tmp_path) for fault in subject.faults)
    assert said.startswith(f"{name}: {OVERLOOKED[name]}")


def test_sessions_and_folders_of_bids_without_a_scan_are_named(tmp_path: Path) -> None:
    touched(tmp_path, "sub-1/ses-a/anat/sub-1_ses-a_FLAIR.nii", "sub-1/ses-b/scan.dcm",
            "P05/FLAIR.nii", "sub-2_FLAIR.nii", "code/x.py", "derivatives/x/y.nii")  # fmt: skip
    found = {subject.id: " ".join(subject.faults) for subject in own(tmp_path)}
    assert found.keys() == {"sub-1_ses-a", "sub-1_ses-b", "P05", "sub-2_FLAIR.nii"}
    assert "sub-1/ses-b: there is no FLAIR here; scan.dcm is DICOM" in found["sub-1_ses-b"]
    assert "P05: there are scans in it, but it is not called sub-" in found["P05"]


@pytest.mark.parametrize("place", ["Paris", "training/Paris/0/pre", "test/Amsterdam/7", "0"])
def test_scans_beside_the_challenges_clinics_are_named(tmp_path: Path, place: str) -> None:
    touched(
        tmp_path, "training/Utrecht/0/pre/FLAIR.nii", "training/Amsterdam/GE3T/9/pre/FLAIR.nii",
        "additional_annotations/observer_o3/training/Utrecht/0/result.nii", "notes/x.txt",
    )  # fmt: skip
    assert set(find_subjects(tmp_path, "own")) == {"utrecht", "amsterdam"}
    touched(tmp_path, f"{place}/FLAIR.nii")
    found = find_subjects(tmp_path, "own")
    (stranger,) = (s for clinic in set(found) - {"utrecht", "amsterdam"} for s in found[clinic])
    assert "but it is no clinic of the challenge; move it away" in stranger.faults[0]
