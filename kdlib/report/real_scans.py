"""What the starter does on real scans, and what adapting it to them changes.

The scores come with its weights. Each row is one answer to one scan, against one mask.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from kdlib.evidence.verdicts import count_of
from kdlib.report.figures import BLACK, PALE, Picture, drawing, name_rows
from kdlib.report.words import listed, signed
from kdlib.starter.starter import WEIGHTS

STARTER, THRESHOLD, ADABN = "starter", "threshold", "adabn"
ALONE = " alone"  # ends the name of a method that adapts to each scan alone
TOGETHER, EACH = "all scans", "each scan"  # what a method adapts to
SET = ["site", "mask"]
# What readers call the methods that need no source.
NAMES = {
    ADABN: "AdaBN",
    "mixed_adabn": "AdaBN mixed",
    "tent": "tent",
    "target_distillation": "KD without source",
}
# Name, mark and colour. AdaBN has the colour that it has in the studies.
MARKS = {
    STARTER: ("starter", "o", BLACK),
    THRESHOLD: ("threshold", "x", PALE),
    ADABN: ("starter after AdaBN", "D", "#882e72"),
}


def real_scores() -> pd.DataFrame:
    """The scores of the shipped starter on real scans, as ``benchmarks/real_scans.py`` wrote them.

    Columns: site, scan, by, mask, dice, recall (share of the lesions), found_ml, true_ml, adapted.
    ``by`` is ``starter``, ``threshold``, a method that adapts to all scans of a site together, or
    ``... alone``. ``adapted`` says whether ``kdlib adapt`` uses this student.
    """
    return pd.read_csv(WEIGHTS / "real_scans.csv", dtype={"scan": str})


def real_figure(scores: pd.DataFrame) -> Picture:
    """The Dice of each real scan: one panel for each site and mask, one row for each scan."""
    sets = [part for _, part in scores.groupby(SET, sort=False)]
    heights = [part["scan"].nunique() for part in sets]
    with drawing(
        0.27 * sum(heights) + 0.45 * len(sets) + 0.8, len(sets), sharex=True, squeeze=False,
        height_ratios=heights,
    ) as (figure, axes):  # fmt: skip
        for place, part in zip(axes.ravel(), sets, strict=True):
            _panel(place, part)
        axes.ravel()[-1].set_xlabel("Dice")
        known = [MARKS[name] for name in MARKS if name in set(scores["by"])]
        marks = [Line2D([], [], marker=m, color=c, ls="", ms=7, label=n) for n, m, c in known]
        figure.legend(handles=marks, ncols=3, loc="outside upper center", fontsize=10)
    return Picture(figure)


def _panel(axes: Axes, part: pd.DataFrame) -> None:
    """The scans of one site against one mask, the best on top."""
    dice = part.pivot_table("dice", "scan", "by").sort_values(STARTER, ascending=False)
    for name in (THRESHOLD, ADABN, STARTER):
        if name in dice:
            _, mark, colour = MARKS[name]
            axes.plot(dice[name], range(len(dice)), mark, color=colour, ms=7)
    name_rows(axes, list(dice.index))
    site, mask = part.iloc[0][SET]
    axes.set_title(f"{site.capitalize()}, {mask}", fontsize=11, loc="left", parse_math=False)
    axes.set_xlim(0, 1)


def real_words(scores: pd.DataFrame) -> str:
    """The mean Dice and volumes of the starter on each set of real scans, in sentences."""
    parts = []
    for (site, mask), part in scores.groupby(SET, sort=False):
        means = part.groupby("by")[["dice", "recall", "found_ml", "true_ml"]].mean()
        own, number = means.loc[STARTER], part["scan"].nunique()
        parts.append(
            f"{str(site).capitalize()}, {count_of(number, 'scan')} against `{mask}`: the starter"
            f" has a mean Dice of {own['dice']:.2f}, and the threshold one of"
            f" {means['dice'][THRESHOLD]:.2f}. The starter finds {own['found_ml']:.1f} mL of"
            f" lesions where the reader marked {own['true_ml']:.1f} mL, and touches"
            f" {own['recall']:.0%} of the lesions."
        )
    return "\n".join(f"- {part}" for part in parts)


def range_words(scores: pd.DataFrame) -> str:
    """The starter's mean Dice on real scans, and that of its worst and best one, in a sentence.

    Each scan counts once, against the mask that its whole site has.
    """
    own = scores[scores["by"].eq(STARTER)].drop_duplicates(["site", "scan"])
    sites, dice = own["site"].nunique(), own["dice"]
    return (
        f"On {count_of(len(own), 'real scan')} of {count_of(sites, 'site')} it has a mean Dice of"
        f" {dice.mean():.2f}, and from {dice.min():.2f} to {dice.max():.2f} on single scans. Its"
        " simulation was improved after a look at these scans, so it may do worse on others."
    )


def changes(scores: pd.DataFrame) -> pd.DataFrame:
    """What each method changes on each set of scans, beside the starter as it is.

    Columns: site, mask, method, adapted_to (all scans of the site, or each scan), scans, change (of
    the mean Dice), worst and best (of a scan), better (scans with a higher Dice), used (scans whose
    student ``kdlib adapt`` would use), and kept (the change of the mean Dice if the others keep the
    starter's mask).
    """
    rows = []
    for (site, mask), part in scores.groupby(SET, sort=False):
        dice = part.pivot_table("dice", "scan", "by", sort=False)
        for method, own in part.dropna(subset="adapted").groupby("by", sort=False):
            apart = dice[method] - dice[STARTER]
            used = own.set_index("scan")["adapted"].astype(bool)
            name = str(method).removesuffix(ALONE)
            rows.append({
                "site": str(site).capitalize(), "mask": mask, "method": NAMES.get(name, name),
                "adapted_to": TOGETHER if name == method else EACH, "scans": len(apart),
                "change": apart.mean(), "worst": apart.min(), "best": apart.max(),
                "better": int((apart > 0).sum()), "used": int(used.sum()),
                "kept": apart.where(used.reindex(apart.index), 0).mean(),
            })  # fmt: skip
    return pd.DataFrame(rows)


def changes_words(scores: pd.DataFrame) -> str:
    """What adapting to all scans of a site together changed, and to each alone, in sentences."""
    table = changes(scores)
    if table.empty:
        return "These scores do not say what adapting changes."
    said = []
    for what, how in ((TOGETHER, "all scans of a site together"), (EACH, "each scan alone")):
        part = table[table["adapted_to"] == what]
        if len(part):
            said.append(f"Adapting to {how} changes the mean Dice by {_range(part)}.")
            low = part.sort_values("worst").iloc[0]
            said.append(
                f"The worst change of one scan is {signed(low['worst'])} ({low['method']},"
                f" {low['site']})."
            )
    return " ".join(said)


def changes_conclusion(scores: pd.DataFrame) -> str:
    """Which methods raise the mean Dice at every site and against every mask, in a sentence."""
    raised = changes(scores)
    if raised.empty:
        return "These scores do not say what adapting changes."
    raised = raised.assign(up=raised["change"] > 0)
    always = raised.groupby(["method", "adapted_to"], sort=False)["up"].all()
    names = [f"{method} (adapted to {what})" for method, what in always[always].index]
    if not names:
        return "No method of adapting raises its mean Dice at every site and against every mask."
    return f"Its mean Dice is raised at every site and against every mask by {listed(names)}."


def _range(part: pd.DataFrame) -> str:
    """The least and the most change, with the methods and sites that they belong to."""
    ranked = part.sort_values("change")
    ends = [
        f"{signed(row['change'])} ({row['method']}, {row['site']}, `{row['mask']}`)"
        for row in (ranked.iloc[0], ranked.iloc[-1])
    ]
    return f"between {' and '.join(ends)}"
