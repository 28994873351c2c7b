"""What the study of dials says: the part of a shift that each method mends, in words and as a map.

The rules are in ``kdlib.evidence.adapting``. A clinic of the study is called by its dial.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kdlib.evidence.adapting import cost_of_shift, dial_gains, judged
from kdlib.evidence.verdicts import count_of
from kdlib.record.results import Results
from kdlib.report.figures import BLACK, SMALLEST, Picture, drawing, name_rows
from kdlib.report.words import interval, listed, signed
from kdlib.study.arm import adapting, lower_bound

NO_LOWER = "This study has no lower bound."
NONE_TURNED = "level 0"
# Where a dial was turned, in a sentence.
WHERE = {
    "contrast": "where the contrast differs",
    "sharpness": "where the sharpness differs",
    "noise": "where the noise differs",
    "view": "where the field of view differs",
    "population": "where the people differ",
    "reader": "where the reader draws other borders",
}
# What the file of the study predicted before its results.
MENDED, BY = "contrast", ("AdaBN", "histogram matching")
MENDED_BY_NONE = "reader"


def dials_words(results: Results) -> str:
    """What the dials cost, and for each method the dials that it mends and harms by the rule."""
    lower = lower_bound(results.arms)
    if lower is None:
        return NO_LOWER
    effects, sentences = dial_effects(results, lower), [_costs_words(results, lower)]
    for arm in adapting(results.arms):
        rows = effects[effects["arm"] == arm]
        better = _listed(rows[rows["effect"] == "mends"])
        worse = _listed(rows[rows["effect"] == "harms"])
        name = f"{arm[0].upper()}{arm[1:]}"
        sentences.append(f"{name} is shown to raise the Dice {better}, and to lower it {worse}.")
    return " ".join([*sentences, _unsure_words(effects)])


def dial_effects(results: Results, lower: str) -> pd.DataFrame:
    """What each arm but the upper bound does to each dial, as ``judged``, with ``dial``, its name.

    ``sure`` says whether the interval does not hold 0.
    """
    names = dial_names(results)
    gains = dial_gains(results.scores, adapting(results.arms), lower)
    effects = judged(gains, _zero(results))
    sure = (effects["low"] > 0) | (effects["high"] < 0)
    return effects.assign(dial=effects["target"].map(names), sure=sure)


def _unsure_words(effects: pd.DataFrame) -> str:
    """How many differences are not told from zero, and the lowest and the highest of them."""
    turned = effects[effects["dial"].ne(NONE_TURNED) & effects["low"].notna()]
    unsure = turned[~turned["sure"]].sort_values("difference")
    said = (
        f"The interval of {len(unsure)} of {len(turned)} differences holds zero. The intervals are"
        " not corrected for their number"
    )
    if unsure.empty:
        return f"{said}."
    ends = [
        f"{signed(row['difference'])} ({row['arm']}, {row['dial']}, {interval(row)})"
        for row in unsure.iloc[[0, -1]].to_dict("records")
    ]
    seeds = count_of(int(unsure["seeds"].max()), "seed")
    where = f"Those that hold zero lie between {listed(ends)}." if len(unsure) > 1 else ""
    most = 2 * len(unsure) > len(turned)
    open_ones = ", so most of the map is open rather than empty" if most else ""
    wide = f"With {seeds} an interval is wide where the seeds differ{open_ones}."
    return " ".join(filter(None, [f"{said}.", where, wide]))


def predicted_words(results: Results) -> str:
    """What the study's file predicted, and whether it came true by the rule; empty if not asked."""
    lower = lower_bound(results.arms)
    if lower is None or not {MENDED, MENDED_BY_NONE} <= set(dial_names(results).values()):
        return ""
    effects = dial_effects(results, lower)
    mending = effects[effects["effect"] == "mends"].groupby("dial", sort=False)["arm"].agg(list)
    came = [arm for arm in BY if arm in mending.get(MENDED, ())]
    who = listed(mending.get(MENDED_BY_NONE, ())) or "none of these methods"
    return (
        f"Before the results it was predicted that {listed(BY)} mend {MENDED}, and that no method"
        f" without labels mends the {MENDED_BY_NONE}, who shows in no scan. In the results"
        f" {MENDED} is shown to be mended by {listed(came) or 'neither of the two'}, and the"
        f" {MENDED_BY_NONE} by {who}."
    )


def mended_words(results: Results) -> str:
    """What costs most, and where methods are shown to raise and to lower the Dice."""
    lower = lower_bound(results.arms)
    if lower is None:
        return NO_LOWER
    most = dial_names(results)[str(_costs(results, lower).idxmax())]
    turned = count_of(len(results.pairs) - 1, "part")
    said = [f"Of {turned} of a shift that were turned alone, {most} costs most Dice."]
    effects = dial_effects(results, lower)
    for effect, does in (("mends", "raise"), ("harms", "lower")):
        found = _by_dial(results, effects[effects["effect"] == effect])
        said.append(
            f"Methods that are shown to {does} the Dice: {found}."
            if found
            else f"No method is shown to {does} the Dice for any part."
        )
    seeds = count_of(int(effects["seeds"].max()), "seed") if len(effects) else "no seed"
    return f"{' '.join(said)} This rests on {seeds} and on tests not corrected for their number."


def _by_dial(results: Results, rows: pd.DataFrame) -> str:
    """The arms in ``rows``, each with its dials, as "ADA if the contrast differs"."""
    arms = rows.groupby("dial", sort=False)["arm"].agg(list)
    parts = [
        f"{listed(arms[name])} {_where(name)}"
        for name in dial_names(results).values()
        if name in arms
    ]
    return "; ".join(parts)


def dial_names(results: Results) -> dict[str, str]:
    """What each target of the study is called: its dial, and its level if the dial has several.

    >>> from types import SimpleNamespace
    >>> pairs = [("utrecht", "utrecht-again"), ("utrecht", "utrecht~view2")]
    >>> dial_names(SimpleNamespace(pairs=pairs, study={"pairs": pairs}))
    {'utrecht-again': 'level 0', 'utrecht~view2': 'view'}
    """
    zero = _zero(results)
    targets = [target for _, target in results.pairs]
    dials = {target: target.partition("~")[2][:-1] or target for target in targets}
    several = [dial for dial in dials.values() if list(dials.values()).count(dial) > 1]
    return {
        target: NONE_TURNED if target == zero
        else f"{dial} at level {target[-1]}" if dial in several
        else dial
        for target, dial in dials.items()
    }  # fmt: skip


def dials_map(results: Results) -> Picture | None:
    """A heat map: each row is one turned dial, and each column one arm.

    The first column is what the shift costs without adaptation, at the same lesion load. The others
    are mean differences of Dice from the lower bound; a star marks those whose 95 % interval does
    not hold 0. The first row is level 0. Colours are those of the differences, and a cost may lie
    beyond them. Returns None if the study lacks a lower bound.
    """
    lower = lower_bound(results.arms)
    if lower is None:
        return None
    arms = [name for name in results.arms if name != lower]
    gains, names = dial_gains(results.scores, arms, lower), dial_names(results)
    cells = gains.pivot_table("difference", "target", "arm", sort=False)
    cells = cells.reindex(list(names), columns=arms)
    most = max(0.02, float(np.nanmax(np.abs(cells.to_numpy(dtype=np.float64)))))
    cost = -_costs(results, lower).reindex(list(names), fill_value=0.0).to_frame("shift alone")
    sure = gains[(gains["low"] > 0) | (gains["high"] < 0)].set_index(["target", "arm"]).index
    with drawing(0.42 * len(cells) + 1.6, 1, 2, sharey=True, width_ratios=[1, len(arms)]) as (
        figure,
        (left, right),
    ):
        _heat(left, cost, ["shift alone"], most, set())
        _heat(right, cells, [results.arms[arm].label for arm in arms], most, set(sure))
        name_rows(left, list(names.values()))
        right.tick_params(axis="y", length=0, labelleft=False)
    return Picture(figure)


def _heat(axes: Axes, cells: pd.DataFrame, labels: list[str], most: float, sure: set) -> None:
    """Colours and numbers of ``cells``, with a star at those in ``sure``."""
    values = cells.to_numpy(dtype=np.float64)
    axes.imshow(values, cmap="PRGn", vmin=-most, vmax=most, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        ink = "white" if abs(value) > 0.6 * most else BLACK
        star = "*" if (cells.index[row], cells.columns[column]) in sure else ""
        text = f"{signed(value, 2)}{star}"
        axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=SMALLEST)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", parse_math=False)
    axes.grid(visible=False)


def _zero(results: Results) -> str:
    """The target of level 0: that of the study's first pair."""
    return str(results.study["pairs"][0][1])


def _costs(results: Results, lower: str) -> pd.Series:
    """What each dial costs without adaptation, without the row of level 0."""
    zero = _zero(results)
    return cost_of_shift(results.scores, _loads(results), lower, zero).drop(zero)


def _costs_words(results: Results, lower: str) -> str:
    names, costs = dial_names(results), _costs(results, lower).sort_values(ascending=False)
    told = [f"{names[str(target)]} {signed(-cost, 2)}" for target, cost in costs.items()]
    return f"Without adaptation, this is the change of Dice at the same load: {listed(told)}."


def _loads(results: Results) -> Mapping[tuple[str, str], float]:
    """The lesion volume in mL of each (clinic, subject)."""
    table = results.clinics
    keys = zip(table["clinic"], table["subject"].astype(str), strict=True)
    return dict(zip(keys, table["lesion_ml"], strict=True))


def _listed(rows: pd.DataFrame) -> str:
    named = zip(rows["dial"], rows["difference"], strict=True)
    return listed([f"{_where(name)} ({signed(value)})" for name, value in named]) or "nowhere"


def _where(dial: str) -> str:
    return WHERE.get(dial, f"where {dial} differs")
