"""Laws of plausibility: what no patient has is told, and real scans and masks raise no doubt."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kdlib.data.clinics import open_clinics
from kdlib.data.image_file import read_volume, write_volume
from kdlib.data.volume import Volume
from kdlib.errors import DoubtWarning
from kdlib.own_scans.check import Finding, examine_all, sound
from kdlib.own_scans.plausibility import doubts_of_brain, doubts_of_scan, head_of
from kdlib.recipe import Preparation
from tests.command import kdlib
from tests.patients import write_plain

NAMES = ("a", "b", "c", "d", "e")


def examined(folder: Path, window: Preparation | None = None) -> dict[str, Finding]:
    return {f.subject: f for _, f in examine_all([open_clinics(folder)], window=window)}


def changed(path: Path, array: np.ndarray) -> None:
    write_volume(path, replace(read_volume(path), array=array))


def brain_as_mask(folder: Path) -> Path:
    """The second of two patients has a mask of the brain in the place of the lesions."""
    write_plain(folder, "a", "b")
    flair = read_volume(folder / "b/FLAIR.nii.gz").array
    changed(folder / "b/mask.nii.gz", (flair > 0).astype(np.uint8))
    return folder


def test_patients_raise_no_doubt(tmp_path: Path) -> None:
    for finding in examined(write_plain(tmp_path, *NAMES)).values():
        assert finding.problems == finding.doubts == finding.notes == ()


def test_a_mask_of_the_brain_is_doubted_and_said_with_its_share(tmp_path: Path) -> None:
    (doubt,) = examined(brain_as_mask(tmp_path))["b"].doubts
    assert doubt.startswith("b/mask.nii.gz: its lesions fill 100% of the head")


def test_a_doubt_is_told_and_stops_nothing(tmp_path: Path) -> None:
    with pytest.warns(DoubtWarning, match="a mask of the brain"):
        (kept,), left_out = sound([open_clinics(brain_as_mask(tmp_path))])
    assert [s.id for s in kept["own"].subjects] == ["a", "b"]
    assert left_out == []


def test_skip_bad_leaves_out_what_is_doubted(tmp_path: Path) -> None:
    (kept,), left_out = sound([open_clinics(brain_as_mask(tmp_path))], skip_bad=True)
    assert [s.id for s in kept["own"].subjects] == ["a"]
    assert [finding.subject for finding in left_out] == ["b"]


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 2), (0, 1, 2)])
def test_a_mirrored_mask_is_doubted(tmp_path: Path, axes: tuple[int, ...]) -> None:
    for name in NAMES:
        path = write_plain(tmp_path, name) / name / "mask.nii.gz"
        changed(path, np.flip(read_volume(path).array, axes))
    doubts = [finding.doubts for finding in examined(tmp_path).values()]
    assert sum("mirrored" in " ".join(lines) for lines in doubts) >= len(NAMES) - 1


def test_the_axis_is_named_by_the_patient_and_not_by_the_file(tmp_path: Path) -> None:
    """The first axis of these files points to the back."""
    path = write_plain(tmp_path, "a") / "a/mask.nii.gz"
    changed(path, np.flip(read_volume(path).array, 0))
    assert "mirrored front-back" in examined(tmp_path)["a"].doubts[0]


def test_the_mask_of_dark_places_is_doubted(tmp_path: Path) -> None:
    write_plain(tmp_path, "a")
    flair = read_volume(tmp_path / "a/FLAIR.nii.gz").array
    inside = np.flatnonzero((flair > 0) & (flair < np.percentile(flair[flair > 0], 20)))
    dark = np.zeros(flair.shape, np.uint8)
    dark.flat[np.random.default_rng(0).choice(inside, 60, replace=False)] = 1
    changed(tmp_path / "a/mask.nii.gz", dark)
    assert "FLAIR is not brighter in its lesions" in examined(tmp_path)["a"].doubts[0]


@pytest.mark.parametrize("factor", [0.1, 10])
def test_a_head_of_impossible_size_is_doubted(tmp_path: Path, factor: float) -> None:
    path = write_plain(tmp_path, "a") / "a/FLAIR.nii.gz"
    scan = read_volume(path)
    write_volume(path, Volume(scan.array, scan.affine @ np.diag([factor] * 3 + [1])))
    (tmp_path / "a/mask.nii.gz").unlink()
    assert f"the head is {128 * factor:.0f} mm long" in examined(tmp_path)["a"].doubts[0]


def test_one_slice_is_doubted(tmp_path: Path) -> None:
    path = write_plain(tmp_path, "a") / "a/FLAIR.nii.gz"
    scan = read_volume(path)
    write_volume(path, Volume(scan.array[:, 2:3], scan.affine))
    (tmp_path / "a/mask.nii.gz").unlink()
    assert "it has one slice" in examined(tmp_path)["a"].doubts[0]


def brain_and_head(*, edge_mm: float = 5, hollow: bool = False) -> tuple[Volume, np.ndarray]:
    """A brain in its head, without its skull: 1277 mL if an edge of a voxel has 5 mm."""
    x, y, z = np.indices((40, 40, 40)) - 19.5
    brain = (x / 13) ** 2 + (y / 15) ** 2 + (z / 12.5) ** 2 < 1
    deep = (x / 10) ** 2 + (y / 12) ** 2 + (z / 9.5) ** 2 < 1
    return Volume(brain, np.diag([-edge_mm, -edge_mm, edge_mm, 1])), brain & ~(deep & hollow)


@pytest.mark.parametrize("edge_mm", [5, 5.75])
def test_a_brain_of_an_adult_or_in_the_space_of_an_average_raises_no_doubt(edge_mm: float) -> None:
    """Brains in the space of MNI152, such as our simulated ones, have up to 1952 mL."""
    assert list(doubts_of_brain(*brain_and_head(edge_mm=edge_mm))) == []


@pytest.mark.parametrize("edge_mm", [3, 6])
def test_a_brain_of_impossible_volume_is_doubted(edge_mm: float) -> None:
    brain, inside = brain_and_head(edge_mm=edge_mm)
    (doubt,) = doubts_of_brain(brain, inside)
    volume = brain.array.sum() * edge_mm**3 / 1000
    assert doubt.startswith(f"its brain has {volume:.0f} mL; is this a whole head")


def test_a_brain_of_air_is_doubted() -> None:
    (doubt,) = doubts_of_brain(*brain_and_head(hollow=True))
    assert "of its brain is as dark as air" in doubt


def test_where_no_brain_or_no_head_is_found_it_is_said() -> None:
    brain, inside = brain_and_head()
    nothing = replace(brain, array=np.zeros_like(brain.array))
    assert next(doubts_of_brain(nothing, inside)).startswith("no brain was found in it")
    scan = replace(brain, array=np.zeros(brain.array.shape, np.float32))
    assert list(doubts_of_scan(*head_of(scan))) == ["there is no head in it; is this a scan?"]


def test_what_lies_outside_the_window_is_noted(tmp_path: Path) -> None:
    write_plain(tmp_path, "a")
    (note,) = examined(tmp_path, Preparation(size=(16, 40)))["a"].notes
    assert note.startswith("a/FLAIR.nii.gz: ")
    assert note.endswith("of its head lies outside the window that the network learns from")
    assert examined(tmp_path, Preparation(size=(32, 40)))["a"].notes == ()


def test_the_command_tells_doubts_and_ends_with_0(tmp_path: Path) -> None:
    done = kdlib("check", brain_as_mask(tmp_path))
    assert done.status == 0
    assert "b/mask.nii.gz: its lesions fill 100% of the head" in done.out
    assert "2 of 2 subjects can be used; 1 may be wrong" in done.out
    rows = json.loads(kdlib("check", tmp_path, "--json").out)
    assert [len(row["doubts"]) for row in rows] == [0, 1]


def test_the_table_and_the_page_mark_scans_that_are_doubtful(tmp_path: Path) -> None:
    write_plain(tmp_path / "scans", "a")
    shutil.copyfile(tmp_path / "scans/a/FLAIR.nii.gz", tmp_path / "b_T1.nii.gz")
    scans = tmp_path / "scans/a/FLAIR.nii.gz", tmp_path / "b_T1.nii.gz"
    done = kdlib("predict", *scans, "--out", tmp_path / "out")
    assert done.status == 0, done.err
    head, *rows = (tmp_path / "out/lesions.tsv").read_text().splitlines()
    assert head.endswith("doubts")
    told = {row.split("\t")[1]: row.split("\t")[-1] for row in rows}
    assert "is it a FLAIR?" in told["b_T1"]
    assert "is it a FLAIR?" not in told["a"]
    page = (tmp_path / "out/report.html").read_text()
    assert page.count('class="doubtful"') == sum(doubt != "n/a" for doubt in told.values())
