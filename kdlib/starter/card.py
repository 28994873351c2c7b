"""The numbers in the model card, made from the scores that the study leaves."""

from itertools import pairwise

import pandas as pd

SLICES_MM = (0, 2, 4, 9)
LOADS_ML = (0, 2, 10, 30, 1000)


def summary(scores: pd.DataFrame, first: str = "teacher-1") -> pd.DataFrame:
    """Mean Dice and recall of each network, and how far its Dice is from that of ``first``.

    ``people`` are those who have a Dice: nobody without lesions, unless the network marks some,
    which is a Dice of 0.
    ``difference`` is the mean over the people whom both count, and ``standard_error`` is that of
    this mean. So it is not quite the difference of the two means.
    """
    networks = scores.groupby("network", sort=False)
    table = networks[["dice", "recall"]].mean()
    table.insert(0, "people", networks["dice"].count())
    dice = scores.pivot_table(index="person", columns="network", values="dice")
    apart = dice.sub(dice[first], axis=0)
    table["difference"] = apart.mean()
    table["standard_error"] = apart.sem()
    return table


def numbers(scores: pd.DataFrame, shipped: str) -> str:
    """Two tables in Markdown: all networks, and the ``shipped`` one by slices and by loads.

    The second has people with lesions alone.
    """
    lines = [
        "| network | people | Dice | lesion recall | Dice minus the first teacher's |",
        "|---|---|---|---|---|",
    ]
    for name, row in summary(scores).iterrows():
        apart = "" if name == "teacher-1" else f"{row.difference:+.3f} ± {row.standard_error:.3f}"
        found = f"{row.people:.0f} | {row.dice:.3f} | {row.recall:.3f}"
        lines.append(f"| {name} | {found} | {apart} |")
    lines += ["", f"| people with lesions ({shipped}) | people | Dice |", "|---|---|---|"]
    own = scores[scores.network == shipped]
    for title, column, edges in (
        ("slices of {} to {} mm", "slice_mm", SLICES_MM),
        ("{} to {} mL of lesions", "lesion_ml", LOADS_ML),
    ):
        for low, high in pairwise(edges):
            some = own[own[column].between(low, high, inclusive="left") & own.dice.notna()]
            some = some[some.lesion_ml > 0]
            if len(some):
                lines.append(
                    f"| {title.format(low, high)} | {len(some)} | {some.dice.mean():.3f} |"
                )
    return "\n".join(lines) + "\n"
