"""The paper's own numbers as a chart."""

import pandas as pd
import seaborn as sns
from matplotlib.ticker import PercentFormatter

from kdlib.evidence import paper
from kdlib.evidence.comparisons import pair_name
from kdlib.report.figures import DARK, Picture, drawing, name_rows
from kdlib.study.arm import PALETTE


def printed_gaps_closed() -> pd.DataFrame:
    """(method - L-bound) / (U-bound - L-bound) of ADA and KD in every pair, from Table 2."""
    means = paper.printed_results().pivot(index=["source", "target"], columns="arm", values="mean")
    gap = means["U-bound"] - means["L-bound"]
    shares = {arm: (means[arm] - means["L-bound"]) / gap for arm in ("ADA", "KD")}
    return pd.DataFrame(shares).loc[list(paper.PAIRS)]


def printed_gaps(gaps: pd.DataFrame) -> Picture:
    """``printed_gaps_closed`` as two bars for each pair of clinics."""
    names = [pair_name(*pair) for pair in gaps.index]
    with drawing(0.5 * len(gaps) + 0.9) as (figure, axes):
        table = gaps.set_axis(names).melt(var_name="arm", value_name="share", ignore_index=False)
        sns.barplot(
            table.rename_axis("pair"), x="share", y="pair", hue="arm", width=0.7, saturation=1,
            palette=PALETTE[: gaps.shape[1]], ax=axes,
        )  # fmt: skip
        axes.axvline(0, color=DARK, lw=1)
        name_rows(axes, names)
        axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        axes.set(xlabel="share of the gap closed (the paper's numbers)", ylabel="")
        sns.move_legend(axes, "lower center", bbox_to_anchor=(0.5, 1), ncols=2, title=None)
    return Picture(figure)
