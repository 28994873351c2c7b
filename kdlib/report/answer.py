"""The study's answer in sentences that are computed, so that they say what the results say."""

from collections import Counter
from typing import Any

import pandas as pd

from kdlib.evidence import paper
from kdlib.evidence.claims import judge
from kdlib.evidence.comparisons import POOLED, comparisons, gaps_closed, subject_scores
from kdlib.evidence.verdicts import count_of
from kdlib.record.results import Results


def answer(results: Results) -> dict[str, str]:
    """Sentences by name: ``gap``, ``gains``, ``sure``, ``on_the_fly`` and ``size`` of the study."""
    return {
        "gap": _gap(results.scores),
        "gains": _gains(results),
        "sure": _sure(results.all_scores),
        "on_the_fly": _on_the_fly(results.scores),
        "size": _size(results),
    }


def signed(value: Any, digits: int = 3) -> str:
    """A number as "+0.031" or "−0.004", with the sign that printers use."""
    return f"{value:+.{digits}f}".replace("-", "−")


def _gap(scores: pd.DataFrame) -> str:
    means = _means(scores)
    lower, upper = means["L-bound"], means["U-bound"]
    return (
        f"On the target clinic, a segmenter that has only seen the source reaches a mean Dice of "
        f"{lower:.2f}, and one that was also given labelled target scans {upper:.2f}."
    )


def _gains(results: Results) -> str:
    table = comparisons(results.scores)
    gains = table[(table["source"] == POOLED) & (table["baseline"] == "L-bound")].set_index("arm")
    shares = gaps_closed(results.scores).set_index(["source", "arm"])["gap_closed"]
    parts = []
    for arm, name in (("KD", "distillation"), ("ADA", "adversarial adaptation")):
        row, share = gains.loc[arm], shares[POOLED, arm]
        # A withheld share is NaN; a negative one closes nothing.
        closed = f", {100 * share:.0f} % of that gap" if share > 0 else ""
        parts.append(
            f"{name} changes it by {signed(row['difference'])} "
            f"(95 % interval {signed(row['low'])} to {signed(row['high'])}{closed})"
        )
    printed = [_printed(arm, results.pairs) for arm in ("KD", "ADA")]
    return (
        f"Without any target label, {parts[0]} and {parts[1]}; the paper reports "
        f"{signed(printed[0])} and {signed(printed[1])}."
    )


def _printed(arm: str, pairs: list[tuple[str, str]]) -> float:
    known = tuple(pair for pair in pairs if pair in paper.PAIRS)
    return paper.printed_difference(arm, "L-bound", known)


def _sure(scores: pd.DataFrame) -> str:
    """The verdicts on what is claimed of the methods; the errata need no study."""
    claimed = [found for found in judge(scores) if not found.claim.number.startswith("E")]
    verdicts = Counter(found.verdict for found in claimed)
    return (
        f"Of the paper's {len(claimed)} claims in our ledger these results reproduce "
        f"{verdicts['reproduced']}, contradict {verdicts['contradicted']} and leave "
        f"{verdicts['undecided']} undecided."
    )


def _on_the_fly(scores: pd.DataFrame) -> str:
    """Means over the scans adapted to alone, which may be few, beside L-bound's over the same."""
    by_arm = subject_scores(scores).groupby(["target", "subject"]).mean()
    arms = [arm for arm in paper.ON_THE_FLY if arm in by_arm]
    if not arms:
        return "No arm was adapted on the fly."
    tried = by_arm[["L-bound", *arms]].dropna()
    reached = " and ".join(f"{arm} {tried[arm].mean():.2f}" for arm in arms)
    return (
        f"On the fly was tried on {len(tried)} of {count_of(len(by_arm), 'tested subject')}: there "
        f"L-bound reaches {tried['L-bound'].mean():.2f}, {reached}."
    )


def _size(results: Results) -> str:
    scores, study = results.scores, results.study
    seeds = count_of(scores["seed"].nunique(), "seed")
    folds = count_of(scores["fold"].nunique(), "fold")
    subjects = count_of(len(scores[["target", "subject"]].drop_duplicates()), "tested subject")
    pairs = count_of(len(results.pairs), "pair")
    weight = (
        "Another seed can move a mean as far as a method does, so this decides nothing."
        if scores["seed"].nunique() < 3
        else "What seeds alone move is told apart from what the methods do."
    )
    return (
        f"The study {study['name']!r}: {pairs} of clinics, {folds}, {seeds}, {subjects}. {weight}"
    )


def _means(scores: pd.DataFrame) -> pd.Series:
    return subject_scores(scores).groupby(["target", "subject"]).mean().mean()
