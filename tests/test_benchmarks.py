"""What the benchmarks print is right."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdlib.cli.options import method_names
from kdlib.data.image_file import write_volume
from kdlib.data.places import Place
from kdlib.data.volume import Volume
from tests.methods.made import make

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
THICK = np.diag([1.0, 2.0, 5.0, 1.0])


def test_the_scores_of_real_scans_count_all_three_edges_of_a_voxel(tmp_path: Path) -> None:
    ours = runpy.run_path(str(BENCHMARKS / "real_scans.py"))
    truth = np.zeros((4, 4, 3), np.uint8)
    truth[:2] = 1
    scan = np.random.default_rng(0).normal(100, 9, truth.shape).astype(np.float32)
    for name, array in (("FLAIR", scan), ("mask", truth), ("mask_all", 1 - truth)):
        write_volume(tmp_path / "one" / f"{name}.nii.gz", Volume(array, THICK))

    def all_of_it(scan: Volume, cut: Volume) -> tuple[Volume, None]:
        return Volume(np.full(scan.array.shape, 0.6, np.float32), scan.affine), None

    masks = ["mask_all", "mask_of_nobody"]
    table = ours["site_scores"](Place(tmp_path, "here"), masks, [], [0], {"all": all_of_it})
    (row,) = table.to_dict("records")
    assert (row["site"], row["mask"]) == ("here", "mask_all")
    assert row["found_ml"] == pytest.approx(0.48)
    assert row["true_ml"] == pytest.approx(0.24)
    assert row["dice"] == pytest.approx(2 / 3)


def test_the_dry_run_names_every_method_and_makes_each_on_a_cpu() -> None:
    dry_run = runpy.run_path(str(BENCHMARKS / "cuda_dry_run.py"))
    cases = dry_run["cases"]()
    assert {case.name for case in cases} >= set(method_names())
    known = {case.name: case for case in cases}  # the last of each
    for case in known.values():
        method = make(case.name, case.recipe, 3, counts=(9, 9), **case.settings)
        assert len(method.update(0) if method.trains else [0])


def test_the_threshold_does_not_depend_on_the_scale() -> None:
    widths_above = runpy.run_path(str(BENCHMARKS / "real_scans.py"))["widths_above"]
    scan = np.random.default_rng(0).normal(100, 9, (20, 20, 5)).clip(1)
    one, other = (widths_above(Volume(gain * scan, THICK)).array for gain in (1, 3.7))
    assert one == pytest.approx(other, abs=1e-6)


def test_the_plateau_is_where_every_clinic_has_what_more_slices_bring() -> None:
    slices_to_plateau = runpy.run_path(str(BENCHMARKS / "bench.py"))["slices_to_plateau"]
    rows = [
        ("standard", 12, 0.60, 0.70), ("standard", 24, 0.695, 0.70), ("standard", 96, 0.70, 0.70),
        ("paper", 36, 0.5, 0.5), ("paper", 72, 0.68, 0.70),
    ]  # fmt: skip
    measured = pd.DataFrame(rows, columns=["variant", "slices", "utrecht", "singapore"])
    long = measured.melt(["variant", "slices"], var_name="clinic", value_name="dice")
    assert slices_to_plateau(long) == (24, 72, False)
    longer = long.assign(dice=long["dice"].where(long["slices"] != 72, 0.7))
    assert slices_to_plateau(longer) == (24, 72, True)
