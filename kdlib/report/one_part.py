"""Arms that differ in one part of a method, two by two: what this part changes."""

from dataclasses import dataclass

import pandas as pd

from kdlib.evidence.comparisons import differences, pooled
from kdlib.evidence.contrast import MINIMUM_SEEDS, contrast_of
from kdlib.evidence.direction import direction
from kdlib.evidence.mechanism import (
    ADA,
    ADA_0,
    ADABN,
    CONTINUED_ADABN,
    KD,
    KD_1,
    KD_FROM_ADABN,
    KD_HARD,
    KD_NO_TARGET,
    LOWER_IN,
)
from kdlib.evidence.statistics import MARGIN
from kdlib.evidence.verdicts import count_of
from kdlib.record.results import Results
from kdlib.report.tables import labels
from kdlib.report.words import listed, signed
from kdlib.study.arm import lower_bound

CONTINUED, ANOTHER = "teacher continued", "teacher of another seed"


@dataclass(frozen=True)
class Part:
    """A part of a method: the arm that has it, and the one that is alike but for it."""

    name: str
    having: str
    lacking: str | None = None  # none: the lower bound


PARTS = (
    Part("longer training", CONTINUED),
    Part("other first weights", ANOTHER),
    Part("the target's statistics (AdaBN)", ADABN),
    Part("AdaBN after longer training", CONTINUED_ADABN, CONTINUED),
    Part("target scans as half of ADA's batches", ADA_0, ANOTHER),
    Part("ADA's adversary", ADA, ADA_0),
    Part("distilling on the source alone", KD_NO_TARGET),
    Part("scans of the target in KD", KD, KD_NO_TARGET),
    Part("scans of the source in KD", KD, "KD without source scans"),
    Part("softening the teacher", KD, KD_1),
    Part("doubt in the labels of KD", KD_1, KD_HARD),
    Part("softening the student too", "KD both softened", KD),
    Part("the teacher's weights to start KD from", "KD warm start", KD),
    Part("AdaBN of KD's teacher", KD_FROM_ADABN, KD),
    Part("distilling AdaBN", KD_FROM_ADABN, ADABN),
    Part("instance norm in place of batch norm", LOWER_IN),
)
COLUMNS = ["part", "having", "lacking", "difference", "low", "high", "reading", "seeds"]
SIDES = {  # what is said of some parts, and of none
    "better": ("The Dice is better with", "No part is shown to raise the Dice."),
    "worse": ("It is worse with", "None is shown to lower it."),
    "the same": (f"It is the same within {MARGIN:g} with", "With none it is shown to be the same."),
}


def part_changes(results: Results) -> pd.DataFrame:
    """What each of ``PARTS`` changes, all pairs pooled: one row each, of those that were run.

    The columns are ``COLUMNS``. ``having`` and ``lacking`` are labels, and ``reading`` is a
    direction without a correction for the number of parts.
    """
    lower, rows, names = lower_bound(results.arms), [], labels(results.arms)
    for part in PARTS:
        lacking = part.lacking or lower
        if lacking is None or not {part.having, lacking} <= set(results.arms):
            continue
        table = pooled(differences(results.scores, part.having, lacking))
        if len(table):
            found = contrast_of(part.name, table)
            numbers = found.difference, found.low, found.high
            compared = part.name, names[part.having], names[lacking], *numbers
            rows.append((*compared, direction(found, found), len(found.seed_means)))
    return pd.DataFrame(rows, columns=COLUMNS)


def part_words(table: pd.DataFrame) -> str:
    """With which parts the Dice is better, worse or the same as without, in sentences."""
    if table.empty:
        return "No two arms of these results differ in one part alone."
    if table["seeds"].max() < MINIMUM_SEEDS:
        return f"With {count_of(int(table['seeds'].max()), 'seed')} the table decides nothing yet."
    said = []
    for reading, (some, none) in SIDES.items():
        own = table[table["reading"].eq(reading)]
        parts = [f"{one['part']} ({signed(one['difference'])})" for _, one in own.iterrows()]
        said.append(f"{some}: {listed(parts)}." if parts else none)
    undecided = int(table["reading"].eq("open").sum())
    return " ".join([*said, f"Open: the other {undecided}."] if undecided else said)
