"""The explorers' page keeps to its size whatever study it shows."""

import json
from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from kdlib.record.explorers import SOFT_VOXELS
from kdlib.record.results import open_results
from kdlib.report.widgets import pair_explorer, scan_viewer, temperature_explorer
from kdlib.report.widgets.base import GREYS, coarser, pack_within, still_html
from kdlib.report.widgets.carried import scan_files
from kdlib.scores.metrics import METRIC_NAMES
from kdlib.study.study import load_study

SUBJECTS = 20
GRIDS = {"utrecht": (240, 240, 48), "singapore": (232, 256, 48), "amsterdam": (132, 256, 83)}
PAIRS = list(permutations(GRIDS, 2))
STUDY = load_study("paper")


def head(shape, rng):
    """A noisy ellipsoid of grey, and nothing around it."""
    middle = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    inside = sum(axis**2 for axis in middle) < 0.64
    return np.where(inside, rng.normal(120, 20, shape).clip(1, 255), 0).astype(np.uint8)


def answer(shape, rng, rare=2):
    """Smooth random blobs as a probability. They are rarer, the larger ``rare`` is."""
    field = ndimage.gaussian_filter(rng.normal(size=shape), 3)
    return ((field > rare * field.std()) * 255).astype(np.uint8)


def examples(rng):
    arrays = {}
    for (source, target), subject in product(PAIRS, range(SUBJECTS)):
        name, plane = f"{source}/{target}/{subject}", GRIDS[target][:2]
        arrays[f"{name}/flair"] = head(plane, np.random.default_rng(subject))
        arrays[f"{name}/truth"] = answer(plane, rng) // 255
        arrays |= {f"{name}/{arm}": answer(plane, rng) for arm in STUDY.arms}
    return arrays


def explorers(rng):
    arrays = {}
    for source, target in PAIRS:
        name, size = f"{source}/{target}/0", STUDY.recipe.size
        slices = SOFT_VOXELS // len(PAIRS) // np.count_nonzero(head(size, rng))
        flair = np.stack([head(size, rng) for _ in range(slices)])
        logits = rng.normal(-6 * 256, 2 * 256, flair.shape).astype(np.int16)
        arrays[f"{name}/soft/difference"] = np.where(flair > 0, logits, 0)
        arrays |= {f"{name}/soft/flair": flair, f"{name}/soft/slices": np.arange(slices)}
    for target, grid in GRIDS.items():  # so large that one subject of each target is kept
        name, mask = f"{target}/0", answer(grid, rng, rare=3) // 255  # 10 mL and more
        arrays |= {f"{name}/scan/flair": head(grid, rng), f"{name}/scan/affine": np.eye(4)}
        arrays[f"{name}/scan/truth"] = mask
        parts = ("scan/teacher", "scan/student", *(f"answers/{arm}" for arm in STUDY.arms))
        for source, part in product(GRIDS.keys() - {target}, parts):
            moved = np.roll(mask, rng.integers(9), axis=0)
            arrays[f"{source}/{name}/{part}"] = moved
    return arrays


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Made-up results as large as the paper's study: six pairs, two folds, every arm."""
    folder, rng = tmp_path_factory.mktemp("paper"), np.random.default_rng(0)
    rows = [
        {"arm": arm, "source": source, "target": target, "fold": subject % 2, "seed": 0}
        | {"subject": str(subject)} | {metric: rng.random() for metric in METRIC_NAMES}
        for arm, (source, target), subject in product(STUDY.arms, PAIRS, range(SUBJECTS))
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "scores.csv", index=False)
    (folder / "provenance.json").write_text(json.dumps({"study": STUDY.model_dump(mode="json")}))
    np.savez(folder / "examples.npz", **examples(rng))
    np.savez(folder / "explorers.npz", **explorers(rng))
    return open_results(folder)


@pytest.fixture(scope="module")
def made(results):
    """The three explorers."""
    return [make(results) for make in (temperature_explorer, pair_explorer, scan_viewer)]


def page_bytes(*made):
    binary = sum(len(explorer.packed) for explorer in made) * 4 / 3  # base64 in the page
    return binary + sum(len(still_html(e)) + len(json.dumps([e.facts, e.contents])) for e in made)


def test_the_explorers_of_the_papers_study_fit_into_a_page_of_five_megabytes(made):
    assert [len(explorer.packed) <= explorer.budget for explorer in made] == [True] * 3
    assert page_bytes(*made) < 4.9e6
    assert len(made[1].facts["runs"]) == len(PAIRS) * SUBJECTS * len(STUDY.arms)


def test_a_page_has_five_megabytes_with_every_scan_that_it_may_ask_for(results, made):
    files = scan_files(results)
    assert len(files) == len(GRIDS)
    loaded = sum(len(file.packed) for file in files) * 4 / 3
    assert page_bytes(*made[1:]) + loaded < 4.9e6


@pytest.mark.parametrize("levels", GREYS)
def test_coarser_greys_stay_near_the_scan_and_outside_stays_outside(levels):
    grey = np.arange(256, dtype=np.uint8)
    shown = coarser(grey, levels)
    assert np.abs(shown.astype(int) - grey)[1:].max() <= 128 // levels
    assert np.array_equal(shown == 0, grey == 0)
    assert len(np.unique(shown[1:])) <= levels


def test_greys_are_as_fine_as_the_budget_allows():
    noise = np.random.default_rng(0).integers(1, 256, 4096, dtype=np.uint8)
    sizes = [len(pack_within(b, {"a": noise}, {})[0]) for b in (9999, 3200, 1)]
    assert sizes[0] > 4000 > 3200 >= sizes[1] > sizes[2]
