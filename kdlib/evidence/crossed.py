"""Statistics of differences in which subjects and trainings are both random.

``values`` (subjects, seeds) holds one difference for each subject and seed: a seed is one training
of everything, teacher and students. This is the design of a multi-reader multi-case study, with
target subjects as the cases and seeds as the readers (Obuchowski and Rockette, 1995; Hillis, 2007).
The variance of the mean is that between the seeds' means, plus what the subjects' means vary more
than the interaction explains. Subjects are compared within their block (clinic and fold), so that
what a fold's training does to all of its subjects is counted once, among the seeds.

Three seeds have two degrees of freedom, and one number for both variances (Satterthwaite, or
Hillis) is then wrong far out, where Holm's correction looks: in the simulation of
``benchmarks/error_rates.py`` a family of 18 true nulls was rejected 12 to 16 times in a hundred. So
the mean over its uncertainty is referred to the Behrens-Fisher distribution, the sum of two t
variables with a scale and degrees of freedom each, which is known to keep its level (Robinson,
Annals of Statistics 4(5), 1976).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.optimize import brentq
from scipy.special import stdtr

Values = NDArray[np.float64]

LEVEL = 0.95
POWER = 0.8
MINIMUM_SUBJECTS = 3


class Interval(NamedTuple):
    """An estimate and the ends of its interval."""

    value: float
    low: float
    high: float


class Part(NamedTuple):
    """One source of uncertainty: its standard error and the degrees of freedom behind it."""

    error: Values
    freedom: float


@dataclass(frozen=True, eq=False)
class Crossed:
    """The mean of a table of differences and how sure it is.

    Every number is NaN where nothing can be tested: of fewer than three subjects, where each block
    holds one subject, or where no difference differs from another. With one seed only the subjects
    count, and nothing is said of trainings. Each field may have leading axes (several tables).
    """

    mean: Values
    seed_means: Values
    trainings: Part  # of the seeds' means
    excess: Part  # of the subjects' means, less what the interaction explains
    subjects: Part  # of the subjects' means as they are

    def interval(self, level: float = LEVEL) -> Interval:
        """The mean and the ends of its interval, of one table."""
        half = self._quantile((1 - level) / 2)
        return Interval(float(self.mean), float(self.mean) - half, float(self.mean) + half)

    def p(self) -> Values:
        """Two-sided p of the mean against 0."""
        return np.minimum(2 * self._tail(np.abs(self.mean)), 1)

    def above(self, bound: float) -> Values:
        """One-sided p that the mean is above ``bound``."""
        return self._tail(self.mean - bound)

    def below(self, bound: float) -> Values:
        """One-sided p that the mean is below ``bound``."""
        return self._tail(bound - self.mean)

    def equivalence(self, margin: float) -> Values:
        """Two one-sided tests (Schuirmann, 1987): p against a mean of ``margin`` and more."""
        return np.maximum(self.above(-margin), self.below(margin))

    def beyond(self, margin: float) -> Values:
        """P of lying beyond ``margin`` on either side: below 5 % if the whole interval does."""
        return 2 * np.minimum(self.above(margin), self.below(-margin))

    def detectable(self, power: float = POWER) -> float:
        """The smallest mean that the test at 5 % would find with ``power``, of one table."""
        return self._quantile((1 - LEVEL) / 2) + self._quantile(1 - power)

    def _tail(self, distance: Values) -> Values:
        """How often chance alone would lie above ``distance``; subjects alone bound it below."""
        away = np.abs(distance)
        key = away.tobytes()  # a test asks for the same distance to either side
        if key not in self._tails:
            self._tails[key] = self._far_tail(away)
        tail = self._tails[key]
        return np.where(self._tested(), np.where(distance < 0, 1 - tail, tail), np.nan)

    @cached_property
    def _tails(self) -> dict[bytes, Values]:
        return {}

    def _far_tail(self, away: Values) -> Values:
        """The same of a distance of 0 or more, if something can be tested."""
        with np.errstate(invalid="ignore", divide="ignore"):  # what cannot be tested ends as NaN
            both = tail_of_sum(away, self.excess, self.trainings)
            alone = stdtr(self.subjects.freedom, -away / self.subjects.error)
        return np.fmax(both, alone)

    def _quantile(self, tail: float) -> float:
        """The distance above which chance lies with probability ``tail``, of one table."""
        if not self._tested():
            return float("nan")
        scale = float(self.subjects.error + self.trainings.error)
        return _solved(lambda x: float(self._tail(np.asarray(x))) - tail, scale)

    def _tested(self) -> NDArray[np.bool_]:
        spread = self.subjects.error + self.trainings.error
        rounding = 1e-12 * np.maximum(1, np.abs(self.mean))
        return np.asarray((self.subjects.freedom >= 1) & (spread > rounding))


def crossed(values: Values, blocks: ArrayLike | None = None) -> Crossed:
    """The statistics of complete ``values`` (..., subjects, seeds).

    ``blocks`` (subjects,) names the clinic and fold of each subject; all are one where none is.
    """
    n, seeds = values.shape[-2:]
    places = np.unique(np.zeros(n) if blocks is None else np.asarray(blocks), return_inverse=True)[
        1
    ]
    groups = int(places.max(initial=0)) + 1
    freedom = n - groups if n >= MINIMUM_SUBJECTS else 0
    within = values - _block_means(values, places)
    by_subject = within.mean(axis=-1)
    of_subjects = _variance(by_subject**2, (-1,), freedom) / n
    subjects = Part(np.sqrt(of_subjects), freedom)  # freedom 0: nothing can be tested
    seed_means = values.mean(axis=-2)
    mean = seed_means.mean(axis=-1)
    if seeds < 2:
        nothing = Part(np.zeros_like(mean), 1)
        return Crossed(mean, seed_means, nothing, subjects, subjects)
    left = within - by_subject[..., None]
    interaction = _variance(left**2, (-2, -1), freedom * (seeds - 1)) / (n * seeds)
    trainings = Part(np.sqrt(seed_means.var(axis=-1, ddof=1) / seeds), seeds - 1)
    return Crossed(mean, seed_means, trainings, _excess(subjects, interaction), subjects)


def jackknifed(whole: float, no_subject: Sequence[Values], no_seed: Values) -> Crossed:
    """The same of any statistic, by the jackknife: ``whole`` is its value of all numbers.

    ``no_subject`` holds for each clinic its values when one subject is left out, ``no_seed``
    (seeds,) those when one seed is.
    """
    freedom = sum(len(values) - 1 for values in no_subject)
    error = np.sqrt(sum((len(values) - 1) * values.var() for values in no_subject))
    subjects = Part(error, freedom)
    seeds = Part(np.sqrt((len(no_seed) - 1) * no_seed.var()), len(no_seed) - 1)
    return Crossed(np.asarray(whole), no_seed, seeds, subjects, subjects)


def ratio(gain: Values, gap: Values, blocks: ArrayLike | None = None) -> Interval:
    """Mean ``gain`` over mean ``gap``, both (subjects, seeds), with its 95 % interval.

    The interval holds the shares that the test of gain less share times gap does not reject
    (Fieller, 1954). Three times NaN, so withheld, where the gap's own interval is not above 0.
    """
    if not crossed(gap, blocks).interval().low > 0:
        return Interval(np.nan, np.nan, np.nan)
    value = float(gain.mean() / gap.mean())

    step = float(np.std(gain - value * gap) / gap.mean())

    def reach(side: int) -> float:
        def kept(distance: float) -> float:
            p = float(crossed(gain - (value + side * distance) * gap, blocks).p())
            return 1 if np.isnan(p) else p - (1 - LEVEL)

        return side * _solved(kept, step)

    return Interval(value, value + reach(-1), value + reach(1))


def drawn(
    mean: Values,
    seeds: Values,
    subjects: Values,
    interaction: Values,
    freedom: int,
    free_seeds: int,
) -> Crossed:
    """The statistics of tables of which only the mean and three variances of it were drawn."""
    of_subjects = Part(np.sqrt(subjects), freedom)
    trainings = Part(np.sqrt(seeds), free_seeds)
    return Crossed(mean, mean[None], trainings, _excess(of_subjects, interaction), of_subjects)


def _excess(subjects: Part, interaction: Values) -> Part:
    """What subjects vary more than the interaction explains."""
    return Part(np.sqrt(np.maximum(subjects.error**2 - interaction, 0)), subjects.freedom)


def tail_of_sum(distance: Values, one: Part, other: Part) -> Values:
    """P(t1 * error1 + t2 * error2 > distance), elementwise, of two independent t variables."""
    distance, first, second = np.broadcast_arrays(distance, one.error, other.error)
    tail = np.empty(distance.shape)
    for inner, outer, here in (
        (Part(first, one.freedom), Part(second, other.freedom), first >= second),
        (Part(second, other.freedom), Part(first, one.freedom), first < second),
    ):
        if here.any():
            tail[here] = _integrated(distance[here], inner.error[here], inner.freedom,
                                     outer.error[here], outer.freedom)  # fmt: skip
    return tail


def _integrated(
    distance: Values, wide: Values, wide_freedom: float, narrow: Values, narrow_freedom: float
) -> Values:
    """The tail of the sum, the t variable of larger scale within, the other one integrated over."""
    t, weights = _grid(narrow_freedom)
    left = distance[..., None] - narrow[..., None] * t
    return stdtr(wide_freedom, -left / wide[..., None]) @ weights


@lru_cache(maxsize=64)
def _grid(freedom: float) -> tuple[Values, Values]:
    """Points of a t variable and their probabilities, close in the middle and wide in the tails."""
    reach = 8 if freedom >= 2 else 16
    z = np.linspace(-reach, reach, 16 * reach + 1)  # two thousandths of a tail of 1e-4 at most
    weights = stats.t.pdf(np.sinh(z), freedom) * np.cosh(z)
    return np.sinh(z), weights / weights.sum()


def _solved(falling: Callable[[float], float], step: float) -> float:
    """Where ``falling`` crosses 0 right of 0, from steps of ``step`` that double; else NaN."""
    if not step > 0:
        return 0.0
    for _ in range(40):
        if falling(step) < 0:
            return float(brentq(falling, 0, step, xtol=1e-7))
        step *= 2
    return float("nan")


def _block_means(values: Values, places: NDArray[np.intp]) -> Values:
    """The mean of every subject's block, in the shape of ``values``."""
    members = (places[:, None] == np.arange(places.max(initial=0) + 1)).astype(np.float64)
    means = np.einsum("...sr,sb->...br", values, members / members.sum(axis=0))
    return means[..., places, :]


def _variance(squares: Values, axes: tuple[int, ...], freedom: int) -> Values:
    """The mean square; 0 where nothing is free to vary."""
    return squares.sum(axis=axes) / max(freedom, 1)
