"""What the study of many methods says: a sentence, a table and a figure of their gains."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from kdlib.evidence.comparisons import PAIR, POOLED, differences, gaps_closed, pair_name
from kdlib.evidence.comparisons import pooled as over_sources
from kdlib.evidence.verdicts import count_of
from kdlib.record.minutes import as_time, minutes_of_arms
from kdlib.record.results import Results
from kdlib.report.figures import SMALLEST, Picture, drawing, name_rows
from kdlib.report.gains import clip, draw_comparison, gains, pooled
from kdlib.report.words import interval, listed, signed
from kdlib.study.arm import adapting, label_free, lower_bound, upper_bound

MEAN_AND_ENDS = ("difference", "low", "high")
FARTHEST = 0.25  # of Dice: what changes it by more is drawn at the edge


def landscape_words(results: Results) -> str:
    """What the methods change over all pairs, without labels and with some, in sentences."""
    found, free = pooled(gains(results), results), label_free(results.arms)
    above = [arm for arm in found if arm in free and found[arm]["low"] > 0]
    below = [arm for arm in found if arm in free and found[arm]["high"] < 0]
    labelled = [f"{arm} changes it by {_change(found[arm])}" for arm in found if arm not in free]
    said = [
        _largest_words(results),
        f"Clearly above no adaptation: {listed(above)}."
        if above
        else "No method without labels is clearly above no adaptation.",
        f"Clearly below it: {listed(below)}." if below else "",
        f"With labels, {listed(labelled)}." if labelled else "",
    ]
    return " ".join(sentence for sentence in said if sentence)


def _largest_words(results: Results) -> str:
    """Which arm without labels does best over all pairs, and how long one of its runs takes."""
    found, shares = pooled(gains(results), results), _shares(results)
    minutes = minutes_of_arms(results)
    free = [arm for arm in label_free(results.arms) if arm in found]
    if not free:
        return "This study has no method without labels to compare with no adaptation."
    best = max(free, key=lambda arm: found[arm]["difference"])
    spent = f", in {as_time(minutes[best])} for a run" if best in minutes else ""
    part = (
        f"That is {percent(shares['gap_closed'][best])} of the gap of {shares['gap'][best]:.3f} "
        "between the bounds."
        if best in shares.index
        else "The gap between the bounds is not clear, so no share of it is given."
    )
    return (
        f"Without labels, {best} does best: it changes the mean Dice by "
        f"{_change(found[best])}{spent}. {part}"
    )


def in_short(results: Results) -> str:
    """What came of all methods, with labels and without, in some sentences."""
    found, free = pooled(gains(results), results), label_free(results.arms)
    above = [arm for arm in found if arm in free and found[arm]["low"] > 0]
    tried, clearly = count_of(len(set(found) & set(free)), "way"), listed(above) or "none"
    verb = "are" if len(above) > 1 else "is"
    said = [f"Of {tried} to adapt without labels, {clearly} {verb} clearly above no adaptation."]
    if labelled := [arm for arm in found if arm not in free]:
        best = max(labelled, key=lambda arm: found[arm]["difference"])
        said.append(f"With labels, {best} changes the mean Dice by {_change(found[best])}.")
    seeds = count_of(max((row["seeds"] for row in found.values()), default=0), "seed")
    return (
        f"{' '.join(said)} This rests on {count_of(len(results.pairs), 'pair')} of clinics and "
        f"{seeds}, and on tests not corrected for their number."
    )


def landscape_table(results: Results) -> pd.DataFrame:
    """What each method changes, the largest gain first. Each row is one method.

    The columns are ``Method``, ``All pairs`` (the change of the mean Dice from the lower bound),
    ``95 % interval``, one for each pair of clinics, ``Share of the gap`` and ``Time of a run``.
    """
    table, shares, minutes = gains(results), _shares(results), minutes_of_arms(results)
    each = table.set_index(["arm", *PAIR])["difference"]
    found = pooled(table, results)
    rows = [
        {
            "Method": results.arms[arm].label,
            "All pairs": signed(row["difference"]),
            "95 % interval": f"{signed(row['low'])} to {signed(row['high'])}",
            **{pair_name(*pair): signed(each[(arm, *pair)]) for pair in results.pairs},
            "Share of the gap": percent(shares["gap_closed"].get(arm)),
            "Time of a run": as_time(minutes[arm]) if arm in minutes else "",
        }
        for arm, row in sorted(found.items(), key=lambda one: -one[1]["difference"])
    ]
    return pd.DataFrame(rows)


def _shares(results: Results) -> pd.DataFrame:
    """``gap_closed`` and ``gap`` of each arm over all pairs. Arms whose share is withheld lack."""
    lower, upper = lower_bound(results.arms), upper_bound(results.arms)
    table = gaps_closed(results.scores, adapting(results.arms), lower, upper)
    return table[table["source"] == POOLED].dropna(subset="gap_closed").set_index("arm")


def _change(found: Mapping[Any, Any]) -> str:
    return f"{signed(found['difference'])} ({interval(found)})"


def percent(share: float | None) -> str:
    """A share in percent. None is one that is withheld."""
    return "withheld" if share is None else f"{share:z.0%}".replace("%", " %").replace("-", "−")


def methods_figure(results: Results) -> Picture | None:
    """One row for each method: its change of the Dice, with seeds, subjects and minutes.

    A large dot is the change over all pairs with its 95 % interval, a small dot is one subject, and
    a tick is one seed. The methods stand in the order of their changes. The dashed lines are the
    bounds, and the upper axis has the share of the gap between them if it is clear. At the right
    are the median minutes of a run. Returns None if there is nothing to compare.
    """
    found = pooled(gains(results), results)
    if not found:
        return None
    order, minutes = (
        sorted(found, key=lambda arm: -found[arm]["difference"]),
        minutes_of_arms(results),
    )
    with drawing(0.4 * len(order) + 1.5) as (figure, axes):
        axes.axvline(0, color="#8c8c8c", ls="--", lw=1)
        axes.set_xlim(*_limits(found))
        _show_gap(axes, results)
        for row, arm in enumerate(order):
            _method(axes, row, arm, found[arm], results)
            spent = as_time(minutes[arm]) if arm in minutes else ""
            beside = {"xycoords": ("axes fraction", "data"), "va": "center"}
            axes.annotate(spent, (1.02, row), fontsize=SMALLEST, **beside)
        name_rows(axes, [results.arms[arm].label for arm in order])
        axes.set_xlabel(f"change of Dice from {_lower(results)}", parse_math=False)
    return Picture(figure)


def _lower(results: Results) -> str:
    lower = lower_bound(results.arms)
    return results.arms[lower].label if lower else "no adaptation"


def _limits(found: Mapping[str, Mapping[Any, Any]]) -> tuple[float, float]:
    ends = np.array([[row[end] for end in MEAN_AND_ENDS] for row in found.values()])
    low, high = max(np.nanmin(ends), -FARTHEST), min(np.nanmax(ends), FARTHEST)
    return 1.1 * min(low, -0.02), 1.1 * max(high, 0.02)


def _show_gap(axes: Axes, results: Results) -> None:
    """The upper bound as a line, and the share of the gap on an axis of its own."""
    shares = _shares(results)
    if shares.empty:
        return
    gap = float(shares["gap"].iloc[0])
    axes.axvline(gap, color="#222222", ls="--", lw=1)
    to_share, to_dice = partial(np.multiply, 1 / gap), partial(np.multiply, gap)
    above = axes.secondary_xaxis("top", functions=(to_share, to_dice))
    above.xaxis.set_major_locator(MaxNLocator(4))
    above.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    above.set_xlabel("share of the gap closed")


def _method(axes: Axes, row: int, arm: str, found: Mapping[Any, Any], results: Results) -> None:
    colour = results.arms[arm].colour
    table = over_sources(differences(results.scores, arm, found["baseline"])).mean(axis=1)
    subjects = np.clip(table, *axes.get_xlim())
    axes.plot(subjects, np.full(len(subjects), row + 0.24), "o", ms=2.5, color=colour, alpha=0.5)
    draw_comparison(axes, row, found, colour)
    clip(axes, row, found, colour)
