"""Laws of several folders: each clinic has one name and one place, and each patient one folder."""

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from kdlib.data.clinics import Clinics, open_clinics
from kdlib.data.places import place_of
from kdlib.errors import DoubtWarning, InputError
from tests.command import kdlib
from tests.patients import write_plain
from tests.tiny import RECIPE, write_clinics


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Plain folders of four patients, whose scans are in no other folder."""
    write_clinics(tmp_path / "made", subjects=4)
    for number, person in enumerate(sorted((tmp_path / "made/training/Singapore").iterdir())):
        home = tmp_path / "scans" / f"anna{number}"
        home.mkdir(parents=True)
        shutil.copy(person / "pre/FLAIR.nii.gz", home / "FLAIR.nii.gz")
        shutil.copy(person / "wmh.nii.gz", home / "mask.nii.gz")
    return tmp_path / "scans"


@pytest.fixture
def utrecht(tmp_path: Path) -> Path:
    """The challenge's layout with Utrecht alone."""
    folder = write_clinics(tmp_path / "clinics", subjects=2)
    for split in ("training", "test"):
        shutil.rmtree(folder / split / "Singapore")
    return folder


def test_folders_are_opened_together_with_the_names_that_the_user_gives(
    utrecht: Path, own: Path
) -> None:
    clinics = open_clinics(utrecht, f"{own}:tabriz")
    assert list(clinics) == ["utrecht", "tabriz"]
    assert clinics.homes == {"utrecht": utrecht, "tabriz": own}
    assert {s.scan.clinic for s in clinics["utrecht+tabriz"].subjects} == {"utrecht", "tabriz"}


def test_a_clinic_has_the_same_fingerprint_beside_others_and_alone(
    utrecht: Path, own: Path
) -> None:
    together = open_clinics(utrecht, own)
    for folder, name in ((utrecht, "utrecht"), (own, "own")):
        assert together[name].fingerprint == open_clinics(folder)[name].fingerprint


def mixed_study(folder: Path) -> Path:
    """The file of a study from one folder to another, which trains for two steps."""
    recipe = "\n".join(f"{k} = {json.dumps(v)}" for k, v in (RECIPE | {"steps": 2}).items())
    (folder / "mixed.toml").write_text(
        'about = "Mixed."\npairs = [["utrecht", "tabriz"]]\nfolds = [0, 1]\nseeds = [0]\n'
        f'[arms]\nAdaBN = {{method = "adabn"}}\n[recipe]\n{recipe}'
    )
    return folder / "mixed.toml"


def test_a_study_runs_from_one_folder_to_another(utrecht: Path, own: Path, tmp_path: Path) -> None:
    study = mixed_study(tmp_path)
    places = ("--data", utrecht, "--data", f"{own}:tabriz", "--store", tmp_path / "runs")
    made = kdlib("study", study, *places, "--device", "cpu", "--workers", 1)
    assert made.status == 0, made.err
    told = kdlib("report", study, *places, "--out", tmp_path / "report")
    assert told.status == 0, told.err
    scores = (tmp_path / "report/scores.csv").read_text()
    assert [name in scores for name in ("anna0", "anna1", "anna2", "anna3")] == [True] * 4
    assert "The study has no arm without adaptation to compare with." in told.out


def test_a_report_leaves_out_whom_the_study_left_out(
    utrecht: Path, own: Path, tmp_path: Path
) -> None:
    (own / "anna3/FLAIR.nii.gz").write_bytes(b"no scan")
    study = mixed_study(tmp_path)
    places = ("--data", utrecht, "--data", f"{own}:tabriz", "--store", tmp_path / "runs")
    made = kdlib("study", study, *places, "--device", "cpu", "--workers", 1, "--skip-bad")
    assert made.status == 0, made.err
    told = kdlib("report", study, *places, "--out", tmp_path / "report", "--skip-bad")
    assert told.status == 0, told.err
    assert "Left out (1):\n  anna3" in told.out
    scores = pd.read_csv(tmp_path / "report/scores.csv")
    assert sorted(scores["subject"]) == ["anna0", "anna1", "anna2"]


def test_a_report_scores_against_other_masks_too(utrecht: Path, own: Path, tmp_path: Path) -> None:
    study = mixed_study(tmp_path)
    bound = '[arms]\nL-bound = {method = "unadapted"}\n'
    study.write_text(study.read_text().replace("[arms]\n", bound))
    places = ("--data", utrecht, "--data", f"{own}:tabriz", "--store", tmp_path / "runs")
    assert kdlib("study", study, *places, "--device", "cpu", "--workers", 1).status == 0
    out = ("--out", tmp_path / "report")
    missing = kdlib("report", study, *places, *out, "--labels", "mask_all")
    assert (missing.status, "no tested subject has mask_all" in missing.err) == (2, True)
    shutil.copy(own / "anna1/mask.nii.gz", own / "anna1/mask_all.nii.gz")
    shutil.copy(own / "anna2/mask.nii.gz", own / "anna3/mask_all.nii.gz")
    told = kdlib("report", study, *places, *out, "--labels", "mask_all.nii.gz", "--gap")
    assert told.status == 0, told.err
    assert "The mean Dice without adaptation is" in told.out
    parts = pd.read_csv(tmp_path / "report/gap_parts.csv").set_index("subject")
    assert sorted(parts.index[parts["other_labels"].notna()]) == ["anna1", "anna3"]
    first, other = (
        pd.read_csv(tmp_path / "report" / name).query("arm == 'AdaBN'").set_index("subject")
        for name in ("scores.csv", "mask_all/scores.csv")
    )
    assert sorted(other.index) == ["anna1", "anna3"]
    plain = pd.read_csv(tmp_path / "report/scores.csv").query("arm == 'L-bound'")
    assert parts["dice"].to_dict() == pytest.approx(
        plain.set_index("subject")["dice"].to_dict(), abs=1e-6
    )
    assert (parts["threshold"] >= parts["clinic_threshold"]).all()
    assert other.loc["anna1", "brier_head"] == pytest.approx(
        first.loc["anna1", "brier_head"], abs=1e-6
    )
    assert other.loc["anna3", "brier_head"] != pytest.approx(
        first.loc["anna3", "brier_head"], abs=1e-4
    )


def test_a_folder_with_a_colon_is_taken_as_it_stands(own: Path, tmp_path: Path) -> None:
    odd = own.rename(tmp_path / "scans:2024")
    assert list(open_clinics(str(odd))) == ["own"]
    assert list(open_clinics(f"{odd}:mine")) == ["mine"]
    assert place_of(odd) == (odd, None)


@pytest.mark.parametrize("text", [r"C:\scans", "C:/scans", "/a:b/c"])
def test_what_has_a_slash_after_the_colon_is_a_folder(text: str) -> None:
    assert place_of(text) == (Path(text), None)
    assert place_of(f"{text}:mine") == (Path(text), "mine")


def test_a_place_is_written_as_it_is_read(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(own.parent)
    assert str(place_of("scans:mine").absolute()) == f"{own}:mine"
    assert place_of(str(place_of("scans").absolute())) == (own, None)


@pytest.mark.parametrize("name", ["", "a+b", "my clinic", "all", "ä"])
def test_a_name_that_no_clinic_can_have_is_refused(own: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"cannot be the name of a clinic; write FOLDER:NAME"):
        open_clinics(f"{own}:{name}")


def test_a_missing_folder_is_named(own: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such folder or file"):
        open_clinics(own, f"{own.parent}/nowhere:mine")


def test_two_clinics_of_one_name_are_refused(utrecht: Path, own: Path) -> None:
    with pytest.raises(InputError, match=r"'own', and .*scans has one too; give it another name"):
        open_clinics(own, own)
    write_clinics(utrecht.parent / "more", subjects=1)
    with pytest.raises(InputError, match=r"'utrecht', and .* has one too; keep one of them"):
        open_clinics(utrecht, utrecht.parent / "more")


def test_the_challenges_clinics_keep_their_names(utrecht: Path) -> None:
    with pytest.raises(InputError, match=r"called \(utrecht\); leave out :mine"):
        open_clinics(f"{utrecht}:mine")


@pytest.mark.parametrize("linked", [False, True])
def test_one_scan_in_two_folders_is_refused(own: Path, linked: bool) -> None:
    other = write_plain(own.parent / "other", "bert", "carl")
    (other / "bert" / "FLAIR.nii.gz").unlink()
    place = os.link if linked else shutil.copy
    place(own / "anna1" / "FLAIR.nii.gz", other / "bert" / "FLAIR.nii.gz")
    with pytest.raises(InputError) as caught:
        open_clinics(own, f"{other}:other")
    same = f"{Path('bert', 'FLAIR.nii.gz')} is the same scan as {Path('anna1', 'FLAIR.nii.gz')}"
    assert same in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_patient_whom_both_tables_name_is_refused(own: Path) -> None:
    other = write_plain(own.parent / "other", "7")
    rows = [f"anna{n}\t{n or 'Anna'}\n" for n in range(4)]
    (own / "participants.tsv").write_text("participant_id\tpatient\n" + "".join(rows))
    (other / "participants.tsv").write_text("participant_id\tpatient\n7\tAnna\n")
    with pytest.raises(InputError, match=r"the patient Anna in .*scans too; remove the scans"):
        open_clinics(own, f"{other}:other")


def test_names_that_tell_a_person_are_a_doubt_and_numbers_are_not(own: Path) -> None:
    other = write_plain(own.parent / "other", "anna1", "7")
    with pytest.warns(DoubtWarning, match="a patient called anna1 in .*scans too; if it is one"):
        open_clinics(own, f"{other}:other")
    more = [write_plain(own.parent / name, "sub-07", "8") for name in ("more", "most")]
    (more[1] / "8" / "FLAIR.nii.gz").write_bytes(b"another scan")
    (more[1] / "sub-07" / "FLAIR.nii.gz").write_bytes(b"yet another")
    open_clinics(more[0], f"{more[1]}:most")  # a warning would be an error here


def test_an_unknown_clinic_names_all_folders(utrecht: Path, own: Path) -> None:
    clinics: Clinics = open_clinics(utrecht, f"{own}:tabriz")
    with pytest.raises(InputError, match=r"'paris'; .*clinics and .*scans has utrecht, tabriz"):
        clinics.chosen(["paris"])
