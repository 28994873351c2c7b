"""Laws of the loader."""

import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from kdlib.data.clinics import Clinics, open_clinics
from kdlib.data.image_file import read_volume, write_volume
from kdlib.data.subjects import LabelledScan, Scan
from kdlib.data.volume import Volume
from kdlib.errors import InputError
from kdlib.study.scenario import Scenario
from kdlib.study.store import run
from tests.patients import turned
from tests.tiny import AFFINE, RECIPE, write_clinics, write_subject


def test_the_challenges_folders_become_clinics(clinics: Clinics) -> None:
    assert list(clinics) == ["utrecht", "singapore"]
    assert [s.id for s in clinics["utrecht"].training] == ["0", "1", "2", "3"]
    assert [s.id for s in clinics["singapore"].test] == ["54"]


def test_the_2017_layout_is_read_too(tmp_path: Path) -> None:
    write_clinics(tmp_path / "new")
    shutil.move(tmp_path / "new" / "training", tmp_path / "old")
    assert next(s.id for s in open_clinics(tmp_path / "old")["singapore"].studied) == "50"


def test_a_scan_has_no_label_to_read(clinics: Clinics) -> None:
    subject = clinics["utrecht"].training[0]
    assert not [name for name in vars(subject.scan) if "label" in name]
    assert isinstance(subject.labelled, LabelledScan)
    assert not issubclass(LabelledScan, Scan)


def test_a_t1_must_lie_on_its_flairs_grid(tmp_path: Path) -> None:
    subject = open_clinics(write_clinics(tmp_path, subjects=1))["utrecht"].subject("0")
    assert subject.scan.t1 is not None
    t1 = read_volume(subject.scan.t1)
    write_volume(subject.scan.t1, Volume(t1.array, t1.affine + 3 * np.eye(4, k=3)))
    with pytest.raises(InputError, match=r"T1\.nii\.gz: it lies up to 3 mm away from its FLAIR"):
        subject.scan.read("flair+t1")


def test_a_t1_and_a_mask_may_be_stored_in_another_order_of_axes(tmp_path: Path) -> None:
    subject = open_clinics(write_clinics(tmp_path, subjects=1))["utrecht"].subject("0")
    assert subject.scan.t1 is not None
    assert subject.label is not None
    images, labels = subject.scan.read("flair+t1"), subject.labelled.read_labels()
    for path in (subject.scan.t1, subject.label):
        write_volume(path, turned(str(path)))
    for before, after in zip(images, subject.scan.read("flair+t1"), strict=True):
        np.testing.assert_array_equal(before.array, after.array)
    np.testing.assert_array_equal(subject.labelled.read_labels().array, labels.array)


def test_people_without_lesions_can_be_learnt_from_and_scored(tmp_path: Path) -> None:
    clinics = open_clinics(write_clinics(tmp_path / "data", subjects=2))
    for subject in clinics["utrecht"].subjects:
        nib.save(nib.Nifti1Image(np.zeros((32, 40, 5), np.float32), AFFINE), subject.label)
    assert not subject.labelled.read_labels().array.any()
    scenario = Scenario(method="supervised", source="utrecht", **RECIPE | {"steps": 2})
    assert len(run(scenario, clinics, store=tmp_path).scores) == 1


def test_no_subject_is_in_two_folds(clinics: Clinics) -> None:
    first, second = clinics["singapore"].folds
    assert not {s.id for s in first} & {s.id for s in second}
    assert {*first, *second} == set(clinics["singapore"].training)
    assert len(first) == len(second)


def test_folds_have_like_lesion_volumes(clinics: Clinics) -> None:
    volumes = sorted(s.lesion_ml for s in clinics["singapore"].training)
    first, second = (sum(s.lesion_ml for s in fold) for fold in clinics["singapore"].folds)
    assert abs(first - second) <= volumes[-1] - volumes[0]


def test_pooled_clinics_hold_every_subject(clinics: Clinics) -> None:
    pooled = clinics["utrecht+singapore"]
    assert len(pooled.subjects) == 10
    assert {s.scan.clinic for s in pooled.subjects} == {"utrecht", "singapore"}


def test_the_fingerprint_follows_every_byte(tmp_path: Path) -> None:
    folder = write_clinics(tmp_path)
    before = open_clinics(folder)["utrecht"].fingerprint
    assert open_clinics(folder)["utrecht"].fingerprint == before
    label = folder / "training/Utrecht/0/wmh.nii.gz"
    label.write_bytes(label.read_bytes() + b"\x00")
    assert open_clinics(folder)["utrecht"].fingerprint != before


def test_a_folder_without_scans_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="training/Utrecht"):
        open_clinics(tmp_path)


def test_an_unknown_clinic_or_subject_names_those_there_are(clinics: Clinics) -> None:
    with pytest.raises(InputError, match="utrecht, singapore"):
        clinics["paris"]
    with pytest.raises(InputError, match="0, 1, 2, 3, 4"):
        clinics["utrecht"].subject("99")


def test_a_missing_label_or_t1_is_named(tmp_path: Path) -> None:
    folder = write_clinics(tmp_path)
    (folder / "training/Utrecht/0/wmh.nii.gz").unlink()
    (folder / "training/Utrecht/0/pre/T1.nii.gz").unlink()
    subject = open_clinics(folder)["utrecht"].subject("0")
    with pytest.raises(InputError, match=r"wmh\.nii\.gz"):
        _ = subject.labelled
    with pytest.raises(InputError, match="T1"):
        subject.scan.read("flair+t1")


PHILIPS = "Amsterdam/Philips_VU .PETMR_01."


@pytest.fixture(scope="module")
def whole_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The challenge's tree, tiny, with its quirks: shapes, label 2, float labels, defacing."""
    folder = tmp_path_factory.mktemp("challenge")
    places = [
        *(f"{split}/{site}/{number + test}" for split, test in (("training", 0), ("test", 5))
          for site, first in (("Utrecht", 0), ("Singapore", 50), ("Amsterdam/GE3T", 100))
          for number in range(first, first + 2)),
        "test/Amsterdam/GE1T5/150", "test/Amsterdam/GE1T5/157",
        f"test/{PHILIPS}/160", f"test/{PHILIPS}/161",
    ]  # fmt: skip
    for number, place in enumerate(places):
        home = folder / place
        write_subject(home, np.random.default_rng(number), 1 + number / 10, 1.5)
        for name in ("pre/FLAIR", "pre/T1", "wmh"):
            quirk(home / f"{name}.nii.gz", number)
        for name in ("FLAIR", "3DT1", "3DT1_mask", "T1"):
            (home / "orig").mkdir(exist_ok=True)
            (home / f"orig/{name}.nii.gz").write_bytes(b"nobody reads this")
    opinion = folder / "additional_annotations/observer_o3/training/Singapore/50"
    opinion.mkdir(parents=True)
    shutil.copy(folder / "training/Singapore/51/wmh.nii.gz", opinion / "result.nii.gz")
    return folder


def quirk(path: Path, number: int) -> None:
    """Another shape for odd numbers; defaced FLAIRs; a label 2 in every third truth, as float32."""
    array = np.asarray(nib.load(path).dataobj).copy()
    if path.name == "FLAIR.nii.gz":
        array[:, :6, :2] = 0
    if path.name == "wmh.nii.gz" and number % 3 == 0:
        array[10:13, 12:15, 2] = 2
    array = array[2:-2] if number % 2 else array
    nib.save(nib.Nifti1Image(array.astype(np.float32), AFFINE), path)


def test_the_whole_challenge_is_read(whole_tree: Path) -> None:
    clinics = open_clinics(whole_tree)
    assert {name: len(clinic.subjects) for name, clinic in clinics.items()} == {
        "utrecht": 4, "singapore": 4, "amsterdam": 4, "amsterdam-ge1t5": 2, "amsterdam-philips": 2,
    }  # fmt: skip
    assert [s.id for s in clinics["amsterdam"].test] == ["105", "106"]
    assert [s.id for s in clinics["amsterdam-philips"].studied] == ["160", "161"]
    assert len({s.scan.read()[0].array.shape for s in clinics["utrecht"].subjects}) == 2


@pytest.mark.parametrize("inputs", ["flair", "flair+t1"])
@pytest.mark.parametrize("target", ["amsterdam-philips", "amsterdam"])
def test_scenarios_run_on_the_challenges_tree(
    whole_tree: Path, tmp_path: Path, target: str, inputs: str
) -> None:
    scenario = Scenario(method="distillation", source="utrecht+singapore", target=target,
                        inputs=inputs, **RECIPE | {"steps": 3})  # fmt: skip
    scores = run(scenario, open_clinics(whole_tree), store=tmp_path).scores
    assert len(scores) == 1
    assert scores.dice.between(0, 1).all()


def test_a_part_of_the_tree_is_read_too(whole_tree: Path) -> None:
    assert list(open_clinics(whole_tree / "training")) == ["utrecht", "singapore", "amsterdam"]
    assert list(open_clinics(whole_tree / "test"))[3:] == ["amsterdam-ge1t5", "amsterdam-philips"]


def test_another_observers_truth_stands_in_where_there_is_one(whole_tree: Path) -> None:
    first, other = (open_clinics(whole_tree, observer=o)["singapore"] for o in (None, "o3"))
    changed = [a.id for a, b in zip(first.subjects, other.subjects, strict=True) if a != b]
    assert changed == ["50"]
    assert other.fingerprint != first.fingerprint
    with pytest.raises(InputError, match="'o4'; it has o3"):
        open_clinics(whole_tree, observer="o4")
