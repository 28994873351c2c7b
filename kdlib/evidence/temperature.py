"""Can the temperature be chosen on the source? What the choice loses of the target's Dice.

Both the temperature that is best on the source and the one that is best on the target are chosen
from numbers that vary. So they are chosen again in every bootstrap sample, of the subjects of each
clinic and of the seeds.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kdlib.evidence.comparisons import PAIR
from kdlib.evidence.contrast import Contrast, contrast_from
from kdlib.evidence.crossed import Crossed, Part, Values
from kdlib.evidence.evidence import Evidence
from kdlib.evidence.sweeps import TEMPERATURE, pairs_of, sweep_shortfall, swept
from kdlib.evidence.verdicts import Judgement

SAMPLES = 1000
ON = ("source", "target")
Group = tuple[str, str]  # a clinic, and on which side its subjects are scored


class Choice(NamedTuple):
    """One pair's Dice (values, seeds, subjects) ``on`` source and target, and whose subjects."""

    clinics: tuple[str, str]
    on: tuple[Values, Values]


def judge_temperature(evidence: Evidence) -> Judgement:
    """Reproduced if the loss is below 0.02 with its whole interval, contradicted if above."""
    for on in ON:
        name = f"temperature sweep scored on the {on}"
        if short := sweep_shortfall(evidence, "KD", (TEMPERATURE,), name, on):
            return Judgement("undecided", short)
    lost = temperature_regret(evidence.scores)
    if lost.apart:
        return Judgement("contradicted", str(lost))
    if lost.small:
        return Judgement("reproduced", str(lost))
    lack = "no spread" if np.isnan(lost.p) else "not enough power"
    return Judgement("undecided", f"{lack}: {lost}")


def temperature_regret(scores: pd.DataFrame) -> Contrast:
    """Target Dice lost by the temperature that is best on the source, averaged over pairs.

    The best temperature on the target is picked from the same numbers that it is judged by, which
    can only make the loss look larger.
    """
    values, choices = _choices(scores)
    of_people = {key: table.shape[-1] for one in choices for key, table in _people(one)}
    seeds = choices[0].on[0].shape[1]
    rng = np.random.default_rng(0)
    even = {key: np.full((1, n), 1 / n) for key, n in of_people.items()}
    others = {key: _samples(n, rng) for key, n in of_people.items()}
    same_seeds = np.full((1, seeds), 1 / seeds)
    whole, by_seed, chosen = _lost(choices, even, same_seeds)
    of_subjects = _lost(choices, others, same_seeds)[0].std()
    of_seeds = _lost(choices, even, _samples(seeds, rng))[0].std() * (seeds / (seeds - 1)) ** 0.5
    n = sum(size for (_, on), size in of_people.items() if on == "target")
    subjects = Part(of_subjects, n - sum(on == "target" for _, on in of_people))
    found = Crossed(whole[0], by_seed, Part(of_seeds, seeds - 1), subjects, subjects)
    picked = ", ".join(f"{values[place]:g}" for place in chosen)
    return contrast_from(f"best T on the target - T chosen on the source ({picked})", found, n)


def _choices(scores: pd.DataFrame) -> tuple[list[float], list[Choice]]:
    """The temperatures, and what each pair has of all of them with all seeds."""
    rows = [swept(scores, "KD", (TEMPERATURE,), on) for on in ON]
    values, seeds = (sorted(set(rows[0][of]) & set(rows[1][of])) for of in ("value", "seed"))
    tables = {
        (pair, on): _dice(part[part["value"].isin(values) & part["seed"].isin(seeds)], pair)
        for on, part in zip(ON, rows, strict=True)
        for pair in sorted(pairs_of(rows[0]) & pairs_of(rows[1]))
    }
    shared: dict[Group, set[Any]] = {}
    for (pair, on), table in tables.items():
        group = (pair[ON.index(on)], on)
        shared[group] = shared.get(group, set(table)) & set(table)

    def array(pair: tuple[str, str], on: str) -> Values:
        table = tables[pair, on][sorted(shared[pair[ON.index(on)], on])]
        return table.to_numpy(dtype=np.float64).reshape(len(values), len(seeds), -1)

    pairs = [pair for pair, on in tables if on == "source"]
    return values, [Choice(pair, (array(pair, "source"), array(pair, "target"))) for pair in pairs]


def _dice(rows: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    """Dice of a pair by (value, seed), a column for each subject that has all of them."""
    of_pair = rows[rows[PAIR].eq(list(pair)).all(axis=1)]
    return of_pair.pivot_table("dice", index=["value", "seed"], columns="subject").dropna(axis=1)


def _people(one: Choice) -> list[tuple[Group, Values]]:
    """Whose Dice a pair has: (clinic, on), where subjects of a clinic on "source" are others."""
    return [
        ((clinic, on), table) for clinic, on, table in zip(one.clinics, ON, one.on, strict=True)
    ]


def _samples(n: int, rng: np.random.Generator) -> Values:
    """The weights (samples, n) of bootstrap samples."""
    return rng.multinomial(n, np.full(n, 1 / n), SAMPLES) / n


def _lost(
    choices: list[Choice], people: dict[Group, Values], seeds: Values
) -> tuple[Values, Values, list[int]]:
    """The loss (samples,), the first sample's loss of each seed (seeds,), and its choices."""
    lost, by_seed, chosen = [], [], []
    for one in choices:
        source, target = (
            np.einsum("vsn,bn->bvs", table, people[key]) for key, table in _people(one)
        )
        picked, best = (_weighted(table, seeds).argmax(axis=1) for table in (source, target))
        places = np.arange(max(len(picked), len(best)))
        level = _weighted(target, seeds)
        lost.append(level[places, best] - level[places, picked])
        by_seed.append(target[0, best[0]] - target[0, picked[0]])
        chosen.append(int(picked[0]))
    return np.mean(lost, axis=0), np.mean(by_seed, axis=0), chosen


def _weighted(table: Values, seeds: Values) -> Values:
    """Means over seeds (samples, values) of a table (samples, values, seeds) or of one for all."""
    return np.asarray((table * seeds[:, None]).sum(axis=-1))
