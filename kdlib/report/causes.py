"""What causes the gains: the controls, the hypothesis, and what AdaBN mends."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from kdlib.evidence.comparisons import PAIR, compare, differences, pair_name, pooled
from kdlib.evidence.mechanism import LOWER_IN, Outcome
from kdlib.evidence.statistics import MARGIN
from kdlib.evidence.verdicts import OUTCOMES, count_of
from kdlib.record.results import Results
from kdlib.report.figures import DARK, PALE, Picture, drawing, name_rows
from kdlib.report.gains import draw_comparison
from kdlib.report.story import Story
from kdlib.report.words import change_of, listed, signed
from kdlib.study.arm import Arm, adapting, lower_bound


def control_gains(results: Results) -> pd.DataFrame:
    """Each arm that adapts to pooled scans against its bound, all pairs pooled, one row each.

    Arms with instance norm are compared with the lower bound that has it too.
    """
    lower = lower_bound(results.arms)
    rows = []
    for name in adapting(results.arms):
        arm = results.arms[name]
        own = LOWER_IN if arm.settings.get("norm") == "instance" else lower
        if arm.on_the_fly or own is None or name == own or own not in results.arms:
            continue
        table = differences(results.scores, name, own)
        if len(table):
            found = compare(pooled(table))
            pairs = table.mean(axis=1).groupby(PAIR).mean()
            rows.append({"arm": name, "baseline": own, "pairs": list(pairs)} | found)
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else ["arm", "baseline"])


def control_figure(table: pd.DataFrame, arms: Mapping[str, Arm]) -> Picture:
    """``control_gains`` as a chart: interval, seeds as ticks if several, pairs as small dots."""
    with drawing(0.36 * len(table) + 1.2) as (figure, axes):
        for place, row in enumerate(table.to_dict("records")):
            axes.plot(row["pairs"], [place + 0.28] * len(row["pairs"]), ".", ms=5, color=PALE)
            draw_comparison(axes, place, row, arms[row["arm"]].colour)
        axes.axvline(0, color=DARK, lw=1)
        name_rows(axes, [arms[name].label for name in table["arm"]])
        axes.set_xlabel("change of Dice from no adaptation")
        figure.legend(handles=_marks(table), ncols=3, loc="outside upper center", fontsize=10)
    return Picture(figure)


def _marks(table: pd.DataFrame) -> list[Line2D]:
    style: dict[str, Any] = {"color": DARK}
    mean = Line2D([], [], marker="o", lw=2.5, label="mean, 95 % interval", **style)
    seed = Line2D([], [], marker="|", ls="", mew=1.5, label="one seed", **style)
    pair = Line2D([], [], marker=".", ls="", label="one pair", color=PALE)
    several = any(row["seeds"] > 1 for row in table.to_dict("records"))
    return [mean, seed, pair] if several else [mean, pair]


def hypothesis_words(outcomes: list[Outcome]) -> str:
    """How many predictions of the hypothesis hold, and which, in sentences."""
    found = {v: [o.prediction.number for o in outcomes if o.verdict == v] for v in OUTCOMES}
    found = {verdict: numbers for verdict, numbers in found.items() if numbers}
    if len(found) == 1:
        return (
            f"All {len(outcomes)} predictions of the hypothesis are judged “{next(iter(found))}”."
        )
    parts = [
        f"{len(numbers)} {'is' if len(numbers) == 1 else 'are'} judged"
        f" “{verdict}” ({listed(numbers)})"
        for verdict, numbers in found.items()
    ]
    return f"Of the {len(outcomes)} predictions of the hypothesis, {listed(parts)}."


def explained_words(results: Results) -> str:
    """Whether these results have a gain that the hypothesis could explain, in a sentence."""
    found = Story(results).found
    changes = {name: change_of(one) for name, one in found.items()}
    methods = ("adversarial", "distillation", "adabn")
    arms = [n for n in changes if results.arms[n].method in methods]
    raised = [results.arms[name].label for name in arms if changes[name] == "raised"]
    if not arms or "few seeds" in changes.values():
        return "These results cannot say whether there is a gain that it could explain."
    if raised:
        return f"In the study {results.name!r} it must explain a clear gain by {listed(raised)}."
    names = listed([results.arms[name].label for name in arms])
    said = f"In the study {results.name!r} there is no clear gain by {names}."
    if any(found[name]["high"] >= MARGIN for name in arms):
        return f"{said} But their intervals leave room for one, which it would have to explain."
    alone = any(results.arms[name].method == "adabn" for name in arms)
    none = ", and new statistics of the batch norms alone brought none" if alone else ""
    return f"{said} So there is no gain here that it could explain{none}."


def cause_words(table: pd.DataFrame, outcomes: list[Outcome], arms: Mapping[str, Arm]) -> str:
    """What the controls and the predictions say of the cause of the gains, for the last line."""
    control = [name for name in table["arm"] if arms[name].role == "control"]
    if not control:
        return (
            "without control arms these results do not say which part of a method causes a change."
        )
    said = hypothesis_words(outcomes)
    return said[0].lower() + said[1:]


def control_words(table: pd.DataFrame, results: Results) -> str:
    """What ``control_gains`` shows: the methods, and which control arms differ from no adaptation.

    An arm counts as better or worse if its whole 95 % interval lies on that side of 0.
    """
    if table.empty:
        return "No arm of these results can be compared with no adaptation."
    arms = results.arms
    control = table["arm"].map(lambda name: arms[name].role == "control")
    whole = [_changed(row, arms) for row in table[~control].to_dict("records")]
    said = f"In the study {results.name!r} the change of the mean Dice is {listed(whole)}."
    if not control.any():
        return (
            f"{said} This study has no control arms, and the study 'mechanism', which has them, has"
            " no results by the same recipe here. So these results do not say which part of a"
            " method causes a change."
        )
    rows = table[control]
    sides = {
        "above": rows[rows["low"].gt(0)],
        "below": rows[rows["high"].lt(0)],
    }
    parts = [
        f"{_names(own, arms)} {'are' if len(own) > 1 else 'is'} {side} 0 with the whole interval"
        for side, own in sides.items()
    ]
    others = len(rows) - sum(map(len, sides.values()))
    few = " One seed decides nothing, though." if rows["seeds"].max() == 1 else ""
    rest = f" The other {others} are not clear." if others > 1 else ""
    return f"{said} Of its {count_of(len(rows), 'control arm')}, {listed(parts)}.{rest}{few}"


def _changed(row: Mapping[Any, Any], arms: Mapping[str, Arm]) -> str:
    return f"{signed(row['difference'])} with {arms[row['arm']].label}"


def _names(rows: pd.DataFrame, arms: Mapping[str, Arm]) -> str:
    return listed([arms[name].label for name in rows["arm"]]) if len(rows) else "none"


def norm_arm(results: Results) -> str | None:
    """The name of the arm that is AdaBN of the plain teacher; None if the study has none."""
    plain = [n for n, a in results.arms.items() if a.method == "adabn" and a.teacher is None]
    return plain[0] if plain and lower_bound(results.arms) is not None else None


def mended(results: Results, arm: str) -> pd.DataFrame:
    """What ``arm`` changes in each pair: its gain, and how far the clinics' lesions differ.

    ``contrast`` is the target's median lesion contrast minus the source's, as scanned. ``volume
    before`` and ``volume after`` are the marked volume over the true one, without adaptation and
    with the arm, as geometric means over subjects.
    """
    scores, lower = results.scores, str(lower_bound(results.arms))
    gains = differences(scores, arm, lower).mean(axis=1).groupby(PAIR).mean()
    contrast = results.clinics.groupby("clinic")["lesion_contrast"].median()
    runs = scores.groupby([*PAIR, "arm", "subject"])["log_volume_ratio"].mean()
    volumes = runs.groupby([*PAIR, "arm"]).mean()
    rows = [
        {
            "pair": pair_name(*pair),
            "change of Dice": gains[pair],
            "contrast": contrast.get(pair[1], np.nan) - contrast.get(pair[0], np.nan),
            "volume before": np.exp(volumes[(*pair, lower)]),
            "volume after": np.exp(volumes[(*pair, arm)]),
        }
        for pair in results.pairs
    ]
    return pd.DataFrame(rows)


def mended_words(results: Results, arm: str | None) -> str:
    """In how many pairs AdaBN gains, and brings the marked volume nearer to the true one."""
    if arm is None:
        return "These results have no arm of this kind."
    table = mended(results, arm)
    before, after = (np.log(table[f"volume {when}"]).abs() for when in ("before", "after"))
    best = max(table.to_dict("records"), key=lambda row: row["change of Dice"])
    raised, pairs = int(table["change of Dice"].gt(0).sum()), count_of(len(table), "pair")
    nearer = int((after < before).sum())
    return (
        f"Its mean Dice is above that without adaptation in {raised} of {pairs}. The largest change"
        f" is {signed(best['change of Dice'])}, from {best['pair']}. In {nearer}"
        f" of {pairs} the marked volume is nearer to the true one than without adaptation."
    )
