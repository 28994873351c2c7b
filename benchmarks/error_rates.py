"""How often the study's tests err: studies without any effect, drawn from its own components.

    python benchmarks/error_rates.py [--studies 1000] [--results book/results/standard]

How far subjects, seeds and single trainings move the differences of KD and ADA from L-bound is
estimated in every pair of clinics and pooled. Then studies are drawn in which no method does
anything, and tested as the ledger tests. The table counts families in which anything is called
better or worse, and intervals that hold the truth.
"""

import argparse

import numpy as np
import pandas as pd

from kdlib.evidence.comparisons import POOLED, main_scores
from kdlib.evidence.components import Components, study_components
from kdlib.evidence.contrast import ALPHA
from kdlib.evidence.crossed import LEVEL, Values, crossed

ARMS, BASELINE = ("KD", "ADA"), "L-bound"


def null_p(components: Components, seeds: int, studies: int, rng: np.random.Generator) -> Values:
    """P (studies, 3) of KD - L, ADA - L and KD - ADA where neither does anything."""
    drawn = components.draw(seeds, studies, rng)
    kd, ada = drawn[:, 0], drawn[:, 1]
    return np.column_stack([crossed(d, components.block).p() for d in (kd, ada, kd - ada)])


def family_errors(p_values: Values) -> float:
    """The share of the families (studies, tests) with anything significant after Holm.

    The smallest p decides: Holm multiplies it by the number of tests, as Bonferroni does.
    """
    return float(np.mean(p_values.min(axis=1) * p_values.shape[1] < ALPHA))


def error_rates(scores: pd.DataFrame, seeds: int, studies: int, number: int = 0) -> pd.DataFrame:
    """A row for the family of single pairs, and one for the pooled family."""
    rng = np.random.default_rng(number)
    found = study_components(main_scores(scores), ARMS, BASELINE)
    p_values = {pair: null_p(part, seeds, studies, rng) for pair, part in found.items()}
    single = np.concatenate([p for pair, p in p_values.items() if pair[0] != POOLED], axis=1)
    rows = []
    for name, p in (("single pairs", single), ("all pairs pooled", p_values[POOLED, POOLED])):
        covered = (p > 1 - LEVEL).mean(axis=0)
        rows.append(
            {"seeds": seeds, "family": name, "tests": p.shape[1]}
            | {"any called better or worse": family_errors(p), "coverage": covered.mean()}
            | {"lowest": covered.min(), "highest": covered.max()}
        )
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--results", default="book/results/standard")
    asked = parser.parse_args()
    scores = pd.read_csv(f"{asked.results}/scores.csv", dtype={"subject": str})
    if scores["seed"].nunique() < 2:
        parser.error(f"{asked.results} has one seed; how far seeds move results needs two at least")
    tables = [error_rates(scores, seeds, asked.studies) for seeds in (3, 5, 10)]
    print(pd.concat(tables).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
