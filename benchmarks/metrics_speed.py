"""Scoring one subject of the challenge's size: kdlib beside the evaluator's logic in SimpleITK.

    pip install "SimpleITK>=2.4"
    python benchmarks/metrics_speed.py [--rounds 9]

Both give the challenge's five scores (Kuijf et al. 2019) of made-up lesions on the three clinics'
grids; they are compared before they are timed, round by round in one process. Prints the medians in
milliseconds and the median of the rounds' ratios.
"""

import argparse
import sys
from dataclasses import astuple
from functools import partial
from statistics import median
from timeit import timeit

import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree

from kdlib.scores.metrics import evaluate

try:
    import SimpleITK as sitk  # noqa: N813 - its own manual's name for it
except ImportError:
    sys.exit('metrics_speed: SimpleITK is not installed; pip install "SimpleITK>=2.4"')

GRIDS = {
    "utrecht": ((240, 240, 48), (0.96, 0.96, 3.0)),
    "singapore": ((232, 256, 48), (1.0, 1.0, 3.0)),
    "amsterdam": ((132, 256, 83), (1.2, 0.98, 3.0)),
}


def lesions(shape: tuple[int, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A truth and a result, each about 0.5 % of the volume, that agree in part."""
    rng = np.random.default_rng(seed)
    common, *own = (ndimage.gaussian_filter(rng.normal(size=shape), (3, 3, 1)) for _ in range(3))
    fields = [common + 0.4 * noise for noise in own]
    truth, result = (field > np.quantile(field, 0.995) for field in fields)
    return truth.astype(np.uint8), result.astype(np.uint8)


def with_simpleitk(truth: np.ndarray, result: np.ndarray, spacing: tuple[float, ...]) -> tuple:
    """The evaluator's five scores, by the filters it uses."""
    images = [sitk.GetImageFromArray(array.T) for array in (truth, result)]
    for image in images:
        image.SetSpacing(spacing)
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*images)
    recall, precision = rate(*images), rate(*images[::-1])
    total = recall + precision
    return (
        overlap.GetDiceCoefficient(),
        hausdorff_95(*images),
        100 * abs(int(truth.sum()) - int(result.sum())) / int(truth.sum()),
        recall,
        2 * recall * precision / total if total else 0.0,
    )


def hausdorff_95(one: sitk.Image, other: sitk.Image) -> float:
    """Between the voxels that an in-plane erosion takes away, in mm."""
    edges = [sitk.GetArrayFromImage(image - sitk.BinaryErode(image, (1, 1, 0)))
             for image in (one, other)]  # fmt: skip
    points = [np.argwhere(edge)[:, ::-1] * np.array(one.GetSpacing()) for edge in edges]
    ways = [KDTree(a).query(b)[0] for a, b in (points, points[::-1])]
    return max(float(np.percentile(way, 95)) for way in ways)


def rate(one: sitk.Image, other: sitk.Image) -> float:
    """The share of the 26-connected parts of ``one`` that ``other`` touches."""
    parts = sitk.ConnectedComponent(one, True)
    found = np.unique(sitk.GetArrayFromImage(sitk.Mask(parts, other)))
    count = int(sitk.GetArrayViewFromImage(parts).max())
    return np.count_nonzero(found) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    for name, (shape, spacing) in GRIDS.items():
        truth, result = lesions(shape, seed=0)
        ways = [partial(f, truth, result, spacing) for f in (evaluate, with_simpleitk)]
        np.testing.assert_allclose(astuple(ways[0]()), ways[1](), rtol=1e-6)
        rounds = [[timeit(way, number=1) for way in ways] for _ in range(options.rounds)]
        ours, theirs = (1000 * median(column) for column in zip(*rounds, strict=True))
        ratio = median(slow / fast for fast, slow in rounds)
        print(f"{name}: kdlib {ours:.0f} ms, SimpleITK {theirs:.0f} ms, {ratio:.1f} times as fast")


if __name__ == "__main__":
    main()
