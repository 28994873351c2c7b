"""Write a study's report: its scores, its tables and the claim ledger."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from kdlib.evidence.claims import judge
from kdlib.evidence.comparisons import Patients
from kdlib.files import whole_folder, write_text
from kdlib.report.provenance import arms_table
from kdlib.report.table_files import write_table
from kdlib.report.tables import (
    beside_paper,
    comparison_table,
    gap_table,
    ledger_table,
    results_table,
    seed_table,
)
from kdlib.report.worth import worth_of, worth_table
from kdlib.study.arm import Arm


def report_tables(
    scores: pd.DataFrame,
    arms: Mapping[str, Arm],
    teachers: pd.DataFrame | None = None,
    patients: Patients | None = None,
) -> dict[str, pd.DataFrame]:
    """All tables of a study, by the names of their files.

    The ledger is judged without the studies of controls and of the mechanism. ``patients`` are
    those who have several scans.
    """
    return {
        "worth": worth_table(worth_of(scores, arms, patients)),
        "arms": arms_table(arms),
        "results": results_table(scores, arms),
        "seeds": seed_table(scores, arms),
        "beside_paper": beside_paper(scores, arms),
        "comparisons": comparison_table(scores, arms),
        "gap_closed": gap_table(scores, arms),
        "ledger": ledger_table(judge(scores, teachers=teachers)),
    }


def write_study_report(
    scores: pd.DataFrame, tables: Mapping[str, pd.DataFrame], folder: Path
) -> list[Path]:
    """Write ``scores.csv``, and each table as CSV, Markdown, LaTeX and HTML. Returns the files.

    All of them come into ``folder`` when all are written, so no old table lies beside a new one.
    """
    with whole_folder(folder, last="scores.csv") as new:
        made = [path for name, table in tables.items() for path in write_table(table, new, name)]
        write_text(new / "scores.csv", scores.to_csv(index=False))
    return [folder / "scores.csv", *(folder / path.name for path in made)]
