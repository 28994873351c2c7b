"""How many scans a method needs, and how many labels it is worth, in sentences."""

import pandas as pd

from kdlib.evidence.adapting import by_number, labels_worth, levels_where_swept
from kdlib.evidence.verdicts import count_of
from kdlib.record.results import Results
from kdlib.report.words import listed
from kdlib.study.arm import lower_bound


def samples_words(results: Results) -> str:
    """What labels reach, what each method reaches with all its scans, and how it compares."""
    swept = results.swept
    tuned = [arm for arm, setting in swept.items() if setting == "subjects"]
    if not tuned:
        return "This study has no arm that learns from a few labels."
    labels = _means(results, tuned[0])
    reached, worth = [], []
    for arm in (arm for arm in swept if arm not in tuned):
        dice = _means(results, arm)
        label = results.arms[arm].label
        reached.append(f"{label} reaches {dice.iloc[-1]:.3f} with {dice.index[-1]:g}")
        worth.append(f"{_fewest(labels_worth(labels, float(dice.iloc[-1])))} for {label}")
    if (plain := _plain(results)) is not None:
        worth.append(f"{_fewest(labels_worth(labels, plain))} for no adaptation")
    size = f"{count_of(len(results.pairs), 'pair')} of clinics"
    seeds = count_of(len(results.seeds), "seed")
    return (
        f"{_labels_words(results, tuned[0], labels)} Of scans without labels, {listed(reached)},"
        f" the most that were tried. The fewest labels that reach as much are {listed(worth)}. This"
        f" rests on {size} and {seeds}, and on means without a test."
    )


def samples_in_short(results: Results) -> str:
    """The highest mean Dice with scans without labels, and with labels, in a sentence."""
    tuned = [arm for arm, setting in results.swept.items() if setting == "subjects"]
    free = {arm: _means(results, arm) for arm in results.swept if arm not in tuned}
    if not tuned or not free:
        return "This study does not compare scans with labels and without."
    best, learnt = max(free, key=lambda arm: free[arm].max()), _means(results, tuned[0])
    plain = _plain(results)
    start = "" if plain is None else f"no adaptation reaches a mean Dice of {plain:.3f}, "
    return (
        f"On {count_of(len(results.pairs), 'pair')} of clinics, {start}scans without labels reach"
        f" {free[best].max():.3f} at most ({results.arms[best].label} with"
        f" {free[best].idxmax():g}), and labels reach {learnt.max():.3f} at most (with"
        f" {learnt.idxmax():g})."
    )


def _plain(results: Results) -> float | None:
    """The mean Dice without adaptation, where the numbers of scans were swept."""
    return levels_where_swept(results.all_scores).get(str(lower_bound(results.arms)))


def _means(results: Results, arm: str) -> pd.Series:
    """The mean Dice on the target for each number of scans that ``arm`` was given."""
    return by_number(results.all_scores, arm, results.swept[arm]).mean(axis=1)


def _labels_words(results: Results, tuned: str, labels: pd.Series) -> str:
    """What each number of labels reaches, and which of them are no better than none."""
    plain = _plain(results)
    reached = [f"{dice:.3f} with {number:g}" for number, dice in labels.items()]
    said = f"Learning from labels, {results.arms[tuned].label} reaches {listed(reached)} of them."
    if plain is None:
        return said
    said = f"Without adaptation the mean Dice is {plain:.3f}. {said}"
    below = [f"{number:g}" for number, dice in labels.items() if dice < plain]
    if not below:
        return said
    return (
        f"{said} With {listed(below)} it stays below no adaptation, so to reach what so few labels"
        " reach is no gain."
    )


def _fewest(worth: float | None) -> str:
    if worth is None:
        return "more than were tried"
    return f"{worth:g}" if worth else "less than the fewest that were tried"
