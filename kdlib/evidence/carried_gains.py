"""The gains that are compared: of each arm, on simulated pairs of clinics and on real scans."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from kdlib.evidence.bench import LOWER, UPPER
from kdlib.evidence.carried import FINE_TUNING, with_a_gap
from kdlib.evidence.comparisons import PAIR, Patients, by_patient
from kdlib.evidence.contrast import contrast_of
from kdlib.evidence.evidence import Evidence

NUMBERS = ("gain", "low", "high", "seeds", "parts")  # of one side; the names end a column's name


def gains_on_both(
    real: pd.DataFrame,
    standard: pd.DataFrame,
    *,
    landscape: pd.DataFrame | None = None,
    patients: Patients | None = None,
) -> pd.DataFrame:
    """Each row is one arm without labels that both sides have, and its gain over L-bound.

    The columns are ``arm``, and for each of the two sides, ``simulated`` and ``real``:
    ``..._gain`` (the mean difference in Dice), ``..._low`` and ``..._high`` (its 95 % interval),
    ``..._seeds`` (a list of the mean of each seed), and ``..._parts``. The parts are a list of the
    mean gain of each pair of clinics on the simulated side, and of each patient on the real side.
    Pairs without a gap between the bounds are left out, as the rules say, unless no pair has one.

    Args:
        real: the frame of ``scores.csv`` of the study ``real``.
        standard: that of the study ``standard``.
        landscape: that of the study ``landscape``, for the arms that only it has.
        patients: the patient of each (target, subject) who has more than one scan.
    """
    there: dict[str, dict[str, Any]] = {}
    for scores in (standard, landscape):
        if scores is not None:
            there = dict(_gains(scores, "simulated")) | there
    here = dict(_gains(by_patient(real, patients or {}), "real"))
    rows = [{"arm": arm} | there[arm] | here[arm] for arm in here if arm in there]
    names = [f"{side}_{name}" for side in ("simulated", "real") for name in NUMBERS]
    return pd.DataFrame(rows, columns=["arm", *names])


def _gains(scores: pd.DataFrame, side: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The gain of each arm without labels over all pairs that are judged."""
    evidence = with_a_gap(scores)
    arms = list(evidence.main["arm"].unique())
    for arm in arms if LOWER in arms else []:
        if arm not in (LOWER, UPPER) and not arm.startswith(FINE_TUNING):
            table = evidence.differences(arm, LOWER, evidence.pairs)
            parts = table.mean(axis=1) if side == "real" else _by_pair(evidence, arm)
            yield arm, {f"{side}_{name}": one for name, one in _numbers(arm, table, parts).items()}


def _numbers(arm: str, table: pd.DataFrame, parts: pd.Series) -> dict[str, Any]:
    found = contrast_of(arm, table)
    interval = {"gain": found.difference, "low": found.low, "high": found.high}
    return interval | {"seeds": list(found.seed_means), "parts": list(parts)}


def _by_pair(evidence: Evidence, arm: str) -> pd.Series:
    """The mean gain in each pair."""
    pairs = [evidence.differences(arm, LOWER, (pair,)) for pair in evidence.pairs]
    return pd.concat(pairs).mean(axis=1).groupby(PAIR).mean()
