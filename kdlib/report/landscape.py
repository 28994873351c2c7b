"""What the study of many methods says: sentences, a table and a figure of their gains."""

from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from kdlib.evidence.comparisons import PAIR, POOLED, differences, gaps_closed, pair_name
from kdlib.evidence.comparisons import pooled as over_sources
from kdlib.evidence.verdicts import count_of
from kdlib.evidence.worth import gap_of
from kdlib.record.minutes import as_time, minutes_of_arms
from kdlib.record.results import Results
from kdlib.report.figures import BLACK, PALE, SMALLEST, Picture, drawing, name_rows
from kdlib.report.gains import clip, draw_comparison, gains, lower_label, pooled
from kdlib.report.words import interval, listed, signed
from kdlib.study.arm import adapting, label_free, lower_bound, upper_bound

FARTHEST = 0.25  # of Dice: what changes it by more is drawn at the edge


class Landscape:
    """What each method changes over all pairs of clinics, the largest gain first.

    Args:
        results: a study of methods with labels and without, and of the bounds.
    """

    def __init__(self, results: Results) -> None:
        self.results = results
        self._gains = gains(results)
        found = pooled(self._gains, results)
        self.found = dict(sorted(found.items(), key=lambda one: -one[1]["difference"]))
        free = {arm for arm in label_free(results.arms) if results.arms[arm].role != "control"}
        self.free = [arm for arm in self.found if arm in free]
        self.with_labels = [arm for arm in self.found if arm not in free]
        self.above = [arm for arm in self.free if self.found[arm]["low"] > 0]
        self.below = [arm for arm in self.free if self.found[arm]["high"] < 0]
        minutes = minutes_of_arms(results)
        self._times = {arm: as_time(spent) for arm, spent in minutes.items()}

    @cached_property
    def _shares(self) -> pd.DataFrame:
        """``gap_closed`` and ``gap`` of each arm over all pairs. Withheld shares are missing."""
        arms = self.results.arms
        table = gaps_closed(
            self.results.scores, adapting(arms), lower_bound(arms), upper_bound(arms)
        )
        return table[table["source"] == POOLED].dropna(subset="gap_closed").set_index("arm")

    def words(self) -> str:
        """What the methods change, without labels and with some, in sentences."""
        changed = [f"{arm} changes it by {self._change(arm)}" for arm in self.with_labels]
        said = [
            self._best_words(),
            f"The whole interval is above no adaptation for {listed(self.above)}."
            if self.above
            else "No method without labels has its whole interval above no adaptation.",
            f"The whole interval is below it for {listed(self.below)}." if self.below else "",
            f"With labels, {listed(changed)}." if changed else "",
            self._rests_on(),
        ]
        return " ".join(sentence for sentence in said if sentence)

    def _rests_on(self) -> str:
        """How many pairs and seeds there are, and what the tests are, in a sentence."""
        seeds = count_of(max((row["seeds"] for row in self.found.values()), default=0), "seed")
        return (
            f"This rests on {count_of(len(self.results.pairs), 'pair')} of clinics and {seeds}, and"
            " on tests not corrected for their number."
        )

    def _best_words(self) -> str:
        """Which method without labels does best, and how long one of its runs takes."""
        if not self.free:
            return "This study has no method without labels to compare with no adaptation."
        best = self.free[0]
        spent = f", in {self._times[best]} for a run" if best in self._times else ""
        part = (
            f"That is {percent(self._shares['gap_closed'][best])} of the gap of "
            f"{self._shares['gap'][best]:.3f} between the bounds."
            if best in self._shares.index
            else "The gap between the bounds is not clear, so no share of it is given."
        )
        change = self._change(best)
        return (
            f"Without labels, {best} does best: it changes the mean Dice by {change}{spent}. {part}"
        )

    def in_short(self) -> str:
        """What came of all methods, with labels and without, in fewer sentences."""
        tried, above = count_of(len(self.free), "way"), listed(self.above) or "none"
        verb = "have" if len(self.above) > 1 else "has"
        said = [
            f"Of {tried} to adapt without labels, {above} {verb} a whole interval above no"
            " adaptation."
        ]
        said.append(self._bound_words())
        if self.with_labels:
            best = self.with_labels[0]
            said.append(f"With labels, {best} changes the mean Dice by {self._change(best)}.")
        return " ".join(sentence for sentence in [*said, self._rests_on()] if sentence)

    def _bound_words(self) -> str:
        """That all labels of a half do not clearly help either, if that is so, in a sentence."""
        arms = self.results.arms
        lower, upper = lower_bound(arms), upper_bound(arms)
        if lower is None or upper is None:
            return ""
        gap = gap_of(self.results.scores, upper, lower)
        if gap is None or np.isnan(gap.low) or gap.low > 0:
            return ""
        size = f"{signed(gap.difference)}, 95 % interval {signed(gap.low)} to {signed(gap.high)}"
        return (
            f"In this study all labels of a half do not clearly help either ({arms[upper].label}"
            f" {size}), so a small gain could not be seen."
        )

    def _change(self, arm: str) -> str:
        return f"{signed(self.found[arm]['difference'])} ({interval(self.found[arm])})"

    def table(self) -> pd.DataFrame:
        """Each row is one method.

        The columns are ``Method``, ``All pairs`` (the change of the mean Dice from the lower
        bound), ``95 % interval``, one for each pair, ``Share of the gap`` and ``Time of a run``.
        """
        each = self._gains.set_index(["arm", *PAIR])["difference"]
        rows = [
            {
                "Method": self.results.arms[arm].label,
                "All pairs": signed(row["difference"]),
                "95 % interval": f"{signed(row['low'])} to {signed(row['high'])}",
                **{pair_name(*pair): signed(each[(arm, *pair)]) for pair in self.results.pairs},
                "Share of the gap": percent(self._shares["gap_closed"].get(arm)),
                "Time of a run": self._times.get(arm, ""),
            }
            for arm, row in self.found.items()
        ]
        return pd.DataFrame(rows)

    def figure(self) -> Picture | None:
        """One row for each method: its change of the Dice, with seeds, subjects and minutes.

        A large dot is the change over all pairs with its 95 % interval, a small dot is one subject,
        and a tick is one seed. The dashed line at zero is the lower bound. If the gap is clear, a
        second one is the upper bound, and the upper axis has the share of the gap. At the right is
        the time of a run. Returns None if there is nothing to compare.
        """
        if not self.found:
            return None
        with drawing(0.4 * len(self.found) + 1.5) as (figure, axes):
            axes.axvline(0, color=PALE, ls="--", lw=1)
            axes.set_xlim(*_limits(self.found))
            if len(self._shares):
                _show_gap(axes, float(self._shares["gap"].iloc[0]))
            for row, arm in enumerate(self.found):
                self._method(axes, row, arm)
                beside: Any = {"xycoords": ("axes fraction", "data"), "va": "center"}
                axes.annotate(self._times.get(arm, ""), (1.02, row), fontsize=SMALLEST, **beside)
            name_rows(axes, [self.results.arms[arm].label for arm in self.found])
            label = lower_label(self.results.arms)
            axes.set_xlabel(f"change of Dice from {label}", parse_math=False)
        return Picture(figure)

    def _method(self, axes: Axes, row: int, arm: str) -> None:
        found, colour = self.found[arm], self.results.arms[arm].colour
        table = over_sources(differences(self.results.scores, arm, found["baseline"]))
        subjects = np.clip(table.mean(axis=1), *axes.get_xlim())
        axes.plot(subjects, [row + 0.24] * len(subjects), "o", ms=2.5, color=colour, alpha=0.5)
        draw_comparison(axes, row, found, colour)
        clip(axes, row, found, colour)


def percent(share: float | None) -> str:
    """A share in percent. None is one that is withheld."""
    return "withheld" if share is None else f"{share:z.0%}".replace("%", " %").replace("-", "−")


def _limits(found: Mapping[str, Mapping[Any, Any]]) -> tuple[float, float]:
    ends = [row[end] for row in found.values() for end in ("difference", "low", "high")]
    low, high = max(np.nanmin(ends), -FARTHEST), min(np.nanmax(ends), FARTHEST)
    return 1.1 * min(low, -0.02), 1.1 * max(high, 0.02)


def _show_gap(axes: Axes, gap: float) -> None:
    """The upper bound as a line, and the share of the gap on an axis of its own."""
    axes.axvline(gap, color=BLACK, ls="--", lw=1)
    to_share, to_dice = partial(np.multiply, 1 / gap), partial(np.multiply, gap)
    above = axes.secondary_xaxis("top", functions=(to_share, to_dice))
    above.xaxis.set_major_locator(MaxNLocator(4))
    above.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    above.set_xlabel("share of the gap closed")
