"""Laws of the check: everything that is wrong is said at once, and nothing that is private."""

import gzip
import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from kdlib.data.clinics import open_clinics
from kdlib.data.image_file import read_volume, write_volume
from kdlib.data.volume import Volume
from kdlib.errors import InputError
from kdlib.own_scans.check import Finding, examine_all, sound
from tests.command import kdlib
from tests.patients import write_bids, write_plain
from tests.tiny import options, write_clinics


def checked(folder: Path, inputs: str = "flair") -> dict[str, Finding]:
    return {f.subject: f for _, f in examine_all([open_clinics(folder)], inputs=inputs)}


def spoilt(folder: Path) -> Path:
    """Five subjects, four of them bad, each in another way."""
    write_plain(folder, "good", "cut", "empty", "labels", "grid")
    cut = folder / "cut/FLAIR.nii.gz"
    cut.write_bytes(cut.read_bytes()[:3000])
    (folder / "empty/FLAIR.nii.gz").write_bytes(b"")
    for name, change in (("labels", (7, 0)), ("grid", (1, 9))):
        path = folder / name / "mask.nii.gz"
        mask = read_volume(path)
        write_volume(path, Volume(mask.array * change[0], mask.affine + change[1] * np.eye(4, k=3)))
    return folder


def test_a_finding_says_what_a_scan_is_like(tmp_path: Path) -> None:
    finding = checked(write_plain(tmp_path, "a"))["a"]
    assert finding.problems == ()
    assert (finding.shape, finding.voxel_mm) == ((40, 5, 32), (4.0, 6.0, 4.0))
    assert finding.orientation == "PIL"
    assert finding.labels == (0, 1)
    voxels = (read_volume(tmp_path / "a/mask.nii.gz").array == 1).sum()
    assert finding.lesion_ml == pytest.approx(voxels * 0.096, abs=1e-3)
    assert finding.intensity is not None
    assert finding.intensity[0] == 0


@pytest.mark.parametrize("name", ["anna_scans", "scans", "1"])
def test_a_file_keeps_its_name_in_a_folder_of_a_like_name(tmp_path: Path, name: str) -> None:
    for folder in ("scans", "1"):
        bad = tmp_path / folder / name / "FLAIR.nii.gz"
        bad.parent.mkdir(parents=True)
        bad.write_bytes(b"")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path)
            (problem,) = checked(Path(folder))[name].problems
        assert problem.startswith(f"{name}/FLAIR.nii.gz: ")


def test_every_bad_file_is_named_at_once_by_its_place_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        sound([open_clinics(spoilt(tmp_path))])
    first, *lines = str(caught.value).splitlines()
    assert first.startswith("4 of 5 subjects cannot be used")
    assert "--skip-bad" in first
    names = ["cut/FLAIR", "empty/FLAIR", "grid/mask", "labels/mask"]
    assert [line.split(".nii")[0].strip() for line in lines] == names


def test_skip_bad_keeps_the_good_and_tells_the_others(tmp_path: Path) -> None:
    (kept,), left_out = sound([open_clinics(spoilt(tmp_path))], skip_bad=True)
    assert [subject.id for subject in kept["own"].subjects] == ["good"]
    assert [finding.subject for finding in left_out] == ["cut", "empty", "grid", "labels"]


def test_skip_bad_does_not_go_on_with_nobody(tmp_path: Path) -> None:
    (write_plain(tmp_path, "a") / "a/FLAIR.nii.gz").write_bytes(b"")
    with pytest.raises(InputError, match="1 of 1 subjects"):
        sound([open_clinics(tmp_path)], skip_bad=True)


def test_a_mask_is_missing_only_where_it_is_needed(tmp_path: Path) -> None:
    clinics = open_clinics(write_plain(tmp_path, "a", mask=False))
    assert sound([clinics])[1] == []
    with pytest.raises(InputError, match="a: there is no mask"):
        sound([clinics], labelled=["own"])


def test_a_t1_is_missing_only_where_it_is_asked_for(tmp_path: Path) -> None:
    write_plain(tmp_path, "a")
    assert checked(tmp_path)["a"].problems == ()
    assert "a: there is no T1 here" in checked(tmp_path, inputs="flair+t1")["a"].problems[0]


def test_a_lesion_free_person_is_no_problem(tmp_path: Path) -> None:
    path = write_plain(tmp_path, "a") / "a/mask.nii.gz"
    mask = read_volume(path)
    write_volume(path, Volume(mask.array * 0, mask.affine))
    assert (checked(tmp_path)["a"].labels, checked(tmp_path)["a"].lesion_ml) == ((0,), 0)


@pytest.mark.parametrize("shape", [(40, 32, 1), (7, 6, 3), (300, 280, 2)])
def test_thin_small_and_large_scans_are_no_problem(tmp_path: Path, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    image = nib.Nifti1Image(rng.integers(0, 900, shape, np.int16), np.diag([1, 1, 3, 1]))
    image.header.set_slope_inter(0.5, 10)
    nib.save(image, tmp_path / "scan.nii")
    assert checked(tmp_path / "scan.nii")["scan"].problems == ()


def test_a_mask_in_the_place_of_a_scan_is_a_problem(tmp_path: Path) -> None:
    folder = write_plain(tmp_path, "a", "b") / "a"
    (folder / "mask.nii.gz").rename(folder / "FLAIR.nii.gz")
    assert "a/FLAIR.nii.gz: there is no head in it" in checked(tmp_path)["a"].problems[0]
    assert checked(tmp_path)["b"].problems == ()


def test_the_command_prints_a_row_per_subject_and_ends_with_1(tmp_path: Path) -> None:
    done = kdlib("check", spoilt(tmp_path))
    assert done.status == 1
    assert "1 of 5 subjects can be used" in done.out
    good = next(line for line in done.out.splitlines() if " good " in line)
    assert good.split()[1:6] == ["good", "40x5x32", "4x6x4", "PIL", "0"]
    assert all(f"{name}/" in done.out for name in ("cut", "empty", "grid", "labels"))
    assert str(tmp_path) not in done.out


def test_no_name_is_cut_off_in_a_file(tmp_path: Path) -> None:
    name = "patient_" + "x" * 120
    write_plain(tmp_path, name)
    shutil.copy(tmp_path / name / "FLAIR.nii.gz", tmp_path / name / "flair.nii")
    (line,) = (line for line in kdlib("check", tmp_path).out.splitlines() if name in line)
    assert "2 files may be its FLAIR (FLAIR.nii.gz and flair.nii); keep one" in line


def test_the_command_prints_json_and_ends_with_0(tmp_path: Path) -> None:
    done = kdlib("check", write_bids(tmp_path, "1", "2"), "--json")
    assert done.status == 0, done.err
    assert [row["subject"] for row in json.loads(done.out)] == ["sub-1_ses-1", "sub-2_ses-1"]


def test_a_study_tells_every_bad_file_before_it_trains(tmp_path: Path) -> None:
    folder = write_clinics(tmp_path / "data")
    bad = ["training/Utrecht/1/pre/FLAIR.nii.gz", "training/Singapore/52/wmh.nii.gz"]
    for name in bad:
        (folder / name).write_bytes(gzip.compress(b"no scan"))
    done = kdlib("study", "demo", "--data", folder, "--store", tmp_path / "runs")
    assert done.status == 2
    assert all(name in done.err for name in bad)
    assert not (tmp_path / "runs").exists()


def test_a_run_goes_on_without_bad_files_and_says_so_at_the_end(tmp_path: Path) -> None:
    folder = write_clinics(tmp_path / "data")
    (folder / "training/Utrecht/1/pre/FLAIR.nii.gz").write_bytes(b"")
    done = kdlib("run", "--method", "unadapted", "--source", "utrecht", "--target", "singapore",
                 "--data", folder, "--store", tmp_path / "runs", "--device", "cpu",
                 "--skip-bad", *options(steps=2))  # fmt: skip
    assert done.status == 0, done.err
    assert "training/Utrecht/1/pre/FLAIR.nii.gz: this file is empty" in done.out.splitlines()[-1]


def test_what_is_wrong_with_a_mask_is_told_though_the_t1_is_missing(tmp_path: Path) -> None:
    spoilt(tmp_path)
    found = checked(tmp_path, "flair+t1")
    for name in ("labels", "grid"):
        whole, alone = found[name].problems, checked(tmp_path)[name].problems
        assert set(alone) < set(whole)
        assert any("T1" in problem for problem in whole)


def test_a_single_file_named_after_another_contrast_is_doubted(tmp_path: Path) -> None:
    write_plain(tmp_path, "a")
    flair = tmp_path / "a/FLAIR.nii.gz"
    for name in ("T1", "anna_T1w", "t2", "anna_T2_FLAIR", "acts"):
        path = shutil.copyfile(flair, tmp_path / f"{name}.nii.gz")
        found = next(iter(examine_all([open_clinics(path)])))[1]
        assert found.doubts == ()  # --skip-bad would leave it out
        assert ("is it a FLAIR?" in " ".join(found.notes)) == (name in ("T1", "anna_T1w", "t2"))


def test_a_flair_that_lies_too_deep_is_told_where_to_go(tmp_path: Path) -> None:
    write_plain(tmp_path / "scans", "bert")
    write_plain(tmp_path / "scans/anna", "2019")
    (problem,) = checked(tmp_path / "scans")["anna"].problems
    assert "2019/FLAIR.nii.gz lies a folder too deep; move it to anna_2019/FLAIR.nii.gz" in problem
