"""The starter on real scans beside other tools, whose answers to the same scans were published."""

import pandas as pd

from kdlib.evidence.verdicts import count_of
from kdlib.report.real_scans import ADABN, STARTER, THRESHOLD
from kdlib.report.words import listed
from kdlib.starter.starter import WEIGHTS

OURS = {
    STARTER: "starter",
    ADABN: "starter after AdaBN",
    "target_distillation": "starter after KD without source",
    THRESHOLD: "threshold",
}
ALIKE = 0.01  # of Dice: means of so few scans that are nearer say nothing


def other_scores() -> pd.DataFrame:
    """The Dice of other tools. Columns: site, scan, by (the tool), mask, dice.

    They are those of the outputs that the repository of these scans has published. None is of a run
    by us. The map of WMH-SynthSeg was cut at half of its maximum.
    """
    return pd.read_csv(WEIGHTS / "other_tools.csv", dtype={"scan": str})


def beside_tools(ours: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """The Dice of the starter and of other tools on the scans that the tools have answered.

    Each row is one tool against one mask. The columns are ``Mask``, ``Tool``, ``Mean``, and one for
    each scan. The masks are in the order of ``others``, and the best tool stands first.

    Args:
        ours: the frame of ``real_scores``.
        others: the frame of ``other_scores``.
    """
    keys = ["site", "scan", "mask"]
    same = ours.merge(others[keys].drop_duplicates(), on=keys)
    same = same[same["by"].isin(OURS)].assign(by=same["by"].map(OURS))
    rows = pd.concat([others, same[[*keys, "by", "dice"]]])
    table = rows.pivot_table("dice", ["mask", "by"], "scan").rename_axis(columns=None)
    table.insert(0, "Mean", table.mean(axis=1))
    table = table.reset_index()
    order = table["mask"].map({mask: at for at, mask in enumerate(others["mask"].unique())})
    table = table.assign(order=order).sort_values(["order", "Mean"], ascending=[True, False])
    names = {"mask": "Mask", "by": "Tool"}
    return table.drop(columns="order").rename(columns=names).reset_index(drop=True)


def beside_words(table: pd.DataFrame) -> str:
    """Which place the starter has, adapted and not, against each mask, in sentences."""
    said = []
    for mask, part in table.groupby("Mask", sort=False):
        means = part.set_index("Tool")["Mean"]
        tools = means.drop([name for name in OURS.values() if name in means])
        own = [f"the {name} {means[name]:.2f}" for name in OURS.values() if name in means]
        level = means[OURS[STARTER]]
        alike = list(tools[(tools - level).abs() < ALIKE].index)
        better = [name for name in tools[tools > level].index if name not in alike]
        verb = "are" if len(better) > 1 else "is"
        above = listed(better) if better else "None of them"
        above += f" {verb} higher than the starter by {ALIKE:g} or more."
        if alike:
            above += f" Within {ALIKE:g} of it: {listed(alike)}."
        said.append(
            f"Against `{mask}`, the mean Dice of {count_of(len(tools), 'other tool')} is"
            f" {tools.min():.2f} to {tools.max():.2f} (the highest is that of {tools.idxmax()})."
            f" {above} The mean Dice of ours: {listed(own)}."
        )
    return " ".join(said)
