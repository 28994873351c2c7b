"""The figure of how many scans of the target a method needs."""

from kdlib.evidence.adapting import by_number, levels_where_swept
from kdlib.record.results import Results
from kdlib.report.figures import SMALLEST, Picture, drawing
from kdlib.study.arm import lower_bound, upper_bound


def number_curves(results: Results) -> Picture | None:
    """The mean Dice over the number of scans: a line for each swept arm, a dot for each seed.

    A solid line is of scans without labels, a dashed one of labelled scans. The horizontal lines
    are the bounds. Returns None if nothing was swept.
    """
    swept = {one["arm"]: one["setting"] for one in results.study["sweeps"]}
    tables = {a: by_number(results.all_scores, a, setting) for a, setting in swept.items()}
    if not tables or all(table.empty for table in tables.values()):
        return None
    with drawing(3.8) as (figure, axes):
        for arm, table in tables.items():
            shown, style = results.arms[arm], "--" if swept[arm] == "subjects" else "-"
            axes.plot(table.index, table.mean(axis=1), style, color=shown.colour, label=shown.label)
            axes.plot(table.index, table, "o", ms=4, color=shown.colour, alpha=0.7)
        levels = levels_where_swept(results.all_scores)
        for bound in (lower_bound(results.arms), upper_bound(results.arms)):
            if bound in levels:
                level = levels[bound]
                axes.axhline(level, color=results.arms[bound].colour, ls=":", lw=1.5)
                axes.annotate(
                    results.arms[bound].label, (1, level), xycoords=("axes fraction", "data"),
                    ha="right", va="bottom", fontsize=SMALLEST,
                )  # fmt: skip
        axes.set_xscale("log")
        values = sorted({value for table in tables.values() for value in table.index})
        axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.minorticks_off()
        axes.set(xlabel="scans of the target", ylabel="mean Dice")
        axes.legend(fontsize=SMALLEST)
    return Picture(figure)
