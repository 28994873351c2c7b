"""How long the runs of each arm took."""

from collections.abc import Iterable, Mapping
from statistics import median

from kdlib.record.results import Results
from kdlib.study.study import Study, arm_scenario


def minutes_of_arms(results: Results) -> dict[str, float]:
    """The minutes of a run of each arm, without its teacher. Arms without a run are missing.

    It is the median of the runs of a seed, and of several seeds the shortest one: a machine that
    had other work to do took longer. Runs are found by their readable names. Arms that differ only
    in other settings share them, for example the values of a sweep: all their runs count for each
    of them. On the fly a run is the adaptation to one scan.
    """
    study = Study(**results.study)
    seconds: dict[str, list[float]] = {}
    for run in results.runs:
        name = run["run"].rpartition("-")[0]  # without the digest
        seconds.setdefault(name, []).append(run["seconds"])
    found = {arm: _names(study, arm, seconds) for arm in study.arms}
    return {arm: _of_a_run(names, seconds) / 60 for arm, names in found.items() if names}


def _of_a_run(names: Iterable[str], seconds: Mapping[str, list[float]]) -> float:
    """The median of each seed's runs, of the fastest seed."""
    by_seed: dict[str, list[float]] = {}
    for name in names:
        by_seed.setdefault(name.rpartition("-seed")[2], []).extend(seconds[name])
    return min(map(median, by_seed.values()))


def as_time(minutes: float) -> str:
    """A time for a reader: in seconds below one minute.

    >>> as_time(0.2), as_time(5.5)
    ('12 s', '5.5 min')
    """
    return f"{60 * minutes:.0f} s" if minutes < 1 else f"{minutes:.1f} min"


def _names(study: Study, arm: str, known: dict[str, list[float]]) -> list[str]:
    """The readable names of an arm's runs that are ``known``."""
    places = [
        (pair, fold, seed) for pair in study.pairs for fold in study.folds for seed in study.seeds
    ]
    slugs = [arm_scenario(study, arm, *place) for place in places]
    if study.arms[arm].on_the_fly:
        starts = {one.slug.partition("-fold")[0] + "-subject" for one in slugs}
        return [name for name in known if name.startswith(tuple(starts))]
    return [name for name in {one.slug for one in slugs} if name in known]
