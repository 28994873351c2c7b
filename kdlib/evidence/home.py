"""Whether the student beats its teacher at home, on the source's own test subjects.

KD's sweep over the temperature scores its students on the source; its rows at the paper's
temperature are taken. The teachers' scores at home are in a study's ``teachers.csv``.
"""

import pandas as pd

from kdlib.evidence.contrast import MINIMUM_SEEDS, contrast_of
from kdlib.evidence.evidence import Evidence
from kdlib.evidence.paper import CLINICS, TEMPERATURE
from kdlib.evidence.sweeps import TEMPERATURE as SETTING
from kdlib.evidence.sweeps import swept
from kdlib.evidence.verdicts import Judgement, all_better, count_of


def judge_at_home(evidence: Evidence) -> Judgement:
    """KD's student against its teacher, Dice at home, the three sources pooled."""
    if evidence.teachers is None or evidence.teachers.empty:
        return Judgement("undecided", "not run: the teachers' scores at home")
    table = gains_at_home(evidence.everything, evidence.teachers)
    sources, seeds = table.index.unique("target"), table.shape[1]
    if table.empty:
        return Judgement("undecided", f"not run: KD at T = {TEMPERATURE:g} scored on the source")
    if not set(CLINICS) <= set(sources) or seeds < MINIMUM_SEEDS:
        found = f"{count_of(len(sources), 'source')} and {count_of(seeds, 'seed')}"
        takes = f"it takes {len(CLINICS)} and {MINIMUM_SEEDS}"
        return Judgement("undecided", f"run at T = {TEMPERATURE:g} with {found}; {takes}")
    return all_better([contrast_of("KD - its teacher, at home", table)])


def gains_at_home(scores: pd.DataFrame, teachers: pd.DataFrame) -> pd.DataFrame:
    """Student minus teacher of each (target, fold, subject), where the target is the source itself.

    Each column is one seed. Students of one source that were adapted to several targets or folds
    are averaged first.
    """
    rows = swept(scores, "KD", (SETTING,), "source")
    keys = ["source", "subject", "seed"]
    of_student, of_teacher = (
        part.groupby(keys)["dice"].mean()
        for part in (rows[rows["value"].eq(TEMPERATURE)], teachers)
    )
    gains = (of_student - of_teacher).dropna().unstack("seed")
    gains = gains.rename_axis(["target", "subject"])
    return pd.concat({0: gains}, names=["fold"]).reorder_levels(["target", "fold", "subject"])
