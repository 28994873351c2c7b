"""Tables whose rows belong to seeds. They are kept as text, so that merging changes no digit."""

from collections.abc import Iterable
from io import StringIO
from pathlib import Path

import pandas as pd

SEED_TABLES = ("scores.csv", "teachers.csv", "curves.csv", "findings.csv")
DECIMALS = 6


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table with text in every cell, sorted by the column ``seed``.

    Each seed's rows are written alone. So they do not depend on the other seeds of the table, which
    could turn whole numbers into decimals.
    """
    parts = [rows for _, rows in frame.groupby("seed")] or [frame]
    return stacked(read_cells(StringIO(part.round(DECIMALS).to_csv(index=False))) for part in parts)


def of_seed(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The rows of one seed, numbered from 0."""
    return table[table["seed"] == str(seed)].reset_index(drop=True)


def stacked(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """All rows of some tables of text, sorted by seed. Rows of one seed keep their order."""
    rows = pd.concat(list(tables), ignore_index=True).fillna("")
    return rows.sort_values("seed", key=lambda seeds: seeds.astype(int), kind="stable")


def read_cells(source: Path | StringIO) -> pd.DataFrame:
    """Read a table that ``as_text`` made, with text in every cell."""
    return pd.read_csv(source, dtype=str, keep_default_na=False)
