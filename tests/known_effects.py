"""Studies with known effects: scores as a study would save them, and what a claim makes of them."""

import numpy as np
import pandas as pd

from kdlib.evidence.evidence import Evidence
from kdlib.evidence.ledger import LEDGER
from kdlib.evidence.paper import PAIRS
from kdlib.evidence.verdicts import Judgement
from kdlib.study.study import load_study

EFFECTS = {
    "L-bound": 0.0,
    "ADA": 0.03,
    "KD": 0.06,
    "U-bound": 0.12,
    "KD on the fly": 0.06,
    "ADA on the fly": 0.03,
    "ADA then KD": 0.1,
}

ARMS = load_study("demo").arms  # of the same names


def known_effects(
    effects: dict[str, float] | None = None,
    pairs: tuple[tuple[str, str], ...] = PAIRS,
    seeds: int = 3,
    subjects: int = 20,
    noise: float = 0.015,
    number: int = 0,
) -> pd.DataFrame:
    """Scores in which Dice is a subject's difficulty, plus the arm's effect, plus noise."""
    rng = np.random.default_rng(number)
    difficulty = {
        (target, subject): 0.65 + 0.1 * rng.standard_normal()
        for target in sorted({target for _, target in pairs})
        for subject in range(subjects)
    }
    rows = [
        {"arm": arm, "source": source, "target": target, "fold": subject % 2, "seed": seed}
        | {"subject": f"{subject:03}", "dice": difficulty[target, subject] + effect}
        for arm, effect in (EFFECTS if effects is None else effects).items()
        for source, target in pairs
        for seed in range(seeds)
        for subject in range(subjects)
    ]
    scores = pd.DataFrame(rows)
    scores["dice"] += noise * rng.standard_normal(len(scores))
    return scores


def judgement(scores: pd.DataFrame, number: str) -> Judgement:
    """What the claim of the ledger with this number comes to with these scores alone."""
    (claim,) = (claim for claim in LEDGER if claim.number == number)
    return claim.decide(Evidence(scores))
