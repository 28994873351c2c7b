"""Whether the trainings of a study were long enough: in words, and as learning curves."""

import math
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kdlib.evidence.paper import PAIRS
from kdlib.record.results import Results
from kdlib.report.figures import PALE, Picture, drawing
from kdlib.report.words import listed, signed
from kdlib.study.study import built_in_studies, load_study

FLAT = 0.01  # of Dice; a training is long enough if its last third brings less
TEACHER = "teacher"
NETWORK = ["source", "target", "fold", "seed", "setting", "value", "teaches"]  # one curve each


def length_words(results: Results) -> str:
    """How long the trainings of a study are beside the paper's, and what their end brought."""
    slices, paper = slices_of(results.study["recipe"]), slices_of_study("paper")
    text = f"Each network learnt from {slices:,} slices, and the paper's from {paper:,}."
    return f"{text} {_flatness(results.curves)} {_longer_now(results, slices)}".strip()


def _flatness(curves: pd.DataFrame) -> str:
    gain = last_third(curves)
    if math.isnan(gain):
        return "No learning curve was kept, so nothing shows that this is long enough."
    enough = "long enough" if gain < FLAT else "not long enough"
    return (
        f"The last third of the training changed the teachers' Dice at home by {signed(gain)}. By"
        f" our rule for teachers (less than {FLAT:g}) it is {enough}.{_still_rising(curves)}"
    )


def _still_rising(curves: pd.DataFrame) -> str:
    """The other networks that still gained at home by ``FLAT`` or more, in a sentence."""
    ends = {str(arm): last_third(curves, str(arm)) for arm in curves["arm"].unique()}
    rising = [f"{arm} {signed(end)}" for arm, end in ends.items() if arm != TEACHER and end >= FLAT]
    if not rising:
        return ""
    return (
        f" The networks of these arms still rose at home: {listed(rising)}. A longer training could"
        " change what they reach."
    )


def _longer_now(results: Results, slices: int) -> str:
    """What is to be said of results that are older than the study's present settings."""
    if results.name not in built_in_studies():
        return ""
    now = slices_of_study(results.name)
    if slices >= now:
        return ""
    return (
        f"The study of this name now asks for {now:,} slices. The levels on these pages are lower"
        " than those of a longer training, and no gain or loss here should be trusted before it"
        " was made again."
    )


def slices_of_study(study: str) -> int:
    """The slices that each network of a built-in study learns from."""
    return slices_of(load_study(study).recipe.model_dump())


def slices_of(recipe: dict[str, Any]) -> int:
    """The slices that a network of this recipe learns from: its steps times its batch."""
    return int(recipe["steps"]) * int(recipe["batch_size"])


def last_third(curves: pd.DataFrame, arm: str = TEACHER) -> float:
    """How much Dice at home the last third of the training brought, the mean of an arm's networks.

    NaN if none of them has a curve. ``curves`` are those of ``kdlib.study.plan.study_curves``.
    """
    if curves.empty:
        return math.nan
    rows = curves[curves["arm"].eq(arm)].dropna(subset=["dice"])
    gains = [
        one.iloc[-1]["dice"] - before.iloc[-1]["dice"]
        for _, one in rows.sort_values("step").groupby(NETWORK, dropna=False)
        if len(before := one[one["step"] <= one["step"].max() * 2 / 3])
    ]
    return float(pd.Series(gains, dtype=float).mean())


def learning_curves(results: Results) -> Picture | None:
    """Dice at home against the step: teachers, and every arm, by source; the mean over networks.

    Returns None if no curve was kept.
    """
    if results.curves.empty:
        return None
    rows = results.curves.query("setting.isna() or setting == ''", engine="python")
    order = dict.fromkeys([*(source for source, _ in PAIRS), *sorted(rows["source"].unique())])
    sources = [source for source in order if source in set(rows["source"])]
    colours = {name: arm.colour for name, arm in results.arms.items()} | {TEACHER: PALE}
    with drawing(3.1, 1, len(sources), squeeze=False, sharey=True) as (figure, grid):
        for axes, source in zip(grid.ravel(), sources, strict=True):
            sns.lineplot(
                rows[rows["source"].eq(source)], x="step", y="dice", hue="arm", ax=axes,
                palette=colours, errorbar=None, legend=source == sources[-1],
            )  # fmt: skip
            axes.set(title=source.capitalize(), xlabel="step", ylabel="Dice at home", ylim=(0, 1))
            axes.set_xlim(left=0)
        _legend_above(figure, grid.ravel()[-1], results)
    return Picture(figure)


def _legend_above(figure: Figure, axes: Axes, results: Results) -> None:
    """Move the legend of the last panel above all panels, with the labels of the arms."""
    handles, names = axes.get_legend_handles_labels()
    if legend := axes.get_legend():
        legend.remove()
    labels = [results.arms[name].label if name in results.arms else name for name in names]
    figure.legend(handles, labels, ncols=3, loc="outside upper center", fontsize=10)
