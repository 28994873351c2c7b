"""Show tables on a page: escaped, without row numbers, with text to the left, numbers in line."""

import re
from dataclasses import dataclass

import pandas as pd
from pandas.api.types import is_numeric_dtype

from kdlib.report.words import rounded

MANY = 6  # columns: with more of them a table has smaller letters, so that a page holds it


def printed(text: str) -> str:
    """``text`` for a page, with the minus sign of printers and a space before percent signs.

    >>> printed("KD - ADA is -0.006, from 10-100 mm3 on")
    'KD − ADA is −0.006, from 10-100 mm3 on'
    """
    minus = re.sub(r"(?<![\w.-])-(?=\d)|(?<=\S )-(?= \S)", "−", text)
    return re.sub(r"(?<=\d)%(?!\w)", "\u00a0%", minus)


@dataclass(frozen=True)
class Shown:
    """A table that a notebook shows as HTML. If it is downloaded, its file is called ``name``."""

    table: pd.DataFrame
    name: str
    wraps: bool = False
    digits: int = 3
    ids: str | None = None

    def _repr_html_(self) -> str:
        kinds = ["prose" if self.wraps else "numbers"]
        if self.table.shape[1] > MANY:
            kinds.append("many")
        # Names and texts may come from scans, so they are escaped.
        with pd.option_context("display.max_colwidth", None):
            html = self._texts().to_html(index=False, border=0, escape=True, classes=kinds)
        if self.ids is not None:
            html = re.sub(r"<tr>(?=\s*<td>([\w-]+)</td>)", rf'<tr id="{self.ids}\1">', html)
        return html.replace("<table", f'<table data-name="{self.name}"', 1)

    def _texts(self) -> pd.DataFrame:
        """Numbers as text: whole ones with separated thousands, others with ``digits`` digits."""
        return self.table.apply(self._column)

    def _column(self, values: pd.Series) -> pd.Series:
        if is_numeric_dtype(values) and values.dtype != bool:
            whole = bool((values.dropna() % 1 == 0).all())
            return values.map(lambda value: "" if pd.isna(value) else self._number(value, whole))
        return values.map(lambda value: "" if value is None else printed(str(value)))

    def _number(self, value: float, whole: bool) -> str:
        return printed(f"{value:,.0f}" if whole else rounded(value, self.digits))


def shown(
    table: pd.DataFrame,
    name: str,
    *,
    wraps: bool = False,
    digits: int = 3,
    ids: str | None = None,
) -> Shown:
    """Prepare ``table`` for a page.

    Args:
        table: what to show. Named levels of its index become columns.
        name: the name of its file, of letters, digits and hyphens.
        wraps: whether lines are folded, for columns of sentences.
        digits: how many digits a number has after the point.
        ids: if given, links can lead to a row: its name is this and the text of its first cell.
    """
    flat = table.reset_index() if any(level is not None for level in table.index.names) else table
    flat = flat.set_axis([str(column).replace("_", " ") for column in flat.columns], axis=1)
    return Shown(flat, name, wraps, digits, ids)
