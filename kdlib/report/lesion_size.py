"""How bold the arms are, and what they find of small and of large lesions."""

import numpy as np
import pandas as pd

from kdlib.evidence.comparisons import by_patient
from kdlib.record.results import Results
from kdlib.report.figures import SMALLEST, Picture, drawing
from kdlib.report.tables import arms_in_order
from kdlib.report.words import listed, signed
from kdlib.study.arm import lower_bound, upper_bound

SIZES = {"under_10": "< 10", "10_100": "10–100", "100_1000": "100–1000", "above_1000": "> 1000"}
RATES = {"recall": "share of true lesions found", "precision": "share of found lesions true"}


def boldness(results: Results) -> pd.DataFrame:
    """How bold each arm is, one row each: ``volume`` is what it marks over the true volume.

    ``recall`` and ``F1`` are of lesions, at probability 0.5. All are means over subjects (of the
    volume the geometric mean), whose runs are averaged first. Arms on the fly are left out.
    """
    columns = {"volume": "log_volume_ratio", "recall": "lesion_recall", "F1": "lesion_f1"}
    held = {name: column for name, column in columns.items() if column in results.scores}
    by_arm = _by_arm(results, list(held.values())).set_axis(list(held), axis=1)
    if "volume" in by_arm:
        by_arm["volume"] = np.exp(by_arm["volume"])
    return by_arm


def boldness_words(results: Results) -> str:
    """Which arms mark less than is there, and which more, in sentences."""
    table, arms = boldness(results), results.arms
    if "volume" not in table:
        return "These results do not say how much lesion each method marks."
    parts = [f"{arms[str(name)].label} {100 * v:.0f} %" for name, v in table["volume"].items()]
    rows = results.scores[results.scores["arm"].isin(list(table.index))]
    without = int(rows["log_volume_ratio"].isna().sum())
    left_out = (
        f" {without} of {len(rows)} answers mark nothing, or have nothing to mark; they have no"
        " such share and are left out."
    )
    return (
        f"The marked volume, as a share of the true lesion volume, is in the mean: {listed(parts)}."
        f" Below 100 % a network is cautious, and above it is bold.{left_out if without else ''}"
    )


def by_size(results: Results, suffix: str = "") -> pd.DataFrame:
    """Lesion recall and precision of each arm by class of volume; ``suffix`` "_matched" or "".

    The index is ``(arm, rate)`` and the columns are the classes.
    """
    tables = {}
    for rate in RATES:
        columns = {f"lesion_{rate}_{size}{suffix}": size for size in SIZES}
        if set(columns) <= set(results.scores):
            tables[rate] = _by_arm(results, list(columns)).rename(columns=columns)
    if not tables:
        return pd.DataFrame(columns=list(SIZES))
    return pd.concat(tables, names=["rate", "arm"]).swaplevel()


def size_figure(results: Results, suffix: str = "") -> Picture | None:
    """``by_size`` as a chart: recall and precision, one line for each arm. None without scores."""
    table = by_size(results, suffix)
    if table.empty:
        return None
    with drawing(3.6, 1, 2, sharey=True) as (figure, both):
        for axes, (rate, text) in zip(both, RATES.items(), strict=True):
            for name in shown_arms(results):
                if (name, rate) not in table.index:
                    continue
                arm = results.arms[name]
                style = {"color": arm.colour, "label": arm.label}
                axes.plot(
                    list(SIZES.values()), table.loc[(name, rate)], "o-", ms=4, lw=1.8, **style
                )
            axes.set_title(text, fontsize=10)
            axes.set(ylim=(0, 1.03))
            axes.tick_params(axis="x", labelsize=SMALLEST)
            axes.margins(x=0.16)  # so that the names of the outer classes stay in their panel
        figure.supxlabel("lesion volume (mm³)", fontsize=11)
        handles, labels = both[0].get_legend_handles_labels()
        figure.legend(handles, labels, ncols=3, loc="outside upper center", fontsize=10)
    return Picture(figure)


def size_words(results: Results, arm: str) -> str:
    """What ``arm`` changes of lesion recall in each class of volume, in a sentence."""
    table, lower = by_size(results), lower_bound(results.arms)
    if table.empty or lower is None or arm not in table.index.get_level_values("arm"):
        return "These results do not say what is found of small and of large lesions."
    recall = table.xs("recall", level="rate")
    change = recall.T[arm].sub(recall.T[lower]).dropna()
    parts = [f"{signed(v)} for lesions of {SIZES[str(size)]} mm³" for size, v in change.items()]
    label = results.arms[arm].label
    return (
        f"{label} changes the share of the lesions that are found, against no adaptation, by"
        f" {listed(parts)}."
    )


def shown_arms(results: Results) -> list[str]:
    """The arms that figures of lesion size show: both bounds, and all that adapt but controls."""
    bounds = [lower_bound(results.arms), upper_bound(results.arms)]
    return [n for n, a in results.arms.items() if n in bounds or a.role in ("paper", "other")]


def _by_arm(results: Results, columns: list[str]) -> pd.DataFrame:
    """Means of ``columns`` of each pooled arm and bound, in the study's order; patients first."""
    arms = [name for name, arm in results.arms.items() if not arm.on_the_fly]
    rows = by_patient(results.scores, results.patients)
    by_subject = rows.groupby(["arm", "target", "subject"])[columns].mean()
    means = by_subject.groupby("arm").mean()
    return arms_in_order(means, arms)
