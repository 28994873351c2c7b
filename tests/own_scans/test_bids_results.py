"""Laws of results for a BIDS dataset: they are a derivative that the standard's validator takes."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from kdlib.data.clinics import Clinics, open_clinics
from kdlib.data.image_file import read_volume
from tests.command import Done, kdlib
from tests.patients import write_bids, write_plain
from tests.tiny import RECIPE

DESCRIPTION = {"Name": "Two people", "BIDSVersion": "1.10.0", "DatasetType": "raw"}


@pytest.fixture(scope="module")
def run_folder(clinics: Clinics, store: Path) -> Path:
    """A finished run, which has learned something."""
    settings = [f"--set={k}={json.dumps(v)}" for k, v in RECIPE.items()]
    done = kdlib("run", "--method", "supervised", "--source", "utrecht", "--device", "cpu",
                 "--data", clinics.folder, "--store", store, *settings)  # fmt: skip
    assert done.status == 0, done.err
    return Path(done.out.splitlines()[0])


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A BIDS dataset of two people, one session each; the second one's id begins as the first's."""
    folder = write_bids(tmp_path / "Jane", "1", "10")
    (folder / "dataset_description.json").write_text(json.dumps(DESCRIPTION))
    return folder


def rows(out: Path) -> list[dict[str, str]]:
    head, *lines = [line.split("\t") for line in (out / "lesions.tsv").read_text().splitlines()]
    return [dict(zip(head, line, strict=True)) for line in lines]


def files(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def predicted(run: Path, dataset: Path, out: Path, *more: str) -> Done:
    done = kdlib("predict", run, dataset, "--out", out, "--device", "cpu", *more)
    assert done.status == 0, done.err
    return done


def refused_by_validator(folder: Path) -> list[dict]:
    """The errors of the standard's own validator, which may not use the network here."""
    found, deno = find_spec("bids_validator_deno"), Path(sys.executable).with_name("deno")
    if found is None or not deno.exists():
        pytest.skip("bids-validator-deno is not installed")
    program = Path(str(found.origin)).with_name("bids-validator.js")
    may = [
        "--allow-read",
        "--allow-env",
        "--allow-write",
        "--deny-net",
        "--no-remote",
        "--no-prompt",
    ]
    command = [deno, "run", *may, program, folder, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    issues = json.loads(done.stdout)["issues"]["issues"]
    return [issue for issue in issues if issue["severity"] == "error"]


@pytest.mark.parametrize("inside", [True, False])
def test_the_validator_takes_the_derivative(
    run_folder: Path, dataset: Path, tmp_path: Path, inside: bool
) -> None:
    out = dataset / "derivatives/kdlib" if inside else tmp_path / "out"
    predicted(run_folder, dataset, out)
    assert refused_by_validator(out) == []
    (out / "sub-1/ses-1/anat/sub-1_ses-1_FLAIR_mask.nii.gz").touch()
    assert [e["code"] for e in refused_by_validator(out)] != []


def test_each_scan_has_mask_map_and_sidecars_under_its_own_name(
    run_folder: Path, dataset: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    predicted(run_folder, dataset, out)
    for person, row in zip(("sub-1", "sub-10"), rows(out), strict=True):
        stem = out / f"{person}/ses-1/anat/{person}_ses-1"
        scan = nib.load(dataset / f"{person}/ses-1/anat/{person}_ses-1_FLAIR.nii.gz")
        mask = read_volume(f"{stem}_label-WMH_mask.nii.gz", allow_constant=True)
        probability = read_volume(f"{stem}_label-WMH_probseg.nii.gz", allow_constant=True)
        np.testing.assert_allclose(mask.affine, scan.affine, atol=1e-5)
        np.testing.assert_array_equal(mask.array == 1, probability.array >= 0.5)
        told = json.loads(Path(f"{stem}_label-WMH_mask.json").read_text())
        assert (told["Threshold"], told["Run"]) == (0.5, run_folder.name)
        volume = mask.array.sum() * np.prod(mask.spacing_mm) / 1000
        assert float(row["lesion_ml"]) == pytest.approx(volume, abs=1e-3)
        assert (row["participant_id"], row["scan"]) == (person, f"{person}_ses-1")
        assert (row["run"], row["threshold"]) == (run_folder.name, "0.5")
        assert row["brain_ml"] == "n/a"  # a run of a study does not look for the brain
    assert not [name for name, content in files(out).items() if b"Jane" in content]


def test_a_validator_skips_what_lies_beside_the_people_and_no_sidecar(
    run_folder: Path, dataset: Path, tmp_path: Path
) -> None:
    predicted(run_folder, dataset, tmp_path / "out")
    patterns = (tmp_path / "out/.bidsignore").read_text().split()
    assert all(pattern.startswith("/") for pattern in patterns)  # else it holds at every depth


def test_plain_folders_have_the_same_table(run_folder: Path, tmp_path: Path) -> None:
    own = write_plain(tmp_path / "own", "anna", "bert")
    predicted(run_folder, own, tmp_path / "out")
    facts = json.loads((tmp_path / "out/report.json").read_text())["scans"]
    assert [(row["scan"], row["lesions"], row["lesion_ml"]) for row in rows(tmp_path / "out")] == [
        (f["subject"], str(f["lesions"]["result"]), str(f["lesion_ml"]["result"])) for f in facts
    ]
    assert (
        json.loads((tmp_path / "out/lesions.json").read_text()).keys()
        == rows(tmp_path / "out")[0].keys()
    )


def test_masks_that_kdlib_wrote_are_no_labels_and_no_patients(
    run_folder: Path, dataset: Path
) -> None:
    shutil.rmtree(dataset / "derivatives")
    for out in (dataset / "derivatives/kdlib", dataset / "masks"):
        predicted(run_folder, dataset, out)
    subjects = [s for clinic in open_clinics(dataset).values() for s in clinic.subjects]
    assert [(subject.id, subject.label, subject.faults) for subject in subjects] == [
        ("sub-1_ses-1", None, ()), ("sub-10_ses-1", None, ()),
    ]  # fmt: skip


def test_the_app_keeps_what_other_participants_have(
    run_folder: Path, dataset: Path, tmp_path: Path
) -> None:
    def app(*more: str) -> Done:
        return kdlib("bids", dataset, tmp_path / "out", *more, "--device", "cpu")

    first = app("participant", "--participant-label", "1", "--run", str(run_folder))
    assert first.status == 0, first.err
    assert [row["participant_id"] for row in rows(tmp_path / "out")] == ["sub-1"]
    before = files(tmp_path / "out")
    second = app("participant", "--run", str(run_folder), "--participant_label", "sub-10")
    assert second.status == 0, second.err
    after = files(tmp_path / "out")
    assert {name for name in before if after.get(name) != before[name]} == {"lesions.tsv"}
    (tmp_path / "out/lesions.tsv").unlink()
    assert app("group").status == 0
    assert files(tmp_path / "out") == after
    assert refused_by_validator(tmp_path / "out") == []
    both = app("participant", "--run", str(run_folder), "--participant-label", "1", "10")
    assert (both.status, files(tmp_path / "out")) == (0, after)
    assert "scans segmented" in both.err
    assert both.err.count("2/2") == 1


@pytest.mark.parametrize("labels", [[], ["--participant-label", "1"]])
def test_a_participant_without_a_usable_scan_has_no_old_results_and_is_told(
    run_folder: Path, dataset: Path, tmp_path: Path, labels: list[str]
) -> None:
    def app(*more: str) -> Done:
        run = ("--run", str(run_folder), "--device", "cpu")
        return kdlib("bids", dataset, tmp_path / "out", "participant", *run, *more)

    assert app().status == 0
    anat = dataset / "sub-1/ses-1/anat"
    (anat / "sub-1_ses-1_FLAIR.nii.gz").write_bytes(b"damaged")
    (anat / "strange_flair.nii").touch()
    refused = app(*labels)
    assert (refused.status, len(rows(tmp_path / "out"))) == (2, 2)
    refused = app("--skip-bad", *labels)
    assert (refused.status, len(rows(tmp_path / "out"))) == (2, 2)
    assert "give --replace to remove them" in refused.err
    done = app("--skip-bad", "--replace", *labels)
    assert done.status == (1 if labels else 0), done.err
    told = json.loads((tmp_path / "out/sub-1.json").read_text())
    assert (told["scans"], len(told["left_out"])) == ([], 2)
    assert [line for line in told["left_out"] if line not in done.out] == []
    assert "Masks and maps of an earlier call that were removed: " in done.out
    assert not list((tmp_path / "out").glob("sub-1*/**/*sub-1_*"))
    assert not (tmp_path / "out/sub-1.html").exists()
    assert [row["participant_id"] for row in rows(tmp_path / "out")] == ["sub-10"]
    shutil.copyfile(dataset / "sub-10/ses-1/anat/sub-10_ses-1_FLAIR.nii.gz",
                    anat / "sub-1_ses-1_FLAIR.nii.gz")  # fmt: skip
    assert app("--skip-bad", *labels).status == 0
    assert len(rows(tmp_path / "out")) == 2


def test_the_app_replaces_no_result_that_somebody_changed(
    run_folder: Path, dataset: Path, tmp_path: Path
) -> None:
    def app(label: str) -> Done:
        run = ("--run", str(run_folder), "--device", "cpu", "--participant-label", label)
        return kdlib("bids", dataset, tmp_path / "out", "participant", *run)

    assert [app("1").status, app("10").status] == [0, 0]
    (mask,) = (tmp_path / "out/sub-1").rglob("*WMH_mask.nii.gz")
    mask.write_bytes(b"corrected")
    assert (app("1").status, app("10").status) == (2, 0)
    assert mask.read_bytes() == b"corrected"


def test_a_new_call_removes_the_results_of_the_last_one(
    run_folder: Path, dataset: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    predicted(run_folder, dataset, out)
    shutil.rmtree(dataset / "sub-1")
    shutil.rmtree(dataset / "derivatives")
    predicted(run_folder, dataset, out, "--replace")
    assert not (out / "sub-1").exists()
    assert [row["participant_id"] for row in rows(out)] == ["sub-10"]
    own = write_plain(tmp_path / "own", "anna")
    predicted(run_folder, own, out, "--replace")
    assert sorted(path.name for path in out.iterdir()) == [
        "anna_lesion_mask.nii.gz", "anna_lesion_probability.nii.gz", "lesions.json", "lesions.tsv",
        "report.html", "report.json",
    ]  # fmt: skip


def test_a_report_that_was_forged_makes_nobody_remove_other_files(
    run_folder: Path, dataset: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim_lesion_mask.nii.gz"
    victim.touch()
    (tmp_path / "out").mkdir()
    scans = [{"subject": "x", "mask": f"../{victim.name}", "probability": str(victim)}]
    forged = {"notice": "", "left_out": [], "scans": scans}
    (tmp_path / "out/report.json").write_text(json.dumps(forged))
    predicted(run_folder, dataset, tmp_path / "out")
    assert victim.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bids", "DATA", "DATA", "participant"], "is a dataset that kdlib did not write"),
        (["bids", "DATA", "DERIVED", "participant"], "is a dataset that kdlib did not write"),
        (["bids", "DATA", "OUT", "participant", "--participant-label", "2"], "no participant '2'"),
        (["bids", "DATA", "OUT", "participant", "1"], "1: this word is too many"),
        (["bids", "PLAIN", "OUT", "participant"], "this is no BIDS dataset"),
        (["bids", "DATA", "OUT", "group"], "no lesion masks here that kdlib wrote"),
        (["predict", "DATA", "--out", "DATA"], "is a dataset that kdlib did not write"),
        (["predict", "DATA", "--out", "PERSON"], "is a dataset that kdlib did not write"),
        (["bids", "DATA", "PERSON", "participant"], "is a dataset that kdlib did not write"),
        (["predict", "FLAIR", "--out", "ANAT"], "is a dataset that kdlib did not write"),
        (["predict", "FLAIR", "--out", "DATA"], "is a dataset that kdlib did not write"),
        (["predict", "RUN", "--out", "OUT"], "name the scans to segment after it"),
        (["predict", "RUN", "RUN", "--out", "OUT"], "this is a run and no scan"),
        (["predict", "--run", "RUN", "RUN", "PLAIN", "--out", "OUT"], "this is a run and no scan"),
    ],
)
def test_what_is_ambiguous_or_would_harm_is_one_line(
    arguments: list[str], said: str, run_folder: Path, dataset: Path, tmp_path: Path
) -> None:
    derived = tmp_path / "derived"
    shutil.copytree(dataset / "derivatives", derived)
    (derived / "dataset_description.json").write_text(json.dumps(DESCRIPTION))
    plain = write_plain(tmp_path / "plain", "anna")
    before = files(tmp_path)
    names = {"DATA": dataset, "OUT": tmp_path / "out", "PLAIN": plain, "RUN": run_folder}
    names |= {"DERIVED": derived, "PERSON": dataset / "sub-1"}
    anat = dataset / "sub-1/ses-1/anat"
    names |= {"ANAT": anat, "FLAIR": anat / "sub-1_ses-1_FLAIR.nii.gz"}
    more = ["--run", run_folder] if said.startswith("is a dataset") else []
    done = kdlib(*(names.get(word, word) for word in arguments), *more)
    assert (done.status, len(done.err.splitlines())) == (2, 1), done.err
    assert said in done.err
    assert files(tmp_path) == before
