"""Tables in the paper's layout, and ours beside the paper's."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from kdlib.evidence import paper
from kdlib.evidence.claims import Ruling
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
    """Rows (Training, Method), columns the test clinic, cells "mean (SD)" as in Tables 2 and 3.

    Mean and SD are over subjects, each averaged over seeds. A pair that was not run is empty. The
    arms stand in the study's order, under their labels.
    """
    rows = _by_pair(scores, metric)
    return _layout(rows.assign(cell=_cells(rows["mean"], rows["sd"])), labels(arms))


def seed_table(scores: pd.DataFrame, arms: Mapping[str, Arm], metric: str = "dice") -> pd.DataFrame:
    """In the layout of ``results_table``: the SD over seeds of the mean over subjects.

    It is "one seed" where nothing was trained twice.
    """
    rows = seed_variation(scores, metric)
    cells = ["one seed" if pd.isna(sd) else f"{sd:.4f}" for sd in rows["seed_sd"]]
    return _layout(rows.assign(cell=cells), labels(arms))


def five_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """The challenge's five metrics of a run's ``scores``, a row a subject, as the charts name them.

    ``arm`` comes first where the scores have it.
    """
    keys = [name for name in ("arm", "subject") if name in scores]
    return scores[[*keys, *METRIC_NAMES]].rename(columns=METRIC_NAMES)


def paper_table() -> pd.DataFrame:
    """The paper's Tables 2 and 3 in the layout of ``results_table``."""
    rows = paper.printed_results()
    names = dict.fromkeys(rows["arm"])
    return _layout(
        rows.assign(cell=_cells(rows["mean"], rows["sd"])), {name: name for name in names}
    )


def beside_paper(scores: pd.DataFrame, arms: Mapping[str, Arm]) -> pd.DataFrame:
    """The paper's Dice, ours, and ours minus the paper's mean, a row per printed number we ran.

    Columns: ``Training``, ``Test``, ``Method``, ``Paper``, ``Ours`` ("mean (SD)") and
    ``Difference`` (of means, as a number).
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
            "Difference": (both["mean_ours"] - both["mean"]).round(4),
        }
    )


def comparison_table(
    scores: pd.DataFrame, arms: Mapping[str, Arm], metric: str = "dice"
) -> pd.DataFrame:
    """Every comparison of a study's arms, by pair and pooled, a row each, rounded for reading."""
    table = study_comparisons(scores, lower_bound(arms), adapting(arms), metric)
    if table.empty:
        return table
    table = table.assign(**{name: table[name].map(labels(arms)) for name in ("arm", "baseline")})
    table[PAIR] = table[PAIR].apply(lambda column: column.str.capitalize())
    tests = [str(name) for name in table if str(name).startswith("p_")]
    table[tests] = table[tests].map(lambda p: float(f"{p:.3g}"))
    return table.round(dict.fromkeys(table.columns.difference(tests), 4))


def gap_table(scores: pd.DataFrame, arms: Mapping[str, Arm]) -> pd.DataFrame:
    """The gap closed by every arm that adapts, in percent with its interval.

    It is "withheld" where there is no clear gap. A study without both bounds has no rows.
    """
    table = gaps_closed(scores, adapting(arms), lower_bound(arms), upper_bound(arms))
    if table.empty:
        return pd.DataFrame(columns=["Training", "Test", "Method", "U - L", "Gap closed"])
    shares = [
        "withheld" if np.isnan(value) else f"{value:.0%} [{low:.0%}, {high:.0%}]"
        for value, low, high in table[["gap_closed", "low", "high"]].to_numpy(dtype=float)
    ]
    return pd.DataFrame(
        {
            "Training": table["source"].str.capitalize(),
            "Test": table["target"].str.capitalize(),
            "Method": table["arm"].map(labels(arms)),
            "U - L": table["gap"].round(4),
            "Gap closed": shares,
        }
    )


def ledger_table(rulings: list[Ruling]) -> pd.DataFrame:
    """The claim ledger: a row per claim with its place, test, rule, verdict and the reason.

    ``if_true`` counts the verdicts "reproduced / undecided / contradicted" of simulated studies in
    which the paper's tables are true, and ``seeds`` are those with which half of them decide.
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
    """The label of every arm by its name, in the study's order."""
    return {name: arm.label for name, arm in arms.items()}


def _layout(rows: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """The ``cell`` of every row in the paper's layout; ``names``: the arms' labels, in order."""
    table = _sorted(rows, names).pivot(index=["source", "arm"], columns="target", values="cell")
    table = table.fillna("")
    index = [(str(source).capitalize(), names.get(arm, arm)) for source, arm in table.index]
    table.index = pd.MultiIndex.from_tuples(index, names=["Training", "Method"])
    table.columns = pd.Index([str(name).capitalize() for name in table.columns], name="Test")
    return table


def _sorted(rows: pd.DataFrame, arms: Iterable[str]) -> pd.DataFrame:
    """In the paper's order of clinics and that of ``arms``, unknown ones after, as categories."""
    orders = {"source": paper.CLINICS, "target": paper.CLINICS, "arm": tuple(arms)}
    ordered = {
        name: pd.Categorical(
            rows[name], [*known, *sorted(set(rows[name]) - set(known))], ordered=True
        ).remove_unused_categories()
        for name, known in orders.items()
    }
    return rows.assign(**ordered).sort_values(list(orders), ignore_index=True)


def _cells(mean: pd.Series, sd: pd.Series) -> list[str]:
    """As "0.7004 (0.1057)"; no bracket where one subject has no SD."""
    return [
        f"{m:.4f}" if pd.isna(s) else f"{m:.4f} ({s:.4f})" for m, s in zip(mean, sd, strict=True)
    ]
