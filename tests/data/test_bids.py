"""Laws of BIDS: which files are whose, and which mask belongs to which scan."""

from pathlib import Path

import numpy as np
import pytest

from kdlib.data.image_file import write_volume
from kdlib.data.volume import Volume
from kdlib.errors import InputError
from tests.data.touched import faults, own, touched
from tests.patients import write_bids


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


@pytest.mark.parametrize("person", ["WMH01", "lesion1"])
def test_the_name_of_a_participant_does_not_make_a_brain_mask_one_of_lesions(
    tmp_path: Path, person: str
) -> None:
    anat = f"sub-{person}/anat/sub-{person}"
    touched(tmp_path, f"{anat}_FLAIR.nii.gz", f"derivatives/fp/{anat}_desc-brain_mask.nii.gz")
    (subject,) = own(tmp_path)
    assert (subject.label, subject.faults) == (None, ())
    touched(tmp_path, f"derivatives/fp/{anat}_desc-lesion_mask.nii.gz")
    (subject,) = own(tmp_path)
    assert subject.label is not None
    assert not subject.faults


def test_own_masks_are_no_labels_whatever_the_folders_above_are_called(tmp_path: Path) -> None:
    dataset, home = tmp_path / "sub-cohort" / "bids", "derivatives/kdlib"
    touched(dataset, "sub-1/anat/sub-1_FLAIR.nii.gz",
            f"{home}/sub-1/anat/sub-1_label-WMH_mask.nii.gz")  # fmt: skip
    made_by = '{"GeneratedBy": [{"Name": "kdlib"}]}'
    (dataset / home / "dataset_description.json").write_text(made_by)
    assert [subject.label for subject in own(dataset)] == [None]


@pytest.mark.parametrize("place", ["sub-1", "sub-1/ses-1"])
def test_a_participant_is_not_taken_for_a_folder_of_people(tmp_path: Path, place: str) -> None:
    touched(tmp_path, "sub-1/ses-1/anat/sub-1_ses-1_FLAIR.nii.gz")
    with pytest.raises(InputError, match="one participant of a BIDS dataset; name the dataset"):
        own(tmp_path / place)


def test_advice_for_bids_is_in_names_of_bids(tmp_path: Path) -> None:
    touched(tmp_path, "sub-1/ses-1/anat/sub-1_ses-1_FLAIR.nii.gz", "sub-2/anat/FLAIR.nii.gz")
    with pytest.raises(InputError, match="sub-1/ses-1/anat/sub-1_ses-1_label-lesion_mask"):
        _ = own(tmp_path)[0].labelled
    assert "name the FLAIR anat/sub-<name>[_ses-<name>]_FLAIR.nii.gz" in faults(tmp_path)


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
