"""Write tables as CSV, Markdown, LaTeX and HTML."""

import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

import pandas as pd

from kdlib.files import atomic

_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
# Numbers with zeros around or an exponent or many digits, dates, times, formulas, truth values.
CHANGED_BY_EXCEL = re.compile(
    r"[+-]?0\d+|[+-]?\d+(\.\d*)?e[+-]?\d+|\d{12,}|\d+\.\d*0|\d{1,4}[-/.:]\d{1,2}([-/.:]\d{1,4})?"
    rf"|\d{{1,2}}[- ]?{_MONTH}([- ]?\d+)?|{_MONTH}[- ]?\d{{1,4}}|[=+@-].*|true|false",
    re.IGNORECASE,
)
FORMATS = ("csv", "md", "tex", "html")


def to_markdown(table: pd.DataFrame) -> str:
    """A Markdown table. Named levels of the index become columns.

    Pipes are escaped, and so is all that a page would read as HTML.
    """
    flat = _flat(table)
    lines = [list(flat.columns), ["---"] * flat.shape[1], *flat.to_numpy().tolist()]
    cells = [[_in_markdown(_cell_text(cell)) for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells) + "\n"


def to_latex(table: pd.DataFrame) -> str:
    """A LaTeX ``tabular`` with booktabs. Special characters are escaped."""
    return _flat(table).map(_cell_text).to_latex(index=False, escape=True)


def to_html(table: pd.DataFrame) -> str:
    """An HTML table. Everything is escaped, since names and texts may come from scans."""
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


def excel_hint(ids: Iterable[str]) -> str:
    """How to open a table in Excel if it would change one of these ids, else an empty text.

    Excel reads 007 as 7, 1-2 as a date, 1e5 as 100000, and what begins with = as a formula.
    """
    changed = sorted({name for name in ids if CHANGED_BY_EXCEL.fullmatch(name.strip())})
    if not changed:
        return ""
    return (
        f"Excel would change subject ids such as {changed[0]}. Open the CSV and TSV files there by "
        "Data > From Text/CSV, and give the columns with ids the type Text."
    )


def _in_markdown(text: str) -> str:
    return escape(text, quote=False).replace("|", r"\|").replace("\n", " ")


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    named = any(name is not None for name in table.index.names)
    flat = table.reset_index() if named else table.copy()
    flat.columns = pd.Index([str(name) for name in flat.columns])
    return flat


def _cell_text(cell: object) -> str:
    if isinstance(cell, float):
        return "" if pd.isna(cell) else f"{cell:.4g}"
    return str(cell)
