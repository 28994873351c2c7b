"""How far subjects and trainings move the differences of a study, and studies drawn from that.

A difference is its mean, plus what is the subject's own, what is the seed's (the teacher), what is
of one fold in one seed (the student, which meets all subjects of that fold) and the rest. Each part
is estimated by mean squares, for several contrasts at once, so that it comes with its covariances:
KD - ADA is the difference of KD - L-bound and ADA - L-bound in a drawn study too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdlib.evidence.comparisons import blocks, by_pair_and_pooled, complete, differences
from kdlib.evidence.crossed import Crossed, Values, drawn


@dataclass(frozen=True, eq=False)
class Components:
    """Covariances (contrasts, contrasts) of each part; ``block`` (subjects,) is clinic and fold."""

    subjects: Values
    seeds: Values
    trainings: Values
    rest: Values
    block: NDArray[np.intp]

    def draw(self, seeds: int, studies: int, rng: np.random.Generator) -> Values:
        """Drawn studies (studies, contrasts, subjects, seeds) in which every true mean is 0."""
        n, folds = len(self.block), int(self.block.max()) + 1
        shapes = ((n, 1), (1, seeds), (folds, seeds), (n, seeds))
        parts = [
            _normal(covariance, (studies, *shape), rng)
            for covariance, shape in zip(
                (self.subjects, self.seeds, self.trainings, self.rest), shapes, strict=True
            )
        ]
        of_subjects, of_seeds, of_trainings, rest = parts
        cells = of_subjects + of_seeds + of_trainings[:, self.block] + rest
        return np.moveaxis(cells, -1, 1)

    def statistics(
        self, truth: float, seeds: int, studies: int, rng: np.random.Generator
    ) -> Crossed:
        """Statistics (studies,) of drawn studies of one contrast with the mean ``truth``.

        The mean squares of normal numbers are chi-squared and independent, so that they are drawn
        in place of the numbers.
        """
        parts = (self.subjects, self.seeds, self.trainings, self.rest)
        own, of_seeds, of_trainings, rest = (float(part[0, 0]) for part in parts)
        n, sizes = len(self.block), np.bincount(self.block)
        moved = of_seeds + of_trainings * float(np.sum(sizes**2)) / n**2 + rest / n

        def squares(variance: float, freedom: int) -> Values:
            if freedom < 1:  # each fold has one subject: nothing can be tested, as in ``crossed``
                return np.full(studies, np.nan)
            return variance * rng.chisquare(freedom, studies) / freedom

        free = n - len(sizes)
        mean = truth + np.sqrt(own / n + moved / seeds) * rng.standard_normal(studies)
        subjects = squares(own + rest / seeds, free) / n
        interaction = squares(rest, free * (seeds - 1)) / (n * seeds)
        return drawn(
            mean, squares(moved, seeds - 1) / seeds, subjects, interaction, free, seeds - 1
        )


def components_of(table: pd.DataFrame) -> Components:
    """The components of one contrast: its differences, a row per subject, a column per seed."""
    table = complete(table)
    return components(table.to_numpy(dtype=np.float64)[..., None], blocks(table))


def components(values: Values, block: NDArray[np.intp]) -> Components:
    """The components of complete ``values`` (subjects, seeds, contrasts); two seeds at least."""
    n, seeds, _ = values.shape
    names = np.unique(block)
    by_fold = np.array([values[block == name].mean(axis=0) for name in names])
    within = values - by_fold[np.searchsorted(names, block)]
    by_subject = within.mean(axis=1, keepdims=True)
    free = max(n - len(names), 1)
    rest = _covariance(within - by_subject, free * (seeds - 1))
    subjects = _covariance(by_subject, free) - rest / seeds
    moved = by_fold - by_fold.mean(axis=1, keepdims=True)
    by_seed = moved.mean(axis=0)
    trainings = _covariance(moved - by_seed, max(len(names) - 1, 1) * (seeds - 1))
    of_seeds = _covariance(by_seed, seeds - 1) - trainings / len(names)
    of_trainings = trainings - rest * len(names) / n
    return Components(
        subjects=_positive(subjects),
        seeds=_positive(of_seeds),
        trainings=_positive(of_trainings),
        rest=_positive(rest),
        block=np.searchsorted(names, block),
    )


def study_components(
    scores: pd.DataFrame, arms: Sequence[str], baseline: str
) -> dict[tuple[str, str], Components]:
    """The components of ``arms`` minus ``baseline`` by pair of clinics, then pooled (all, all).

    Of the subjects and seeds that have all of the arms. Pairs with one seed are left out.
    """
    parts = {arm: differences(scores, arm, baseline) for arm in arms}
    table = pd.concat(parts, axis=1, join="inner")
    found = {}
    for pair, part in by_pair_and_pooled(table):
        shared = complete(part.T.groupby(level=1).sum(min_count=len(arms)).T)
        if shared.shape[1] > 1:
            cells = [part[arm].loc[shared.index, shared.columns].to_numpy(float) for arm in arms]
            found[pair["source"], pair["target"]] = components(np.stack(cells, -1), blocks(shared))
    return found


def _covariance(values: Values, freedom: int) -> Values:
    """Sums of products of the last axis over ``freedom``."""
    flat = values.reshape(-1, values.shape[-1])
    return flat.T @ flat / freedom


def _positive(covariance: Values) -> Values:
    """The nearest covariance: an estimate below 0 becomes 0."""
    lengths, axes = np.linalg.eigh(covariance)
    return (axes * np.maximum(lengths, 0)) @ axes.T


def _normal(covariance: Values, shape: tuple[int, ...], rng: np.random.Generator) -> Values:
    lengths, axes = np.linalg.eigh(covariance)
    root = axes * np.sqrt(np.maximum(lengths, 0))
    return rng.standard_normal((*shape, len(covariance))) @ root.T
