"""Laws of results that are there already: only what kdlib wrote itself is replaced."""

import gzip
from pathlib import Path

import pytest

from kdlib.data.clinics import Clinics
from kdlib.data.subjects import Subject
from kdlib.own_scans import segmentation
from tests.command import Done, kdlib
from tests.own_scans.adapted import NAMES, adapted, names, student


def test_results_of_other_scans_are_removed_only_if_the_user_says_so(
    done: Path, target: Path, tmp_path: Path
) -> None:
    for name in NAMES:
        call = ["predict", student(done), target / name, "--out", tmp_path]
        if name != NAMES[0]:
            before = names(tmp_path)
            said = kdlib(*call)
            assert (said.status, len(said.err.splitlines())) == (2, 1)
            assert "has the results of other scans, such as " in said.err
            assert names(tmp_path) == before
        said = kdlib(*call, "--replace")
        assert said.status == 0, said.err
        removed = "Masks and maps of an earlier call that were removed: 2" in said.out
        assert removed == (name == NAMES[1])
    kinds = ("mask", "probability")
    wanted = {f"{NAMES[-1]}_lesion_{kind}.nii.gz" for kind in kinds}
    assert names(tmp_path) == wanted | {
        "report.html", "report.json", "lesions.tsv", "lesions.json",
    }  # fmt: skip


def test_results_of_an_interrupted_call_are_removed(
    done: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = sorted(NAMES)
    masks = [f"{name}_lesion_mask.nii.gz" for name in (first, second)]
    facts_of = segmentation._facts

    def interrupted(subject: Subject, *more: object) -> dict:
        if subject.id == second:
            raise KeyboardInterrupt
        return facts_of(subject, *more)

    with monkeypatch.context() as patch:
        patch.setattr(segmentation, "_facts", interrupted)
        kdlib("predict", student(done), target, "--out", tmp_path)
    assert masks[0] in names(tmp_path)
    kept = (tmp_path / masks[0]).read_bytes()
    (tmp_path / masks[0]).write_bytes(b"corrected by hand")
    again = ["predict", student(done), target / second, "--out", tmp_path, "--replace"]
    said = kdlib(*again)
    assert (said.status, f"{masks[0]}: this result was changed" in said.err) == (2, True)
    (tmp_path / masks[0]).write_bytes(kept)
    said = kdlib(*again)
    assert said.status == 0, said.err
    assert masks[0] not in names(tmp_path)


def test_old_masks_stay_until_there_are_new_ones(
    done: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    call = ["predict", student(done), target, "--out", tmp_path]
    assert kdlib(*call).status == 0
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.nii.gz")}
    with monkeypatch.context() as patch:
        patch.setattr(segmentation, "_answer", interrupted)
        kdlib(*call, "--threshold", "0.2")
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.nii.gz")} == before
    mask = next(tmp_path.glob("*_lesion_mask.nii.gz"))
    mask.write_bytes(b"corrected by hand")  # also now it is known what kdlib wrote
    assert f"{mask}: this result was changed" in kdlib(*call).err
    mask.write_bytes(before[mask.name])
    assert kdlib(*call).status == 0


@pytest.mark.parametrize("stops", ["_doubts", "write_volume", "write_sidecars"])
def test_a_call_that_was_stopped_while_it_wrote_can_be_made_again(
    done: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops: str
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    call = ["predict", student(done), target, "--out", tmp_path]
    assert kdlib(*call).status == 0
    with monkeypatch.context() as patch:
        patch.setattr(segmentation, stops, interrupted)
        kdlib(*call, "--threshold", "0.2")
    mask = next(tmp_path.glob("*_lesion_mask.nii.gz"))
    made = mask.read_bytes()
    mask.write_bytes(b"corrected by hand")
    assert f"{mask}: this result was changed" in kdlib(*call).err
    mask.write_bytes(made)
    again = kdlib(*call)
    assert again.status == 0, again.err


def test_another_scan_of_the_same_name_is_another_scan(
    done: Path, target: Path, tmp_path: Path
) -> None:
    call = ["predict", student(done), tmp_path / "p1/FLAIR.nii.gz", "--out", tmp_path / "out"]
    (tmp_path / "p1").mkdir()
    for number, name in enumerate(NAMES):
        flair = next((target / name).glob("FLAIR.nii*"))
        (tmp_path / "p1/FLAIR.nii.gz").write_bytes(flair.read_bytes())
        said = kdlib(*call)
        assert said.status == (2 if number else 0), said.err
        assert not number or "the results of another scan that is called p1" in said.err
    assert kdlib(*call, "--replace").status == 0


def test_a_scan_that_fails_on_the_way_keeps_its_old_results(
    done: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts_of = segmentation._facts

    def fails(subject: Subject, *more: object) -> dict:
        if subject.id == NAMES[0]:
            raise MemoryError
        return facts_of(subject, *more)

    call = ["predict", student(done), target, "--out", tmp_path]
    assert kdlib(*call).status == 0
    mask = tmp_path / f"{NAMES[0]}_lesion_mask.nii.gz"
    before = mask.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(segmentation, "_facts", fails)
        assert kdlib(*call, "--threshold", "0.2").status == 1
    assert mask.read_bytes() == before
    mask.write_bytes(b"corrected by hand")
    assert f"{mask}: this result was changed" in kdlib(*call).err
    mask.write_bytes(before)
    assert kdlib(*call).status == 0


def test_files_that_the_next_network_does_not_write_stay_known(
    done: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The starter writes a mask of the brain, and a run does not."""
    scan = target / NAMES[0]
    assert kdlib("predict", scan, "--out", tmp_path).status == 0
    assert len([*tmp_path.glob("*_brain_mask.nii.gz")]) == 1

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    call = ["predict", student(done), scan, "--out", tmp_path]
    with monkeypatch.context() as patch:
        patch.setattr(segmentation, "_answer", interrupted)
        kdlib(*call)
    again = kdlib(*call)
    assert again.status == 0, again.err
    assert not [*tmp_path.glob("*_brain_mask.nii.gz")]


def test_results_that_nobody_vouches_for_are_not_replaced(
    done: Path, clinics: Clinics, target: Path, tmp_path: Path
) -> None:
    mask = tmp_path / "masks/somebody_lesion_mask.nii.gz"
    mask.parent.mkdir()
    mask.write_bytes(b"a radiologist's work")
    for said in (
        kdlib("predict", student(done), target, "--out", tmp_path / "masks"),
        adapted(clinics, target, tmp_path),
    ):
        assert (said.status, len(said.err.splitlines())) == (2, 1)
        assert f"{mask}: there is a file already" in said.err
    assert names(tmp_path) == {"masks"}
    assert names(tmp_path / "masks") == {mask.name}


@pytest.mark.parametrize("name", ["report.html", "report.json", "lesions.tsv"])
def test_a_page_or_table_of_somebody_else_is_not_replaced(
    done: Path, target: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("{}")
    said = kdlib("predict", student(done), target, "--out", tmp_path)
    assert (said.status, f"{tmp_path / name}: there is a file already" in said.err) == (2, True)
    assert (names(tmp_path), (tmp_path / name).read_text()) == ({name}, "{}")


def test_a_result_that_somebody_changed_is_not_removed(
    done: Path, target: Path, tmp_path: Path
) -> None:
    def again() -> Done:
        return kdlib("predict", student(done), target / "p1", "--out", tmp_path)

    assert [again().status, again().status] == [0, 0]
    mask = tmp_path / "p1_lesion_mask.nii.gz"
    mask.write_bytes(edited := gzip.compress(gzip.decompress(mask.read_bytes()), mtime=1))
    before = names(tmp_path)
    said = again()
    assert (said.status, len(said.err.splitlines())) == (2, 1), said.err
    assert f"{mask}: this result was changed after kdlib wrote it; move it away" in said.err
    assert (names(tmp_path), mask.read_bytes()) == (before, edited)
    mask.rename(tmp_path / "mine.nii.gz")
    assert again().status == 0
    assert (tmp_path / "mine.nii.gz").read_bytes() == edited
