"""Tables in the layout of the paper, and tables that compare our numbers with the paper's."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from kdlib.evidence import paper
from kdlib.evidence.claim import Ruling
from kdlib.evidence.comparisons import (
    PAIR,
    POOLED,
    gaps_closed,
    seed_variation,
    study_comparisons,
    summary,
)
from kdlib.scores.metrics import METRIC_NAMES
from kdlib.study.arm import Arm, adapting, lower_bound, upper_bound


def results_table(
    scores: pd.DataFrame, arms: Mapping[str, Arm], metric: str = "dice"
) -> pd.DataFrame:
    """The results in the layout of the paper's Tables 2 and 3.

    Each row is a training clinic and a method. Each column is a test clinic. Each cell is
    "mean (SD)" over subjects, whose seeds are averaged first. It is empty for a pair that was not
    run. The arms have their labels and the study's order.
    """
    rows = _by_pair(scores, metric)
    return _layout(rows.assign(cell=_cells(rows["mean"], rows["sd"])), labels(arms))


def seed_table(scores: pd.DataFrame, arms: Mapping[str, Arm], metric: str = "dice") -> pd.DataFrame:
    """The SD over seeds of the mean over subjects, in the layout of ``results_table``.

    A cell is "one seed" if nothing was trained twice.
    """
    rows = seed_variation(scores, metric)
    cells = ["one seed" if pd.isna(sd) else f"{sd:.4f}" for sd in rows["seed_sd"]]
    return _layout(rows.assign(cell=cells), labels(arms))


def five_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """The challenge's five metrics in a run's ``scores``, with the names that the charts use.

    Each row is one subject. ``arm`` is the first column if the scores have it.
    """
    keys = [name for name in ("arm", "subject") if name in scores]
    return scores[[*keys, *METRIC_NAMES]].rename(columns=METRIC_NAMES)


def paper_table(first: Iterable[str] = ()) -> pd.DataFrame:
    """The paper's Tables 2 and 3 in the layout of ``results_table``, the arms ``first`` on top."""
    rows = paper.printed_results()
    printed = dict.fromkeys(rows["arm"])
    names = [*(name for name in first if name in printed), *printed]
    return _layout(
        rows.assign(cell=_cells(rows["mean"], rows["sd"])), {name: name for name in names}
    )


def beside_paper(scores: pd.DataFrame, arms: Mapping[str, Arm]) -> pd.DataFrame:
    """The paper's Dice and ours. Each row is one number of the paper that we have run too.

    The columns are ``Training``, ``Test``, ``Method``, ``Paper`` and ``Ours`` (both "mean (SD)"),
    and ``Difference`` (our mean minus the paper's, as a number).
    """
    keys = [*PAIR, "arm"]
    both = paper.printed_results().merge(_by_pair(scores, "dice"), on=keys, suffixes=("", "_ours"))
    both = _sorted(both, labels(arms))
    return pd.DataFrame(
        {
            "Training": both["source"].astype(str).str.capitalize(),
            "Test": both["target"].astype(str).str.capitalize(),
            "Method": both["arm"].astype(str).map(labels(arms)),
            "Paper": _cells(both["mean"], both["sd"]),
            "Ours": _cells(both["mean_ours"], both["sd_ours"]),
            "Difference": (both["mean_ours"] - both["mean"]).round(6),
        }
    )


def comparison_table(
    scores: pd.DataFrame, arms: Mapping[str, Arm], metric: str = "dice"
) -> pd.DataFrame:
    """Each row is one comparison of a study's arms, in one pair or pooled."""
    table = study_comparisons(scores, lower_bound(arms), adapting(arms), metric)
    if table.empty:
        return table
    table = table.assign(**{name: table[name].map(labels(arms)) for name in ("arm", "baseline")})
    table[PAIR] = table[PAIR].apply(lambda column: column.str.capitalize())
    seeds = [", ".join(f"{mean:+.3f}" for mean in means) for means in table["by_seed"]]
    table = table.assign(by_seed=seeds)
    tests = [str(name) for name in table if str(name).startswith("p_")]
    table[tests] = table[tests].map(lambda p: float(f"{p:.3g}"))
    return table.round(dict.fromkeys(table.columns.difference(tests), 6))


def gap_table(scores: pd.DataFrame, arms: Mapping[str, Arm]) -> pd.DataFrame:
    """The share of the gap that each adapting arm closes, in percent with its interval.

    It is "withheld" if there is no clear gap. The table is empty if the study lacks a bound.
    """
    table = gaps_closed(scores, adapting(arms), lower_bound(arms), upper_bound(arms))
    if table.empty:
        return pd.DataFrame(columns=["Training", "Test", "Method", "U - L", "Gap closed"])
    shares = [
        "withheld" if np.isnan(value) else f"{value:z.0%} [{_share(low)}, {_share(high)}]"
        for value, low, high in table[["gap_closed", "low", "high"]].to_numpy(dtype=float)
    ]
    return pd.DataFrame(
        {
            "Training": table["source"].str.capitalize(),
            "Test": table["target"].str.capitalize(),
            "Method": table["arm"].map(labels(arms)),
            "U - L": table["gap"].round(6),
            "Gap closed": shares,
        }
    )


def _share(value: float) -> str:
    """A share in percent. Beyond ten times the gap its size says nothing more."""
    if abs(value) > 10:
        return "> 1000%" if value > 0 else "< -1000%"
    return f"{value:z.0%}"


def ledger_table(rulings: list[Ruling]) -> pd.DataFrame:
    """The claim ledger. Each row is one claim: its place, test, rule, verdict and the reason.

    ``if_true`` is about simulated studies in which the paper's tables are true. It counts their
    verdicts "reproduced / undecided / contradicted". ``seeds`` is the number of seeds with which
    half of them decide.
    """
    columns = ["number", "claim", "place", "test", "rule"]
    rows = [
        {name: getattr(ruling.claim, name) for name in columns}
        | {"verdict": ruling.verdict, "if_true": ruling.if_true, "seeds": ruling.seeds}
        | {"why": ruling.why}
        for ruling in rulings
    ]
    return pd.DataFrame(rows, columns=[*columns, "verdict", "if_true", "seeds", "why"])


def _by_pair(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    table = summary(scores, metric)
    return table[table["source"] != POOLED]


def labels(arms: Mapping[str, Arm]) -> dict[str, str]:
    """The labels of all arms by their names, in the study's order."""
    return {name: arm.label for name, arm in arms.items()}


def arms_in_order(table: pd.DataFrame, arms: Iterable[str]) -> pd.DataFrame:
    """The rows of ``table``, whose index holds arms, in the order of ``arms``, without others."""
    return table.loc[[name for name in arms if name in table.index]]


def _layout(rows: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Put the ``cell`` of each row into the paper's layout. ``names`` are the arms' labels."""
    table = _sorted(rows, names).pivot(index=["source", "arm"], columns="target", values="cell")
    table = table.fillna("")
    index = [(str(source).capitalize(), names.get(arm, arm)) for source, arm in table.index]
    table.index = pd.MultiIndex.from_tuples(index, names=["Training", "Method"])
    table.columns = pd.Index([str(name).capitalize() for name in table.columns], name="Test")
    return table


def _sorted(rows: pd.DataFrame, arms: Iterable[str]) -> pd.DataFrame:
    """Sort by clinics as in the paper, then by ``arms``. Unknown ones come last."""
    orders = {"source": paper.CLINICS, "target": paper.CLINICS, "arm": tuple(arms)}
    ordered = {
        name: pd.Categorical(
            rows[name], [*known, *sorted(set(rows[name]) - set(known))], ordered=True
        ).remove_unused_categories()
        for name, known in orders.items()
    }
    return rows.assign(**ordered).sort_values(list(orders), ignore_index=True)


def _cells(mean: pd.Series, sd: pd.Series) -> list[str]:
    """Write "0.7004 (0.1057)". A single subject has no SD, and so no bracket."""
    return [
        f"{m:.4f}" if pd.isna(s) else f"{m:.4f} ({s:.4f})" for m, s in zip(mean, sd, strict=True)
    ]
