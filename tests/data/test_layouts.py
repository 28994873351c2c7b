"""Laws of the layouts: which files are whose."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from kdlib.data.image_file import write_volume
from kdlib.data.layouts import find_subjects
from kdlib.data.subject_files import LONGEST_ID
from kdlib.data.subjects import Subject
from kdlib.data.volume import Volume
from kdlib.errors import InputError
from tests.data.test_bad_files import as_nobody
from tests.patients import write_bids


def touched(folder: Path, *names: str) -> Path:
    """``folder`` with files of these names that nobody reads here."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def own(folder: Path) -> list[Subject]:
    return list(find_subjects(folder, "own")["own"])


def faults(folder: Path) -> str:
    return " ".join(fault for subject in own(folder) for fault in subject.faults)


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
    assert [s.id for s in own(tmp_path / "a/FLAIR.nii.gz")] == ["FLAIR"]


def test_a_site_of_the_challenge_is_plain_too(tmp_path: Path) -> None:
    site = touched(tmp_path / "Utrecht", "0/pre/FLAIR.nii.gz", "0/pre/T1.nii.gz", "0/wmh.nii.gz")
    subject = own(site)[0]
    assert subject.scan.t1 == site / "0/pre/T1.nii.gz"
    assert subject.label == site / "0/wmh.nii.gz"


def test_bids_subjects_and_sessions_have_ids_of_their_own(tmp_path: Path) -> None:
    touched(tmp_path, "sub-1/anat/sub-1_FLAIR.nii.gz", "participants.tsv",
            *(f"sub-2/ses-{n}/anat/sub-2_ses-{n}_FLAIR.nii.gz" for n in "ab"))  # fmt: skip
    assert [s.id for s in own(tmp_path)] == ["sub-1", "sub-2_ses-a", "sub-2_ses-b"]


def test_plain_folders_may_be_called_like_bids(tmp_path: Path) -> None:
    assert [(s.id, s.faults) for s in own(touched(tmp_path, "sub-1/FLAIR.nii"))] == [("sub-1", ())]


def test_bids_masks_are_found_under_derivatives(tmp_path: Path) -> None:
    home = "derivatives/manual/sub-1/ses-{}/anat/sub-1_ses-{}"
    touched(
        write_bids(tmp_path, "1"),
        home.format("2", "2") + "_label-lesion_mask.nii.gz",
        home.format("1", "1") + "_desc-brain_mask.nii.gz",
        home.format("1", "1") + "_lesion_mask.nii.gz",  # no BIDS name: kdlib's own output
    )
    (subject,) = own(tmp_path)
    assert subject.label is not None
    assert subject.label.relative_to(tmp_path).parts[1] == "lesions"
    assert not subject.faults


def test_a_bids_t1_on_the_flairs_grid_comes_first(tmp_path: Path) -> None:
    anat = "sub-1/anat/sub-1"
    touched(tmp_path, f"{anat}_FLAIR.nii.gz", f"{anat}_T1w.nii.gz")
    assert own(tmp_path)[0].scan.t1 == tmp_path / f"{anat}_T1w.nii.gz"
    touched(tmp_path, f"derivatives/registered/{anat}_space-FLAIR_T1w.nii.gz")
    assert "derivatives" in str(own(tmp_path)[0].scan.t1)


T1S = {
    "the only one": (["acq-mprage_T1w"], "FLAIR", "acq-mprage_T1w"),
    "like the FLAIR": (["T1w", "ce-gad_T1w", "acq-b_T1w"], "FLAIR", "T1w"),
    "of its acquisition": (["acq-a_T1w", "acq-b_T1w"], "acq-a_FLAIR", "acq-a_T1w"),
    "of its run": (["run-1_T1w", "run-2_T1w"], "run-2_FLAIR", "run-2_T1w"),
    "of its acquisition and run": (
        ["acq-a_run-1_T1w", "acq-a_run-2_T1w", "acq-b_run-1_T1w"], "acq-a_run-1_FLAIR",
        "acq-a_run-1_T1w",
    ),
    "of another run": (["run-1_T1w"], "run-2_FLAIR", None),
    "two runs for one": (["run-1_T1w", "run-2_T1w"], "FLAIR", None),
    "two acquisitions for one": (["acq-a_T1w", "acq-b_T1w"], "acq-c_FLAIR", None),
}  # fmt: skip


@pytest.mark.parametrize("case", T1S)
def test_of_several_bids_t1_the_one_like_the_flair_is_taken(tmp_path: Path, case: str) -> None:
    there, flair, expected = T1S[case]
    anat = "sub-1/ses-1/anat/sub-1_ses-1_"
    other = "sub-1/ses-2/anat/sub-1_ses-2_T1w.nii"
    touched(tmp_path, *(f"{anat}{name}.nii" for name in [*there, flair]), other)
    subject = next(s for s in own(tmp_path) if "ses-1" in s.id)
    assert subject.scan.t1 == (tmp_path / f"{anat}{expected}.nii" if expected else None)
    assert not subject.faults


def test_a_t1_that_is_not_clear_is_an_error_where_one_is_asked_for(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    flair = Volume(rng.normal(size=(4, 5, 6)).astype(np.float32), np.eye(4))
    for name in ("FLAIR", "run-1_T1w", "run-2_T1w"):
        write_volume(tmp_path / f"sub-1/anat/sub-1_{name}.nii", flair)
    scan = own(tmp_path)[0].scan
    assert len(scan.read("flair")) == 1
    with pytest.raises(InputError, match=r"sub-1_run-1_T1w\.nii and sub-1_run-2_T1w\.nii.*keep"):
        scan.read("flair+t1")


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
    "notes.txt": "add FLAIR.nii.gz or leave",
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


MASKS = {
    "run written differently": (["run-1"], "run-01", ""),
    "of the one scan": (["acq-3d"], "", ""),
    "of another run": (["run-1"], "run-2", "is of another run or acquisition"),
    "of another reconstruction": (["rec-a"], "rec-b", "is of another run or acquisition"),
    "of the other scan": (["run-1", "run-2"], "run-2", ""),
    "of which scan": (["run-1", "run-2"], "", "may belong to 2 FLAIRs"),
    "echo written differently": (["echo-1"], "echo-01", ""),
    "of the scan with contrast": (["ce-gad", "run-2"], "ce-gad", ""),
    "of a session that is not there": (["run-1"], "ses-1", "names another participant or session"),
}


@pytest.mark.parametrize("case", MASKS)
def test_a_mask_belongs_to_one_scan_or_is_named(tmp_path: Path, case: str) -> None:
    flairs, mask, said = MASKS[case]
    touched(
        tmp_path,
        *(f"sub-1/anat/sub-1_{flair}_FLAIR.nii" for flair in flairs),
        f"derivatives/m/sub-1/anat/{'_'.join(filter(None, ['sub-1', mask]))}_label-lesion_mask.nii",
    )
    labelled = [subject for subject in own(tmp_path) if subject.label]
    if said:
        assert said in faults(tmp_path)
    else:
        assert (len(labelled), faults(tmp_path)) == (1, "")


@pytest.mark.parametrize(
    ("person", "mask"),
    [("sub-01/ses-1", "sub-1_ses-1"), ("sub-1/ses-01", "sub-1_ses-1"), ("sub-1/ses-1", "sub-1")],
)
def test_a_mask_that_names_a_session_differently_is_named(
    tmp_path: Path, person: str, mask: str
) -> None:
    flair = f"{person}/anat/{person.replace('/', '_')}_FLAIR.nii"
    mask = f"{mask}_label-lesion_mask.nii"
    touched(tmp_path, flair, f"derivatives/m/{mask}", "derivatives/m/sub-7_label-lesion_mask.nii")
    assert f"the mask {mask} names another participant or session; rename it" in faults(tmp_path)


def test_people_whose_names_differ_by_a_zero_have_their_own_masks(tmp_path: Path) -> None:
    people = ("sub-1", "sub-01")
    touched(tmp_path, *(f"{name}/anat/{name}_FLAIR.nii" for name in people),
            "derivatives/m/sub-1_label-lesion_mask.nii")  # fmt: skip
    assert [(s.id, s.label is None, s.faults) for s in own(tmp_path)] == [
        ("sub-01", True, ()), ("sub-1", False, ()),
    ]  # fmt: skip


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
