"""A folder without skulls is the same folder in all but what lies around the brains."""

import shutil
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from kdlib.data.clinics import open_clinics
from kdlib.data.image_file import read_labels, read_volume, write_volume
from kdlib.data.volume import Volume
from kdlib.errors import InputError
from kdlib.simulator import simulate
from kdlib.starter.brain import find_brain
from tests.command import kdlib


@pytest.fixture(scope="module")
def clinics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three simulated people with skulls, one of each clinic."""
    folder = tmp_path_factory.mktemp("skulls") / "clinics"
    simulate(folder, grid="2mm", training=1, test=0, seed=5, workers=1)
    return folder


@pytest.fixture(scope="module")
def stripped(clinics: Path) -> Path:
    """The same people without skulls."""
    out = clinics.parent / "stripped"
    done = kdlib("strip", clinics, out)
    assert done.status == 0, done.err
    assert done.out.splitlines() == [f"{out}: 3 scans without skulls"]  # and no doubt
    return out


def test_the_copy_has_the_same_clinics_people_and_labels(clinics: Path, stripped: Path) -> None:
    before, after = open_clinics(clinics), open_clinics(stripped)
    assert list(before) == list(after)
    for name in before:
        (one,), (other,) = before[name].subjects, after[name].subjects
        assert (one.id, one.split, one.patient) == (other.id, other.split, other.patient)
        assert one.label is not None
        assert other.label is not None
        assert one.label.read_bytes() == other.label.read_bytes()
        assert other.label.with_name("simulation").is_dir()
    assert (stripped / "simulation.json").is_file()


@pytest.mark.parametrize("images", ["", "pre/"])
def test_a_single_scan_can_be_stripped(clinics: Path, tmp_path: Path, images: str) -> None:
    (whole,) = open_clinics(clinics)["utrecht"].subjects
    assert whole.label is not None
    (tmp_path / "anna" / images).mkdir(parents=True)
    shutil.copy(whole.scan.flair, tmp_path / f"anna/{images}FLAIR.nii.gz")
    shutil.copy(whole.label, tmp_path / "anna/mask.nii.gz")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        done = kdlib("strip", f"anna/{images}FLAIR.nii.gz", "out")
    assert done.status == 0, done.err
    copied = {path.name for path in (tmp_path / "out").iterdir()}
    assert copied == {"FLAIR.nii.gz"} | (set() if images else {"mask.nii.gz"})


def test_annotations_of_other_observers_are_copied(clinics: Path, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(clinics / "training/Utrecht", folder / "training/Utrecht")
    (utrecht,) = open_clinics(folder)["utrecht"].subjects
    opinion = folder / f"additional_annotations/observer_o3/training/Utrecht/{utrecht.id}"
    opinion.mkdir(parents=True)
    assert utrecht.label is not None
    shutil.copy(utrecht.label, opinion / "result.nii.gz")
    assert kdlib("strip", folder, tmp_path / "out").status == 0
    (seen,) = open_clinics(tmp_path / "out", observer="o3")["utrecht"].subjects
    assert seen.label is not None
    assert seen.label.name == "result.nii.gz"
    turned = kdlib("strip", folder, tmp_path / "turned", "--form", "sform")
    assert "additional_annotations: left out" in turned.err
    assert not (tmp_path / "turned/additional_annotations").exists()


def test_a_scan_without_a_brain_costs_itself_alone_if_it_may_be_left_out(
    clinics: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (whole,) = open_clinics(clinics)["utrecht"].subjects
    scan = whole.scan.read()[0]
    write_volume(tmp_path / "own/anna/FLAIR.nii.gz", scan)
    write_volume(tmp_path / "own/bert/FLAIR.nii.gz", replace(scan, array=scan.array[1:]))

    def in_anna_alone(flair: Volume) -> Volume:
        found, anna = find_brain(flair), flair.array.shape == scan.array.shape
        return found if anna else replace(found, array=0 * found.array)

    monkeypatch.setattr("kdlib.own_scans.strip.find_brain", in_anna_alone)
    done = kdlib("strip", tmp_path / "own", tmp_path / "out")
    assert (done.status, "--skip-bad goes on without it" in done.err) == (2, True), done.err
    assert not list((tmp_path / "out").iterdir())
    done = kdlib("strip", tmp_path / "own", tmp_path / "out", "--skip-bad")
    assert done.status == 0, done.err
    assert "bert: FLAIR.nii.gz: no brain was found in it" in done.out
    assert [s.id for s in open_clinics(tmp_path / "out").subjects] == ["anna"]


def test_the_skull_is_gone_and_the_lesions_are_not(clinics: Path, stripped: Path) -> None:
    for name, clinic in open_clinics(stripped).items():
        (subject,), (whole,) = clinic.subjects, open_clinics(clinics)[name].subjects
        cut, scan = subject.scan.read("flair+t1"), whole.scan.read("flair+t1")
        inside = cut[0].array > 0
        assert 0.2 < inside.sum() / (scan[0].array > 0).sum() < 0.9
        np.testing.assert_array_equal(cut[0].array[inside], scan[0].array[inside])
        assert not cut[1].array[~inside].any()
        lesions = subject.labelled.read_labels().array == 1
        assert inside[lesions].mean() > 0.98


def test_tables_and_other_masks_of_a_plain_folder_are_copied(clinics: Path, tmp_path: Path) -> None:
    (whole,) = open_clinics(clinics)["utrecht"].subjects
    home = tmp_path / "own" / "anna"
    home.mkdir(parents=True)
    assert whole.label is not None
    shutil.copy(whole.scan.flair, home / "FLAIR.nii.gz")
    for name in ("mask", "mask_all"):
        shutil.copy(whole.label, home / f"{name}.nii.gz")
    (tmp_path / "own" / "participants.tsv").write_text("participant_id\tpatient\nanna\tA\n")
    out = tmp_path / "out"
    assert kdlib("strip", tmp_path / "own", out, "--orientation", "LPS").status == 0
    (anna,) = open_clinics(out)["own"].subjects
    assert anna.patient == "A"
    read_labels(out / "anna" / "mask_all.nii.gz", read_volume(anna.scan.flair))


def test_a_t1_on_a_grid_of_its_own_is_left_out_and_told(clinics: Path, tmp_path: Path) -> None:
    (whole,) = open_clinics(clinics)["utrecht"].subjects
    home = tmp_path / "own" / "anna"
    home.mkdir(parents=True)
    shutil.copy(whole.scan.flair, home / "FLAIR.nii.gz")
    write_volume(home / "T1.nii.gz", Volume(np.ones((40, 40, 20), np.float32), np.eye(4)))
    done = kdlib("strip", tmp_path / "own", tmp_path / "out")
    assert done.status == 0, done.err
    assert "anna: its T1 is left out: " in done.out
    assert [path.name for path in (tmp_path / "out" / "anna").iterdir()] == ["FLAIR.nii.gz"]


def test_the_copy_says_itself_where_its_voxels_lie(clinics: Path, tmp_path: Path) -> None:
    (whole,) = open_clinics(clinics)["utrecht"].subjects
    home = tmp_path / "own" / "anna"
    home.mkdir(parents=True)
    scan = nib.nifti1.load(whole.scan.flair)
    bare = nib.Nifti1Image(np.asanyarray(scan.dataobj), None, scan.header)
    bare.header["sform_code"], bare.header["qform_code"] = 0, 0
    nib.save(bare, home / "FLAIR.nii.gz")
    with pytest.raises(InputError, match="does not say how it is oriented"):
        read_volume(home / "FLAIR.nii.gz")
    done = kdlib("strip", tmp_path / "own", tmp_path / "out", "--orientation", "LPS")
    assert done.status == 0, done.err
    assert nib.aff2axcodes(read_volume(tmp_path / "out/anna/FLAIR.nii.gz").affine) == tuple("LPS")


def test_the_brain_of_a_scan_that_lost_its_slice_thickness_is_doubted(
    clinics: Path, tmp_path: Path
) -> None:
    (whole,) = open_clinics(clinics)["utrecht"].subjects
    scan = whole.scan.read()[0]
    flat = Volume(scan.array, scan.affine @ np.diag([1, 1, 0.3, 1]))
    write_volume(tmp_path / "own/anna/FLAIR.nii.gz", flat)
    done = kdlib("strip", tmp_path / "own", tmp_path / "out")
    assert done.status == 0, done.err
    assert done.out.splitlines()[1].startswith("anna: its brain has ")


@pytest.mark.parametrize(
    ("inside", "said"), [(True, "it is inside the folder"), (False, "there are files in it")]
)
def test_no_scan_is_overwritten(clinics: Path, stripped: Path, inside: bool, said: str) -> None:
    done = kdlib("strip", clinics, clinics / "out" if inside else stripped)
    assert (done.status, len(done.err.splitlines())) == (2, 1), done.err
    assert said in done.err
    assert not (clinics / "out").exists()


def test_a_single_scan_can_be_stripped_beside_itself(clinics: Path, tmp_path: Path) -> None:
    flair = open_clinics(clinics)["utrecht"].subjects[0].scan.flair
    scan = shutil.copyfile(flair, tmp_path / "anna.nii.gz")
    done = kdlib("strip", scan, tmp_path / "stripped")
    assert done.status == 0, done.err
