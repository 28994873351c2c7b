"""Tables in the paper's layout, ours beside the paper's, and their export."""

from pathlib import Path

import numpy as np
import pandas as pd

from kdlib.evidence import paper
from kdlib.evidence.claims import Ruling
from kdlib.evidence.comparisons import PAIR, POOLED, comparisons, gaps_closed, summary
from kdlib.files import atomic
from kdlib.scores.metrics import METRIC_NAMES

# The paper's order, then the arms that stand in no table of it.
ARM_ORDER = [*paper.ARMS, *paper.ON_THE_FLY, "ADA then KD"]
FORMATS = ("csv", "md", "tex", "html")


def results_table(scores: pd.DataFrame, metric: str = "dice") -> pd.DataFrame:
    """Rows (Training, Method), columns the test clinic, cells "mean (SD)" as in Tables 2 and 3.

    Mean and SD are over subjects, each averaged over seeds. A pair that was not run is empty.
    """
    return _layout(_by_pair(scores, metric))


def five_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """The challenge's five metrics of a run's ``scores``, a row a subject, as the charts name them.

    ``arm`` comes first where the scores have it.
    """
    keys = [name for name in ("arm", "subject") if name in scores]
    return scores[[*keys, *METRIC_NAMES]].rename(columns=METRIC_NAMES)


def paper_table() -> pd.DataFrame:
    """The paper's Tables 2 and 3 in the layout of ``results_table``."""
    return _layout(paper.printed_results())


def beside_paper(scores: pd.DataFrame) -> pd.DataFrame:
    """The paper's Dice, ours, and ours minus the paper's mean, a row per printed number we ran.

    Columns: ``Training``, ``Test``, ``Method``, ``Paper``, ``Ours`` ("mean (SD)") and
    ``Difference`` (of means, as a number).
    """
    keys = [*PAIR, "arm"]
    both = paper.printed_results().merge(_by_pair(scores, "dice"), on=keys, suffixes=("", "_ours"))
    both = _sorted(both)
    return pd.DataFrame(
        {
            "Training": both["source"].astype(str).str.capitalize(),
            "Test": both["target"].astype(str).str.capitalize(),
            "Method": both["arm"].astype(str),
            "Paper": _cells(both["mean"], both["sd"]),
            "Ours": _cells(both["mean_ours"], both["sd_ours"]),
            "Difference": (both["mean_ours"] - both["mean"]).round(4),
        }
    )


def comparison_table(scores: pd.DataFrame, metric: str = "dice") -> pd.DataFrame:
    """Every test of the declared family and the pooled ones, a row each, rounded for reading."""
    table = comparisons(scores, metric)
    if table.empty:
        return table
    table[PAIR] = table[PAIR].apply(lambda column: column.str.capitalize())
    tests = [str(name) for name in table if str(name).startswith("p_")]
    table[tests] = table[tests].map(lambda p: float(f"{p:.3g}"))
    return table.round(dict.fromkeys(table.columns.difference(tests), 4))


def gap_table(scores: pd.DataFrame) -> pd.DataFrame:
    """The gap closed by ADA and KD in percent with its interval; "withheld" without a clear gap."""
    table = gaps_closed(scores)
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
            "Method": table["arm"],
            "U - L": table["gap"].round(4),
            "Gap closed": shares,
        }
    )


def ledger_table(rulings: list[Ruling]) -> pd.DataFrame:
    """The claim ledger: a row per claim with its place, test, rule, verdict and the reason."""
    columns = ["number", "claim", "place", "test", "rule"]
    rows = [
        {name: getattr(ruling.claim, name) for name in columns}
        | {"verdict": ruling.verdict, "why": ruling.why}
        for ruling in rulings
    ]
    return pd.DataFrame(rows, columns=[*columns, "verdict", "why"])


def to_markdown(table: pd.DataFrame) -> str:
    """A pipe table of ``table``'s columns; named index levels become columns. Pipes are escaped."""
    flat = _flat(table)
    lines = [list(flat.columns), ["---"] * flat.shape[1], *flat.to_numpy().tolist()]
    cells = [
        [_cell_text(cell).replace("|", r"\|").replace("\n", " ") for cell in line] for line in lines
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells) + "\n"


def to_latex(table: pd.DataFrame) -> str:
    """A LaTeX ``tabular`` (booktabs), special characters escaped."""
    return _flat(table).map(_cell_text).to_latex(index=False, escape=True)


def to_html(table: pd.DataFrame) -> str:
    """An HTML table, everything escaped: names and texts may come from scans."""
    return _flat(table).map(_cell_text).to_html(index=False, escape=True, border=0)


def write_table(table: pd.DataFrame, folder: Path | str, name: str) -> list[Path]:
    """Write ``name``.csv, .md, .tex and .html into ``folder``, each whole or not at all."""
    texts = {
        "csv": _flat(table).to_csv(index=False),
        "md": to_markdown(table),
        "tex": to_latex(table),
        "html": to_html(table),
    }
    paths = [Path(folder) / f"{name}.{suffix}" for suffix in FORMATS]
    for path, suffix in zip(paths, FORMATS, strict=True):
        with atomic(path) as temporary:
            temporary.write_text(texts[suffix], encoding="utf-8")
    return paths


def _by_pair(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    table = summary(scores, metric)
    return table[table["source"] != POOLED]


def _layout(rows: pd.DataFrame) -> pd.DataFrame:
    rows = _sorted(rows)
    rows = rows.assign(cell=_cells(rows["mean"], rows["sd"]))
    table = rows.pivot(index=["source", "arm"], columns="target", values="cell").fillna("")
    index = [(str(source).capitalize(), str(arm)) for source, arm in table.index]
    table.index = pd.MultiIndex.from_tuples(index, names=["Training", "Method"])
    table.columns = pd.Index([str(name).capitalize() for name in table.columns], name="Test")
    return table


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    """In the paper's order of clinics and arms, unknown ones after; as ordered categories."""
    orders = {"source": paper.CLINICS, "target": paper.CLINICS, "arm": ARM_ORDER}
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


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    named = any(name is not None for name in table.index.names)
    flat = table.reset_index() if named else table.copy()
    flat.columns = pd.Index([str(name) for name in flat.columns])
    return flat


def _cell_text(cell: object) -> str:
    if isinstance(cell, float):
        return "" if pd.isna(cell) else f"{cell:.4g}"
    return str(cell)
